"""Operating characteristics of the engine's inference, by simulation under a true null.

``python -m ipt_outcomes.mixed.simulation kenward-roger [--trials 20000] [--seed 20261123]`` draws
small trials (40 participants, two arms, four visits, dropout at random given the last outcome) and
reports type I error and coverage of the contrast at the last visit. ``… therapists`` does so for
therapist effects in one arm over intraclass correlations and numbers of therapists, beside the
analysis that ignores therapists. Trials that do not converge are counted and reported.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from .errors import MixedModelError
from .model import mixed_model

WEEKS = (4, 8, 12, 16)
CORRELATION = 0.6
DEVIATION = np.array([5.0, 6.0, 7.0, 7.9])


@dataclass
class Tally:
    """Counts over simulated trials of one design."""

    trials: int = 0
    failed: int = 0
    rejected: int = 0
    covered: int = 0
    boundary: int = 0
    fallback: int = 0
    df: float = 0.0

    def line(self) -> dict[str, float]:
        """Return rates with their Monte Carlo standard error."""
        done = max(self.trials - self.failed, 1)
        rate = self.rejected / done
        return {
            "trials": self.trials,
            "failed": self.failed,
            "type I error %": 100 * rate,
            "Monte Carlo se": 100 * float(np.sqrt(max(rate * (1 - rate), 1e-12) / done)),
            "coverage %": 100 * self.covered / done,
            "boundary %": 100 * self.boundary / done,
            "fall-back %": 100 * self.fallback / done,
            "mean df": self.df / done,
        }


def draw_trial(
    rng: np.random.Generator,
    participants: int,
    *,
    therapists: int = 0,
    icc: float = 0.0,
    dropout: bool = True,
) -> pd.DataFrame:
    """Draw a two-arm trial without any difference between the arms.

    Parameters
    ----------
    rng
        Generator.
    participants
        Number in all, half in each arm.
    therapists
        Therapists of the first arm; none when zero.
    icc
        Share of the variance at the last visit that lies between therapists; their effects grow
        with time.
    dropout
        Leave at random given the last outcome.

    Examples
    --------
    >>> draw_trial(np.random.default_rng(1), 40)["participant"].nunique()
    40
    """
    T = len(WEEKS)
    arm = np.arange(participants) % 2
    baseline = rng.normal(20, 4.8, participants)
    lag = np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
    sigma = CORRELATION**lag * np.outer(DEVIATION, DEVIATION)
    mean = 0.5 * baseline[:, None] + 5 - np.array([2.0, 4.0, 5.5, 6.5])
    y = mean + rng.normal(size=(participants, T)) @ np.linalg.cholesky(sigma).T
    therapist = np.full(participants, -1)
    if therapists:
        inside = np.flatnonzero(arm == 1)
        therapist[inside] = rng.permutation(np.arange(len(inside)) % therapists)
        variance = icc / (1 - icc) * sigma[-1, -1]
        slope = rng.normal(0, np.sqrt(variance) / WEEKS[-1], therapists)
        y[inside] += slope[therapist[inside], None] * np.array(WEEKS)
    seen = np.ones((participants, T), bool)
    if dropout:
        for v in range(1, T):
            chance = 1 / (1 + np.exp(-(-3.6 + 0.1 * y[:, v - 1])))
            seen[:, v] = seen[:, v - 1] & (rng.random(participants) > chance)
    i, a = np.nonzero(seen)
    return pd.DataFrame(
        {
            "participant": i,
            "week": np.array(WEEKS)[a],
            "arm": np.array(["control", "therapy"])[arm[i]],
            "therapist": np.array([f"T{k}" for k in range(max(therapists, 1))] + [""])[
                therapist[i]
            ],
            "baseline": baseline[i],
            "score": y[i, a],
        }
    )


def analyse(frame: pd.DataFrame, tallies: dict[str, Tally], **request: object) -> None:
    """Fit one trial; count rejection and coverage of the contrast at the last visit.

    One fit serves both tallies: ``"kenward-roger"`` takes its adjusted covariance,
    ``"satterthwaite"`` the unadjusted one, with the same df for a single contrast.
    """
    for tally in tallies.values():
        tally.trials += 1
    try:
        fit = mixed_model(
            "score ~ baseline*week + arm*week",
            frame,
            participant="participant",
            visit="week",
            reference={"arm": "control"},
            **request,  # type: ignore[arg-type]
        )
        adjusted = fit.contrasts("arm", by="week").iloc[-1]
        fit.fixed = replace(fit.fixed, vcov=fit.fixed.phi)
        plain = fit.contrasts("arm", by="week").iloc[-1]
    except MixedModelError:
        for tally in tallies.values():
            tally.failed += 1
        return
    for name, tally in tallies.items():
        last = plain if name == "satterthwaite" else adjusted
        if not np.isfinite(last["p"]):
            tally.failed += 1
            continue
        tally.rejected += bool(last["p"] < 0.05)
        tally.covered += bool(last["lower"] <= 0 <= last["upper"])
        tally.boundary += any("boundary" in note for note in fit.notes)
        tally.fallback += len(fit.steps) > 1
        tally.df += float(last["df"])


def small_trials(trials: int, seed: int) -> pd.DataFrame:
    """Simulate Kenward-Roger and Satterthwaite in trials of 40 participants."""
    rng = np.random.default_rng(seed)
    tallies = {"kenward-roger": Tally(), "satterthwaite": Tally()}
    for _ in range(trials):
        analyse(draw_trial(rng, 40), tallies)
    return pd.DataFrame([{"df": m, **tally.line()} for m, tally in tallies.items()])


def therapist_trials(trials: int, seed: int) -> pd.DataFrame:
    """Simulate therapist effects that grow with time, modelled and ignored."""
    lines = []
    cells: list[tuple[float, int]] = [(i, n) for i in (0.0, 0.05, 0.10) for n in (8, 16, 30)]
    cluster: dict[str, object] = {
        "cluster": "therapist",
        "cluster_where": "arm == 'therapy'",
        "cluster_effect": "slope",
    }
    for number, (icc, therapists) in enumerate(cells):
        rng = np.random.default_rng([seed, number])
        modelled = {"kenward-roger": Tally(), "satterthwaite": Tally()}
        ignored = {"kenward-roger": Tally()}
        for _ in range(trials):
            frame = draw_trial(rng, 12 * therapists, therapists=therapists, icc=icc)
            analyse(frame, modelled, **cluster)
            analyse(frame, ignored)
        own = {f"therapists, {name}": tally for name, tally in modelled.items()}
        own["therapists ignored, kenward-roger"] = ignored["kenward-roger"]
        for name, tally in own.items():
            lines.append({"ICC": icc, "therapists": therapists, "analysis": name, **tally.line()})
    return pd.DataFrame(lines)


def main(arguments: Sequence[str]) -> int:
    """Run a simulation and print its table."""
    parser = argparse.ArgumentParser(prog="ipt_outcomes.mixed.simulation", description=__doc__)
    parser.add_argument("what", choices=["kenward-roger", "therapists"])
    parser.add_argument("--trials", type=int, default=None, help="simulated trials (per cell)")
    parser.add_argument("--seed", type=int, default=20261123)
    chosen = parser.parse_args(arguments)
    if chosen.what == "kenward-roger":
        table = small_trials(chosen.trials or 20_000, chosen.seed)
    else:
        table = therapist_trials(chosen.trials or 2_000, chosen.seed)
    print(f"seed {chosen.seed}")
    print(table.round(2).to_string(index=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
