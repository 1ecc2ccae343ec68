"""The README beside a simulated example: what it is, how it was made, what each column holds."""

from __future__ import annotations

import numpy as np

from ipt_outcomes.simulate.course import NEVER
from ipt_outcomes.simulate.design import ESTIMANDS, TrialDesign
from ipt_outcomes.simulate.redcap import AREA_VISIT, END_OF_STUDY, Field, events, fields
from ipt_outcomes.simulate.trial import SimulatedTrial
from ipt_outcomes.simulate.truth import Truth

_TEXT = """\
# Example trial: simulated data

**All data in this folder are simulated. No person is described, and nothing here is evidence
about any treatment.** The files are written by `python -m ipt_outcomes.simulate` (seed {seed},
fixed before any result was looked at; the same bytes every time). Do not edit them by hand.

| file | what it is |
|---|---|
| `redcap_export.csv` | the trial as a longitudinal REDCap export: raw codes, {rows} |
| `redcap_dictionary.csv` | its data dictionary in REDCap's own format |
| `truth.json` | what an endless perfect trial would find, per estimand, with the design |

## The trial

{participants} adults with depression, randomised in blocks within {sites} sites to
{arms}.
Assessed at baseline and in weeks {weeks}; treatment ends in week {end}.
Outcomes: {outcomes}.

## How it was made

A participant's score before rounding and clipping is the arm's mean at the visit, plus the site's
shift, a random intercept, a random slope (so that the variance grows), a further random change at
follow-up, the therapist's effect (arms with psychotherapy only, building up to an intraclass
correlation of {icc:g} at the end of treatment; published values run from 0 to .08) and a deviation
of the visit. The second outcome correlates with the first. An analysis that ignores therapists has
intervals that are a little too short, the more so the larger that correlation;
`benchmarks/coverage.py --icc` measures by how much.

- **Stopping treatment** is one event: its hazard rises with the last observed HAM-D17 score
  (ratio {stop_ratio:.2f} per SD) and differs between arms. Whoever stops loses {loss:.0%} of the
  mean improvement that was still to come, and mostly stays in the study, assessed off treatment.
- **Leaving the study** is another: some leave when they stop treatment ({leave_now:.0%}), some
  later, some between the end of treatment and follow-up; more often in the medication arm and with
  a higher last score. Given arm, scores observed and treatment stopped, what is missing is missing
  at random. Because an analysis of the scores alone does not know that those who left were off
  treatment, its treatment-policy estimates are biased a little in favour of the active arms.
- A few visits are missed ({missed:.0%}), a few scores not obtained, a few participants get another
  arm than the one randomised.
- **Problem areas** are rated by therapists after session 3, so only in arms with psychotherapy;
  their true differences are {areas}. Age, gender and recurrence have no effect.
- Means, SDs and attrition follow the NIMH collaborative programme's HRSD scores (Elkin et al.
  1989, as tabulated by Metapsy) and meta-analyses of interpersonal psychotherapy (Cuijpers et al.
  2011, 2016). There is no entry threshold on the baseline score.

## What happened in this trial

{happened}

## Truth at the end of treatment (week {end})

Difference from {reference} in points, from {people:,} people followed under every arm.
`treatment-policy`: scores count whether or not treatment was stopped. `hypothetical`: had nobody
stopped.

{truth}

## Columns of the export

Each column is filled in the rows of the events named and blank in the others. A blank is a missing
value; -9 means "not obtained". A checkbox column is 0 also where the form was never opened
(`problem_area_rating_complete` is 0 then), as in real exports. A row without a date is a missed
visit.

{columns}
"""


def readme(trial: SimulatedTrial, truth: Truth) -> str:
    """Describe a simulated example in Markdown.

    Parameters
    ----------
    trial, truth
        The trial and its truth, of one design.
    """
    design = trial.design
    outcomes = " and ".join(scale.label for scale in design.outcomes)
    effects = {effect for area in design.areas for effect in area.effects}
    return _TEXT.format(
        seed=trial.seed,
        rows="one row per participant and event",
        participants=design.participants,
        sites=len(design.sites),
        arms=", ".join(f"{arm.label} (`{arm.name}`)" for arm in design.arms),
        weeks=", ".join(f"{week:g}" for week in design.weeks[1:]),
        end=f"{design.weeks[design.endpoint_index]:g}",
        outcomes=outcomes,
        icc=design.therapist_icc,
        stop_ratio=np.exp(design.stopping_slope),
        loss=design.loss_after_stopping,
        leave_now=design.leaving_at_stopping,
        missed=design.missed_visit,
        areas="0" if effects == {0.0} else "given in truth.json",
        happened=_happened(trial),
        reference=design.reference_arm,
        people=truth.people,
        truth=_truth(truth),
        columns=_columns(design),
    )


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _happened(trial: SimulatedTrial) -> str:
    design, end = trial.design, trial.design.endpoint_index
    rows = []
    for a, arm in enumerate(design.arms):
        here = trial.arm == a
        left_by_end = trial.exit_day <= trial.people.day[:, end]
        counts = [
            here,
            here & (trial.course.received != a),
            here & (trial.course.stop_day < NEVER),
            here & left_by_end,
            here & (trial.exit_day < NEVER),
            here & ~np.isnan(trial.observed[:, end, 0]),
        ]
        rows.append([arm.name, *(str(int(count.sum())) for count in counts)])
    header = ["arm", "randomised", "received another arm", "stopped treatment",
              f"left the study by {design.endpoint.replace('_', ' ')}", "left the study in all",
              f"{design.outcomes[0].name} at {design.endpoint.replace('_', ' ')}"]  # fmt: skip
    return _table(header, rows)


def _truth(truth: Truth) -> str:
    design = truth.design
    rows = [
        [estimand, scale.name, arm.name,
         f"{truth.difference(estimand, scale.name, arm.name, design.endpoint):.2f}"]
        for estimand in ESTIMANDS
        for scale in design.outcomes
        for arm in design.arms
        if arm.name != design.reference_arm
    ]  # fmt: skip
    return _table(["estimand", "outcome", "arm", "true difference"], rows)


def _columns(design: TrialDesign) -> str:
    names = events(design)
    where = {
        "enrolment": names[0],
        "assessment": "every visit",
        "problem_area_rating": names[AREA_VISIT],
        END_OF_STUDY: names[-1],
    }
    rows = [["`redcap_event_name`", "all", "Event", ", ".join(names)]]
    for field in fields(design):
        event = "all" if field.name == "record_id" else where[field.form]
        rows += [[f"`{column}`", event, _meaning(field, j), _values(field)]
                 for j, column in enumerate(field.columns)]  # fmt: skip
    rows += [[f"`{form}_complete`", event, "State of the form",
              "0 incomplete or never opened, 1 unverified, 2 complete"]
             for form, event in where.items()]  # fmt: skip
    return _table(["column", "event", "meaning", "values"], rows)


def _meaning(field: Field, j: int) -> str:
    if field.kind == "checkbox":
        return f"{field.label}: {field.choices[j][1]}"
    return field.label


def _values(field: Field) -> str:
    if field.kind == "checkbox":
        return "0 no, 1 yes"
    if field.kind == "yesno":
        return "0 no, 1 yes"
    if field.choices:
        return "; ".join(f"{code} = {label}" for code, label in field.choices)
    if field.validation == "date_ymd":
        return "year-month-day" + (f". {field.note}" if field.note else "")
    if field.least and field.greatest:
        return f"{field.least} to {field.greatest}"
    return field.note or "text"
