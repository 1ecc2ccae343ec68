"""Coverage of the cross-lagged panel model: how often its 95 % intervals hold the truth, both ways.

Draws trials with two series, one of which goes before the other and not back, analyses each with
the package's own model and asks of every true value whether the interval holds it, which is whether
the likelihood-ratio test behind the interval does not reject it:

* ``few``, ``some``, ``many``: 160 participants in two arms, 4, 8 or 12 occasions, values missed
  and participants lost at random given what was seen;
* ``small``: 60 participants, 4 occasions;
* ``no levels``: 160 participants who do not differ in their levels, so that a variance is zero;
* ``trends``: 160 participants, 6 occasions, trends that differ and are in the model;
* ``ignored``: the same without trends in the model;
* ``sessions``: the study of 60 participants and 12 sessions of ``benchmarks/process.py``, whose way
  back the within–between model misses.

The tests of the model against free covariances and of trends are counted too. Run from the root of
the repository::

    python benchmarks/panel.py --trials 2000 --seed 20261125
"""

from __future__ import annotations

import argparse
import os
import time
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from known_trials import drawn
from scipy import stats

from ipt_outcomes.mixed import MixedModelError, PanelFit, cross_lagged_panel
from ipt_outcomes.simulate.process import (
    PanelDesign,
    SessionsDesign,
    simulate_panel,
    simulate_sessions,
)

LEVEL = 0.95
DESIGNS = {
    "few": PanelDesign(),
    "some": PanelDesign(occasions=8),
    "many": PanelDesign(occasions=12),
    "small": PanelDesign(participants=60),
    "no levels": PanelDesign(level_sd=(1e-3, 1e-3)),
    "trends": PanelDesign(occasions=6, trend_sd=6.0),
    "ignored": PanelDesign(occasions=6, trend_sd=6.0),
}
SESSIONS = SessionsDesign()
KINDS = (*DESIGNS, "sessions")
TESTED = ("few", "small")
"""Kinds whose tests of the whole model are counted."""

Line = tuple[str, str, float, float, float, float]


def analyse(kind: str, seed: int) -> tuple[PanelFit, dict[str, tuple[str, float]]]:
    """Draw one trial and fit the model; the true value of each regression with its words."""
    if kind == "sessions":
        frame = simulate_sessions(SESSIONS, seed).rename(
            columns={"session": "occasion", "alliance": "functioning"}
        )
        lags = ((0.3, 0.0), (SESSIONS.effect, 0.0))
    else:
        frame = simulate_panel(DESIGNS[kind], seed)
        lags = DESIGNS[kind].lags
    fit = cross_lagged_panel(
        frame,
        participant="participant",
        occasion="occasion",
        x="functioning",
        y="symptoms",
        group="arm",
        trends=kind in ("trends", "sessions"),
        level=LEVEL,
    )
    return fit, {
        "x -> y": ("forward", lags[1][0]),
        "y -> x": ("the way back", lags[0][1]),
        "y -> y": ("symptoms on their past", lags[1][1]),
    }


def one(seed: int, kinds: list[str]) -> list[Line]:
    """Analyse one trial of each kind: kind, what, truth, estimate, error, whether it is held."""
    rows: list[Line] = []
    for kind in kinds:
        try:
            fit, truth = analyse(kind, seed)
            allowed = float(stats.t.ppf((1 + LEVEL) / 2, fit.df))
            own: list[Line] = []
            for name, (words, value) in truth.items():
                line = fit.parameters.set_index("parameter").loc[name]
                held = np.sqrt(fit.rise({name: value})) <= allowed
                own.append((kind, words, value, line["estimate"], line["se"], float(held)))
            if kind in TESTED:
                for words, test in (("free covariances", fit.against_free_covariances),
                                    ("differences in trend", fit.against_trends)):  # fmt: skip
                    own.append((kind, words, np.nan, np.nan, np.nan, float(test().p >= 0.05)))
            own.append((kind, "at the boundary", np.nan, np.nan, np.nan, float(fit.at_boundary)))
            rows += own
        except MixedModelError as error:
            rows.append((kind, f"not fitted: {error}", np.nan, np.nan, np.nan, np.nan))
    return rows


def table(rows: pd.DataFrame) -> str:
    """Sum up as Markdown."""
    lines = [
        "| trials | estimate | truth | n | bias (MC error) | model SE / empirical SE | "
        "coverage, % (MC error) |",
        "|---|---|---|---|---|---|---|",
    ]
    for (kind, words), own in rows.groupby(["kind", "words"], sort=False):
        n, held = len(own), own["held"].mean()
        share = f"{100 * held:.2f} ({100 * np.sqrt(held * (1 - held) / n):.2f})"
        if own["truth"].isna().all():
            shown = share if own["held"].notna().all() else ""
            lines.append(f"| {kind} | {words} | | {n} | | | {shown} |")
            continue
        off = own["value"] - own["truth"]
        spread = off.std(ddof=1)
        lines.append(
            f"| {kind} | {words} | {own['truth'].iloc[0]:.3f} | {n} | {off.mean():+.4f} "
            f"({spread / np.sqrt(n):.4f}) | {np.sqrt((own['se'] ** 2).mean()) / spread:.3f} | "
            f"{share} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS), choices=KINDS)
    asked = parser.parse_args(arguments)
    start = time.perf_counter()
    columns = ("kind", "words", "truth", "value", "se", "held")
    rows = drawn(partial(one, kinds=asked.kinds), asked, columns, np.uint64)
    seconds = time.perf_counter() - start
    print(f"{asked.trials} trials, seed {asked.seed}.\n\n{table(rows)}\n\n{seconds:.0f} s")


if __name__ == "__main__":
    main()
