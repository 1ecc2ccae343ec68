r"""Two-stage pooling of participant data: each trial's own model first, then the pooled effect.

Stage one is any analysis that wrote rows of the estimates table, one difference or effect size with
its standard error per trial (and per comparison). Stage two is the same as for published effects.
Rows may only be pooled when they mean the same: the same outcome in the same unit, or a
standardised effect on the same kind of standard deviation; the same analysis, set and estimand.

Where participant data of a trial are at hand, they replace its published rows.

Source: Burke, Ensor & Riley (2017), Statistics in Medicine 36:855; Riley, Tierney & Stewart (2021),
Individual Participant Data Meta-Analysis.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from ipt_outcomes.synthesis.effects import (
    MEASURES,
    Effects,
    Floats,
    Measure,
    make_effects,
    plain_name,
    rows_of,
)
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.inference import t_quantile

PARTICIPANT_DATA = "participant data"
"""What stands in the column ``source`` of effects from our own trials."""


def trial_effects(
    table: pd.DataFrame,
    measure: Measure,
    *,
    outcome: str,
    estimand: str,
    analysis: str = "primary",
    analysis_set: str = "as randomised",
    subgroup: str | None = None,
    visit: str | Mapping[str, str] | None = None,
    arms: tuple[str, str] | Mapping[str, tuple[str, str]] | None = None,
    moderators: pd.DataFrame | None = None,
) -> Effects:
    """Take the effects of several trials from their estimates tables.

    Parameters
    ----------
    table
        Estimates tables of the trials, combined.
    measure
        The measure, which decides on the quantity of the rows: ``g`` takes *effect size*, ``md``
        *difference*, ``rd`` *risk difference*, ``log rr`` *risk ratio* and so on. A ratio's
        standard error on the log scale is se/estimate or, without se, comes from its interval.
    outcome, estimand, analysis, analysis_set
        Which rows, by the columns of the same name.
    subgroup
        The part of the participants; None for all of them.
    visit
        Visit of the effects, one for all trials or by trial; None where each trial has one.
    arms
        Arm and reference to compare, for all trials or by trial; None takes every comparison.
    moderators
        Columns by which trials may be grouped, indexed by trial.

    Returns
    -------
    Effects
        One row per comparison; several of a trial are dependent.

    Raises
    ------
    SynthesisError
        With everything that keeps the rows from being pooled.

    Examples
    --------
    >>> from ipt_outcomes.results import estimates
    >>> table = estimates([dict(trial=t, outcome="hamd17", analysis="primary", visit="week_16",
    ...     analysis_set="as randomised", estimand="main", quantity="difference", arm="IPT",
    ...     reference="TAU", unit="points", estimate=e, se=1.2, method="MMRM", converged=True,
    ...     status="confirmatory", disclosure="shared") for t, e in [("a", -3.1), ("b", -2.2)]])
    >>> trial_effects(table, "md", outcome="hamd17", estimand="main").trials
    ['a', 'b']
    """
    rows = table[
        (table["quantity"] == MEASURES[measure].quantity)
        & (table["outcome"] == outcome)
        & (table["estimand"] == estimand)
        & (table["analysis"] == analysis)
        & (table["analysis_set"] == analysis_set)
        & (table["subgroup"].isna() if subgroup is None else table["subgroup"] == subgroup)
    ]
    rows = _at(rows, visit, arms)
    if rows.empty:
        raise SynthesisError(
            f"no row of quantity {MEASURES[measure].quantity} for outcome {outcome}, "
            f"estimand {estimand}, analysis {analysis}, set {analysis_set}"
            + (f", visit {visit}" if visit else "")
            + (f", arms {arms}" if arms else "")
            + "; look for them in the trials' estimates."
        )
    estimate, se = _numbers(rows, measure)
    _check(rows, measure, se)
    given = None
    if moderators is not None:
        given = moderators.reindex(rows["trial"]).reset_index(drop=True)
    return make_effects(
        measure,
        {
            **{name: rows[name] for name in ("trial", "outcome", "visit", "arm", "reference")},
            "estimate": estimate,
            "se": se,
            "n_arm": rows["n_arm"].astype("float64"),
            "n_reference": rows["n_reference"].astype("float64"),
            "source": [PARTICIPANT_DATA] * len(rows),
        },
        unit=str(rows["unit"].iloc[0]) if measure == "md" else None,
        moderators=given,
    )


def combine_with_published(
    own: Effects, published: Effects, same_trial: Mapping[str, str | None] | None = None
) -> Effects:
    """Put participant data and published effects together; own data replace published rows.

    Parameters
    ----------
    own
        Effects of our own trials.
    published
        Published effects on the same measure.
    same_trial
        Own trial: what it is called among the published ones, None when it is not there. Trials of
        the very same name are the same.

    Returns
    -------
    Effects
        Own rows first; which published rows were replaced stands in the notes.

    Raises
    ------
    SynthesisError
        When measure or unit differ, a name is unknown, or two names look like the same trial and
        nobody has said whether they are.

    Examples
    --------
    >>> own = make_effects("g", {"trial": ["ours"], "estimate": [0.4], "se": [0.2]})
    >>> published = make_effects("g", {"trial": ["Elkin", "Elkin", "Swartz"],
    ...     "outcome": ["BDI", "HAM-D", "HAM-D"], "estimate": [0.3, 0.4, 0.8], "se": [0.2] * 3})
    >>> combine_with_published(own, published, {"ours": "Elkin"}).notes[-1]
    'participant data of ours replace 2 rows published as Elkin'
    """
    same = {trial: trial for trial in own.trials if trial in published.trials}
    said = dict(same_trial or {})
    wrong = []
    if (own.measure, own.unit) != (published.measure, published.unit):
        wrong.append(f"own effects are {own.words.name} in {own.unit}, the published ones "
                     f"{published.words.name} in {published.unit}; only the same measure can be "
                     "pooled, for different instruments Hedges g.")  # fmt: skip
    for trial, name in said.items():
        if trial not in own.trials:
            wrong.append(f"{trial}: not among our own trials, which are {', '.join(own.trials)}.")
        if name is not None and name not in published.trials:
            wrong.append(f"{name}: not among the published trials.")
    for trial in own.trials:
        alike = [name for name in published.trials if plain_name(name) == plain_name(trial)]
        if trial not in said and trial not in same and alike:
            wrong.append(f"{trial} and {alike[0]} look like the same trial: say in same_trial "
                         "whether they are.")  # fmt: skip
    if wrong:
        raise SynthesisError(wrong)
    replaced = {trial: name for trial, name in {**same, **said}.items() if name is not None}
    kept = ~published.rows["trial"].isin(list(replaced.values()))
    rest = published.select(kept)
    notes = [*own.notes, *rest.notes]
    for trial, name in replaced.items():
        count = int((published.rows["trial"] == name).sum())
        notes.append(f"participant data of {trial} replace {rows_of(count)} published as {name}")
    n, m = len(own), len(rest)
    V = np.zeros((n + m, n + m))
    V[:n, :n], V[n:, n:] = own.covariance, rest.covariance
    rows = pd.concat([own.rows, rest.rows], ignore_index=True)
    moderators = pd.concat([own.moderators, rest.moderators], ignore_index=True)
    return replace(
        own, rows=rows, covariance=V, moderators=moderators, notes=tuple(dict.fromkeys(notes))
    )


def _at(
    rows: pd.DataFrame,
    visit: str | Mapping[str, str] | None,
    arms: tuple[str, str] | Mapping[str, tuple[str, str]] | None,
) -> pd.DataFrame:
    """Keep the rows of the visit and the comparison that were asked for."""
    kept = []
    for position, row in enumerate(rows.to_dict("records")):
        trial = str(row["trial"])
        at = visit.get(trial) if isinstance(visit, Mapping) else visit
        pair = arms.get(trial) if isinstance(arms, Mapping) else arms
        # A mapping names the trials that are to be pooled.
        named = all(not isinstance(x, Mapping) or trial in x for x in (visit, arms))
        if named and at in (None, row["visit"]) and pair in (None, (row["arm"], row["reference"])):
            kept.append(position)
    return rows.iloc[kept]


def _numbers(rows: pd.DataFrame, measure: Measure) -> tuple[Floats, Floats]:
    estimate = rows["estimate"].to_numpy(dtype=float)
    se = rows["se"].to_numpy(dtype=float)
    if not MEASURES[measure].log:
        return estimate, se
    quantile = [
        t_quantile((1 + level) / 2, df)
        for level, df in zip(rows["level"], rows["df"].fillna(np.inf), strict=True)
    ]
    with np.errstate(invalid="ignore", divide="ignore"):
        bounds = np.log(rows[["lower", "upper"]].to_numpy(dtype=float))
        of_interval = (bounds[:, 1] - bounds[:, 0]) / (2 * np.array(quantile))
        return np.log(estimate), np.where(se > 0, se / estimate, of_interval)


def _check(rows: pd.DataFrame, measure: Measure, se: Floats) -> None:
    wrong = []
    for row, error in zip(rows.to_dict("records"), se, strict=True):
        if not error > 0:
            wrong.append(f"{row['id']}: no standard error, so it has no weight; use rows that "
                         "have one.")  # fmt: skip
        if row["converged"] is False:
            wrong.append(f"{row['id']}: the model did not converge; do not pool it.")
    if len(units := rows["unit"].dropna().unique()) > 1:
        wrong.append(f"the effects have different units ({', '.join(units)}); pool Hedges g "
                     "instead.")  # fmt: skip
    if measure == "g":
        # The words in front of the number: "Hedges g on the observed endpoint SD (7.85)".
        kinds = sorted({re.sub(r"\s*\(.*", "", str(words)) for words in rows["contrast"]})
        if len(kinds) > 1:
            wrong.append(f"the effects are standardised differently ({'; '.join(kinds)}); they "
                         "cannot be pooled.")  # fmt: skip
    visits = rows.groupby(["trial", "arm", "reference"], dropna=False)["visit"].nunique()
    if several := sorted({str(key[0]) for key, n in visits.items() if n > 1}):  # type: ignore[index]
        wrong.append(f"several visits of {', '.join(several)}; name one, by trial where they "
                     "differ.")  # fmt: skip
    same = rows[["trial", "arm", "reference", "visit"]].duplicated()
    wrong += [f"{name}: another row gives the same comparison; choose one by analysis, set or arms."
              for name in rows["id"][same]]  # fmt: skip
    if wrong:
        raise SynthesisError(wrong)
