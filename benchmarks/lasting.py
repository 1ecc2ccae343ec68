"""Coverage of what lasts, of effects by symptom cluster, and of two instruments side by side.

Draws a 2 × 2 of 160 participants with two outcomes and follow-up until week 40 (nobody leaves or
stops because of a score, so that each outcome alone is missing at random) and analyses it with the
package's own functions:

* durability: the difference of changes from the endpoint to each follow-up visit;
* sustained response: 30 % better at the endpoint and at both follow-up visits;
* timing by symptom cluster: psychotherapy and medication, early, late, and their change, on the
  second outcome, on which medication works from week 4 and psychotherapy late;
* blinding: the standardised effect on the clinician's outcome minus that on self-report.

Truth is computed from large samples with every score recorded. Run from the root of the
repository::

    python benchmarks/lasting.py --trials 2000
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from clinical import as_markdown, summarise
from known_trials import CELLS, NOTHING, Found, as_data, drawn, of_row, study_for

from ipt_outcomes.analyses.blinding import blinding
from ipt_outcomes.analyses.durability import durability_rows
from ipt_outcomes.analyses.factorial import timing_rows
from ipt_outcomes.analyses.sustained import sustained_rows
from ipt_outcomes.simulate.design import DEFAULT_OUTCOMES, AreaDesign, TrialDesign
from ipt_outcomes.simulate.studies import SCALE, START, factorial_design
from ipt_outcomes.simulate.trial import simulate_trial
from ipt_outcomes.study import Study

WEEKS = (0, 4, 8, 12, 16, 28, 40)
AFTER = ("week_28", "week_40")
FIRST = "hamd17"
SECOND = "bdi2"
BETTER = 30.0
"""Per cent better that count as response."""


@cache
def design() -> TrialDesign:
    """Give the trial: effects of the components at each week, per outcome."""
    base = factorial_design()
    # Points, at WEEKS: the course of everyone, and what each component adds.
    usual = ((0, -1.5, -3, -4.5, -6, -6, -6), (0, -2, -4, -6, -8, -8, -8))
    therapy = ((0, -1, -2, -3, -4, -4.5, -5), (0, 0, -1, -2, -3.5, -3.5, -3.5))
    drug = ((0, -1, -1.5, -2, -2.5, -1.5, -1), (0, -2.5, -2.5, -2.5, -2.5, -1, -1))
    arms = tuple(
        replace(arm, courses=tuple(
            tuple(START + usual[k][a] + arm.psychotherapy * therapy[k][a]
                  + arm.medication * drug[k][a] for a in range(len(WEEKS)))
            for k in (0, 1)
        ))
        for arm in base.arms
    )  # fmt: skip
    second = replace(DEFAULT_OUTCOMES[1], missing=0.0, missing_at_baseline=0.0)
    return replace(
        base,
        arms=arms,
        outcomes=(replace(SCALE, follow_up_sd=2.0), second),
        areas=tuple(AreaDesign(a.name, a.code, a.label, a.share, (0.0, 0.0)) for a in base.areas),
        visits=("baseline", *(f"week_{week}" for week in WEEKS[1:])),
        weeks=WEEKS,
        endpoint="week_16",
        visit_jitter_days=(14, 3, 3, 3, 3, 7, 7),
        stopping_slope=0.0,
        leaving_slope=0.0,
    )


@cache
def study() -> Study:
    """Describe it as a study."""
    return study_for(
        design(),
        {
            "growth": {"sustained": FIRST},
            "response": {"outcomes": {FIRST: {"response": {"percent": BETTER}}},
                         "imputations": 20},
            "medication": {"factorial": CELLS, "timing": {"clusters": [SECOND], "early": "week_4",
                                                          "late": "week_16"}},
            "blinding": {"clinician": FIRST, "self_report": SECOND},
        },
    )  # fmt: skip


def analyse(seed: int) -> Found:
    """Draw and analyse one trial."""
    data = as_data(simulate_trial(design(), seed), study())
    found: Found = {}
    for row in durability_rows(data):
        if row["reference"] is not None and row["arm"] == "IPT":
            found[f"IPT minus neither, change until {row['visit']}: durability"] = of_row(row)
    for row in sustained_rows(data, FIRST):
        if row["quantity"] == "risk difference" and row["arm"] == "IPT":
            found["IPT minus neither, share sustained: sustained response"] = of_row(row)
    medication = study().analyses.medication
    assert medication is not None
    assert medication.factorial is not None
    for row in timing_rows(data, medication.factorial, SECOND, "week_4", "week_16"):
        found[f"{row['contrast']}: timing"] = of_row(row)
    table = blinding(data)
    row = table[table["arm"] == "IPT"].iloc[0]
    found["IPT minus neither, clinician minus self-report: blinding"] = of_row(row)
    return found


def one(seed: int) -> list[tuple[str, float, float, float, float]]:
    """Analyse one trial; what could not be estimated is counted."""
    try:
        return [(what, *values) for what, values in analyse(seed).items()]
    except ValueError as error:
        return [(f"not estimated: {error}", *NOTHING)]


def truths(people: int) -> dict[str, float]:
    """Find the true values from large samples with every score recorded."""
    whole = replace(design(), participants=20_000)
    arms = [arm.name for arm in whole.arms]
    visits = list(whole.visits)
    count, lasting = np.zeros(4), np.zeros(4)
    total, squares = (np.zeros((4, len(visits), 2)) for _ in range(2))
    places = [visits.index(visit) for visit in ("week_16", *AFTER)]
    for part in range(max(1, people // 20_000)):
        trial = simulate_trial(whole, 30_000_000 + part)
        scores = trial.course.policy
        limit = scores[:, :1, 0] * (1 - BETTER / 100)
        kept = (scores[:, places, 0] <= limit).all(axis=1)
        for a in range(4):
            own = trial.arm == a
            count[a] += own.sum()
            lasting[a] += kept[own].sum()
            total[a] += scores[own].sum(0)
            squares[a] += (scores[own] ** 2).sum(0)
    mean = total / count[:, None, None]
    variance = (squares / count[:, None, None] - mean**2).mean(axis=0)
    mean_of = dict(zip(arms, mean, strict=True))
    effect = mean_of["IPT"] - mean_of["PLA"]
    end, first = visits.index("week_16"), visits.index("week_4")
    found = {
        f"IPT minus neither, change until {visit}":
            float(effect[visits.index(visit), 0] - effect[end, 0])
        for visit in AFTER
    }  # fmt: skip
    share = dict(zip(arms, lasting / count, strict=True))
    found["IPT minus neither, share sustained"] = float(share["IPT"] - share["PLA"])
    cell = {name: mean_of[arm][:, 1] for name, arm in CELLS.items()}
    therapy = (cell["both"] - cell["medication"] + cell["psychotherapy"] - cell["neither"]) / 2
    drug = (cell["both"] - cell["psychotherapy"] + cell["medication"] - cell["neither"]) / 2
    for name, of in (("psychotherapy", therapy), ("medication", drug)):
        found |= {f"{name}, early": float(of[first]), f"{name}, late": float(of[end])}
        found[name] = float(of[end] - of[first])
    sds = np.sqrt(variance[end])
    found["IPT minus neither, clinician minus self-report"] = float(
        effect[end, 0] / sds[0] - effect[end, 1] / sds[1]
    )
    return found


def main(arguments: list[str] | None = None) -> None:
    """Run the study and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261125)
    parser.add_argument("--people", type=int, default=800_000, help="samples of the truth")
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args(arguments)
    start = time.perf_counter()
    truth = truths(asked.people)
    rows = drawn(one, asked)
    print(
        f"{asked.trials} trials, seed {asked.seed}.\n\n{as_markdown(summarise(rows, truth))}\n\n"
        f"{time.perf_counter() - start:.0f} s"
    )


if __name__ == "__main__":
    main()
