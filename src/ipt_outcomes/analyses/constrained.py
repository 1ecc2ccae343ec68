r"""The constrained longitudinal model: the baseline score is an outcome like the others.

For participant i, visit a (baseline first) and arm g,

.. math:: y_{ia} = \mu_a + \delta_{ga}\,[a > 0] + \text{covariates}_i + e_{ia},
          \qquad \operatorname{Var}(e_i) = \Sigma \text{ unstructured},

with the same mean at baseline in all arms, which randomisation grants. Whoever has any score is in
it: those without a later score, and those without a baseline, whom the model with the baseline as a
covariate leaves out.

Source: Liang & Zeger (2000), Sankhya B 62:134; Lu (2010), Biometrics 66:891.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from ipt_outcomes.analyses.data import AS_RANDOMISED, TrialData, estimand_scores, members
from ipt_outcomes.analyses.repeated import fit_as_primary
from ipt_outcomes.frames import CHARACTERISTIC

if TYPE_CHECKING:
    from ipt_outcomes.mixed import MixedModelFit


@dataclass(frozen=True)
class Constrained:
    """The fitted model.

    Parameters
    ----------
    fit
        The mixed model.
    differences
        arm, visit, estimate, se, df, statistic, p, lower, upper, n_arm, n_reference.
    notes
        What the estimand's strategies did, and how many have no score at all.
    """

    fit: MixedModelFit
    differences: pd.DataFrame
    notes: list[str]


def fit_constrained(data: TrialData, outcome: str, estimand: str) -> Constrained:
    """Fit the constrained longitudinal model to everyone with any score.

    Parameters
    ----------
    data
        The trial.
    outcome, estimand
        Short names of the configuration.

    Raises
    ------
    ipt_outcomes.mixed.MixedModelError
        When the model cannot be fitted; the message says why.
    """
    plan, study = data.study.analyses.primary, data.study
    people = members(data, AS_RANDOMISED, outcome)
    scores, notes = estimand_scores(data, outcome, estimand)
    covariates = {
        name: people["site"] if name == "site" else people[CHARACTERISTIC + name]
        for name in plan.adjust_for
    }
    rows = people[["participant", "arm"]].assign(**covariates)
    visits = [study.baseline, *data.later_visits]
    own = scores[scores["visit"].isin(visits) & scores["score"].notna()]
    rows = rows.merge(own[["participant", "visit", "score"]], on="participant")
    nobody = len(people) - rows["participant"].nunique()
    if nobody:
        notes.append(f"{nobody} participants without any score not analysed")
    seen = [visit for visit in visits if visit in set(rows["visit"])]
    rows["visit"] = pd.Categorical(rows["visit"], seen, ordered=True)
    terms: dict[str, tuple[str, str]] = {}
    others = [arm for arm in data.arms if arm != study.reference_arm]
    for g, arm in enumerate(others):
        rows[f"arm_{g}"] = (rows["arm"] == arm).astype(float)
    later = [visit for visit in seen if visit != study.baseline]
    for a, visit in enumerate(later):
        rows[f"at_{a}"] = (rows["visit"] == visit).astype(float)
        terms |= {f"arm_{g}:at_{a}": (arm, visit) for g, arm in enumerate(others)}
    used = [name for name in plan.adjust_for if rows[name].drop_duplicates().size > 1]
    fit = fit_as_primary(plan, "score ~ " + " + ".join(["visit", *used, *terms]), rows)
    table = fit.coefficients
    table = table[table["term"].isin(terms)].reset_index(drop=True)
    counted = rows.groupby(["arm", "visit"], observed=True)["participant"].nunique()
    place = [terms[term] for term in table["term"]]
    table["arm"], table["visit"] = [arm for arm, _ in place], [visit for _, visit in place]
    table["n_arm"] = [int(counted.get(cell, 0)) for cell in place]
    table["n_reference"] = [int(counted.get((study.reference_arm, v), 0)) for _, v in place]
    return Constrained(fit, table.drop(columns="term"), notes)
