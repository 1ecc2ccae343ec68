"""Remission at the endpoint under the assumptions about unseen scores.

Four ways lead from unseen scores to a status: scores imputed at random under each assumption; the
status itself imputed by chained equations, missing at random; every unseen one counted as not
remitted; and counts, in which as many of the unseen as it takes are said to have remitted. What
would give a small count of participants back is held back
(:mod:`ipt_outcomes.analyses.robustness_disclosure`).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.analyses.robustness_assumptions import Assumed
from ipt_outcomes.analyses.robustness_disclosure import SmallCounts
from ipt_outcomes.analyses.robustness_engine import RANDOM, Engine
from ipt_outcomes.analyses.robustness_rows import RowMaker
from ipt_outcomes.imputation import (
    ImputationError,
    analyse_tables,
    chained_equations,
    missing_is_no_response,
    responders,
    tipping_counts,
    tipping_line,
)
from ipt_outcomes.imputation.other_analyses import share_variance
from ipt_outcomes.results import Row

note = logging.getLogger("ipt_outcomes")

CHAINED = "chained equations"
STATUS = "remitted"


def remission_rows(engine: Engine, make: RowMaker, assumed: Sequence[Assumed]) -> Iterator[Row]:
    """Yield the rows about remission.

    Parameters
    ----------
    engine
        Imputes and pools.
    make
        Makes the rows.
    assumed
        Assumptions under which the scores can be imputed at random; unseen scores are shifted
        under the first one that does not shift them itself.
    """
    plan = engine.plan
    criterion = responders(at_most=plan.remission_at_most, visits=[make.endpoint])
    assert plan.remission_at_most is not None
    at = engine.trial.visits.index(make.endpoint)
    remitted = np.asarray(engine.trial.y[:, at] <= plan.remission_at_most, bool)
    smallest = engine.data.study.privacy.smallest_group
    counts = SmallCounts.of(engine.trial, make.endpoint, remitted, smallest)
    for one in assumed:
        drawn = engine.draws(one, RANDOM)
        rows = make.pooled(
            engine.pooled(one, RANDOM, criterion), f"remission, {one.label}", one.words, drawn,
            criterion.label, "proportion",
        )  # fmt: skip
        # A shift can be so large that all unseen scores remit, or none: nothing is random then.
        yield from counts.held(rows, exact=one.shift is not None)
    if plan.chained_equations:
        yield from counts.held(_chained(engine, make, criterion), exact=False)
    yield from counts.held(_not_remitted(engine, make, criterion), exact=True)
    if not make.unseen_at_the_endpoint:
        return
    plain = [one for one in assumed if one.shift is None]
    for arm in engine.trial.arms[1:]:
        if counts.hides(exact=True):
            yield from _not_shown(make, counts, arm, shifts=bool(plain) and plan.delta is not None)
            continue
        if plain and plan.delta is not None:
            note.info("remission of %s under shifts", arm)
            line = tipping_line(
                engine.imputed(plain[0], RANDOM), criterion, arm=arm, visit=make.endpoint,
                deltas=engine.amounts(), level=engine.level,
            )  # fmt: skip
            yield from make.tipping(
                line, "remission, ",
                f"random imputation, {plain[0].words}, unseen scores then shifted; "
                f"{criterion.label}",
                shifted="unseen scores shifted", unit="proportion",
            )  # fmt: skip
        yield from _counted(engine, make, criterion, arm)


def _not_shown(make: RowMaker, counts: SmallCounts, arm: Any, *, shifts: bool) -> Iterator[Row]:
    """Say that shifts, extreme cases and counts of an arm are held back.

    Not even how many of them there are: from which count on a conclusion is another one follows
    from how many remitted.
    """
    labels = ["worst case", "best case", "tipping counts", *(["tipping points"] if shifts else [])]
    other = str(make.trial.arms[0])
    for label in labels:
        row = make.common(
            f"remission, {label}", quantity="difference", arm=str(arm), reference=other,
            visit=make.endpoint, unit="proportion", method="observed counts", level=make.level,
            contrast=f"{make.name(arm)} minus {make.name(other)}",
        )  # fmt: skip
        yield counts.without(row)


def _not_remitted(engine: Engine, make: RowMaker, criterion: responders) -> Iterator[Row]:
    table = missing_is_no_response(engine.trial, criterion, engine.level)
    for row in table.to_dict("records"):
        found = {str(name): value for name, value in row.items()}
        yield {
            **make.common(
                "remission, missing is not remitted", unit="proportion", level=engine.level,
                method=f"every unseen score counted as not remitted; {criterion.label}",
            ),
            **make.estimated(found, shares=True),
            **make.about(found, "unseen", make.notes),
        }  # fmt: skip


def _chained(engine: Engine, make: RowMaker, criterion: responders) -> Iterator[Row]:
    """Impute the status at the endpoint from the scores of the other visits and the covariates."""
    trial = engine.trial
    at = trial.visits.index(make.endpoint)
    seen = ~trial.missing[:, at]
    assert criterion.at_most is not None
    remitted = pd.Series(np.where(trial.y[:, at] <= criterion.at_most, "yes", "no"))
    others = {f"score at {v}": trial.y[:, a] for a, v in enumerate(trial.visits) if a != at}
    frame = trial.covariates().assign(
        arm=[trial.arms[k] for k in trial.arm], **others, **{STATUS: remitted.where(seen)}
    )
    label = f"remission, {CHAINED}"
    words = "remission missing at random given the scores of the other visits"
    note.info("remission by chained equations")
    try:
        tables = chained_equations(
            frame, engine.plan.chained_equations, rng=engine.rng("chained equations")
        )
        if len(tables) < 2:
            raise ImputationError("Rubin's rules need at least two completed tables.")
    except ImputationError as error:
        note.warning("%s is not possible: %s", label, error)
        yield make.impossible(label, "the chained equations cannot be fitted to these data", words)
        return
    arms = [str(arm) for arm in trial.arms]
    pooled = analyse_tables(tables, lambda table: _proportions(table, arms), engine.level)
    for row in pooled.to_dict("records"):
        arm, _, reference = str(row["name"]).partition(" minus ")
        found: Row = {str(name): value for name, value in row.items()} | {
            "quantity": "difference" if reference else "probability",
            "arm": arm,
            "reference": reference or None,
            "visit": make.endpoint,
        }
        yield {
            **make.common(
                label, unit="proportion", level=engine.level,
                method=f"multiple imputation of the status by chained equations (logistic "
                f"regression, predictive mean matching), {words}; {criterion.label}",
            ),
            **make.estimated(found, shares=True),
            **make.about(found, "imputed", make.notes),
        }  # fmt: skip


def _proportions(table: pd.DataFrame, arms: list[str]) -> dict[str, tuple[float, float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for arm in arms:
        status = table.loc[table["arm"] == arm, STATUS] == "yes"
        p, n = float(status.mean()), len(status)
        found[arm] = p, float(share_variance(p, n))
    first = found[arms[0]]
    differences = {
        f"{arm} minus {arms[0]}": (found[arm][0] - first[0], found[arm][1] + first[1])
        for arm in arms[1:]
    }
    both = {**differences, **found}
    return {name: (value, variance**0.5, np.inf) for name, (value, variance) in both.items()}


def _counted(engine: Engine, make: RowMaker, criterion: responders, arm: Any) -> Iterator[Row]:
    """Say how many of the unseen would have to have remitted, and the worst and the best case."""
    counted = tipping_counts(
        engine.trial, criterion, arm=arm, visit=make.endpoint, level=engine.level
    )
    other = counted.reference
    method = f"observed counts, some of the unseen counted as remitted; {criterion.label}"
    table = counted.table
    largest = {name: int(table[name].max()) for name in ("delta", "reference_delta")}
    for what, k, m in (
        ("worst", 0, largest["reference_delta"]),
        ("best", largest["delta"], 0),
    ):
        row = table[(table["delta"] == k) & (table["reference_delta"] == m)].to_dict("records")[0]
        numbers = {str(name): value for name, value in row.items()} | {"quantity": "difference"}
        yield {
            **make.common(f"remission, {what} case", unit="proportion", level=engine.level),
            "method": method,
            **make.estimated(numbers, shares=True),
            "arm": str(arm),
            "reference": str(other),
            "visit": make.endpoint,
            "p": row["p"],
            "contrast": f"{make.name(arm)} minus {make.name(other)}, {k} of the unseen of "
            f"{make.name(arm)} and {m} of those of {make.name(other)} counted as remitted",
        }
    for number, row in enumerate(counted.contour.to_dict("records"), start=1):
        m = int(row["reference_delta"])
        yield {
            **make.common(f"remission, tipping count {number}", unit="participants"),
            "method": method,
            "quantity": "count",
            "arm": str(arm),
            "reference": str(other),
            "visit": make.endpoint,
            "estimate": row["delta"],
            "contrast": f"the conclusion is another one from {int(row['delta'])} of the "
            f"{largest['delta']} unseen of {make.name(arm)} on counted as remitted, with {m} of "
            f"the {largest['reference_delta']} of {make.name(other)}",
        }
