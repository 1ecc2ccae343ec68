"""Administrative information, introduction and study methods of a drafted analysis plan."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.report.analysis_plan.parts import (
    Part,
    called,
    part,
    point,
    prose_table,
    say,
    to_decide,
)
from ipt_outcomes.report.blocks import Block, NumberedTable
from ipt_outcomes.study import Study
from ipt_outcomes.study.locking import Plan
from ipt_outcomes.tables.quotes import listed

SIGNING = ("Author of the plan", "Responsible statistician", "Chief investigator")


def administrative(study: Study, plan: Plan) -> Iterator[Part]:
    """Yield title, versions, revisions, roles and signatures.

    Parameters
    ----------
    study
        The configuration.
    plan
        How it stands to its locked plan.
    """
    yield part(
        "Title and registration",
        "1a 1b",
        say(f"Statistical analysis plan of: {study.study.title}."),
        say(study.study.notice) if study.study.notice else None,
        to_decide("registry and registration number."),
    )
    yield part(
        "Versions",
        "2 3",
        _standing(plan),
        to_decide("number and date of this version."),
        to_decide("number and date of the protocol's version that it goes with."),
    )
    yield part("Revisions", "4a 4b 4c", *_revisions(plan))
    yield part(
        "Roles and signatures",
        "5 6a 6b 6c",
        to_decide("names, affiliations and roles of all who contribute to this plan."),
        to_decide("who signs, and that all have signed, before results by arm are seen:"),
        NumberedTable(
            "",
            prose_table(
                "signatures",
                "Signatures",
                "Role",
                ("Name and affiliation", "Date", "Signature"),
                ((who, " ", " ", " ") for who in SIGNING),
            ),
        ),
    )


def _standing(plan: Plan) -> Block:
    if not plan.is_locked:
        return say(
            "This is a draft: the plan is not locked, and as long as it is not, no estimate is "
            "confirmatory. The command ipt lock locks it."
        )
    masked = " Arms were masked until then." if plan.blinded else ""
    return say(
        f"The plan was locked on {plan.locked_on}. The SHA-256 of the locked copy is "
        f"{plan.sha256}.{masked}"
    )


def _revisions(plan: Plan) -> Iterator[Block]:
    if not plan.is_locked:
        yield say("None: the plan is not locked yet. Once it is, every change of the "
                  "configuration is listed here and in the report.")  # fmt: skip
        return
    if not plan.deviations:
        yield say("None: the configuration is that of the locked plan.")
        return
    yield say("Changed since the plan was locked; what a change touches is exploratory:")
    for deviation in plan.deviations:
        yield point(f"{deviation}.")
        yield to_decide(f"why {deviation.key} was changed, and whether results by arm had been "
                        "seen.")  # fmt: skip


def introduction(study: Study) -> Iterator[Part]:
    """Yield background and objectives."""
    yield part(
        "Background and rationale",
        "7",
        to_decide("a short account of why the trial is done, or a reference to the protocol."),
    )
    outcome = study.outcomes[study.primary_outcome]
    first = study.estimands[study.primary_estimand]
    others = [arm for arm in study.arms if arm != study.reference_arm]
    secondary = [o.label for o in study.outcomes.values() if o.role == "secondary"]
    yield part(
        "Objectives",
        "8",
        say(
            f"Primary: to estimate by how much {listed(called(study, arm) for arm in others)} "
            f"{'differ' if len(others) > 1 else 'differs'} from "
            f"{called(study, study.reference_arm)} in the {outcome.label} at "
            f"{called(study, first.endpoint)}."
        ),
        say(f"Secondary: the same for the {listed(secondary)}.") if secondary else None,
        say("Whatever else is analysed is described under Analysis, with its standing."),
    )


def methods(study: Study) -> Iterator[Part]:
    """Yield design, randomisation, sample size, framework, interim analyses and timing."""
    yield part("Trial design", "9", *_design(study))
    adjusted = study.analyses.primary.adjust_for
    yield part(
        "Randomisation",
        "10",
        say(f"The models adjust for {listed(called(study, name) for name in adjusted)}.")
        if adjusted
        else say("The models adjust for no factor of the randomisation."),
        to_decide("how participants are randomised: unit, sequence, blocks, stratification or "
                  "minimisation, concealment. Every factor that was used belongs into "
                  "analyses.primary.adjust_for."),
    )  # fmt: skip
    yield part(
        "Sample size",
        "11",
        to_decide("the number of participants and how it was found. The command ipt power computes "
                  "power and sample size for a planned trial, and its page can be quoted."),
    )  # fmt: skip
    yield part("Framework", "12", *_framework(study))
    yield part(
        "Interim analyses and stopping",
        "13a 13b 13c",
        say("The configuration holds no interim analysis, and the level is not adjusted for any."),
        to_decide("that there is none, or when and of what; the level spent; rules and committee "
                  "for stopping early."),
    )  # fmt: skip
    masked = (
        say("Until the plan is locked every analysis runs with the arms dealt out anew at random.")
        if study.study.blinded
        else None
    )
    yield part(
        "Timing of the final analysis",
        "14",
        masked,
        to_decide("when the final analysis is made: all outcomes together, or those of treatment "
                  "before follow-up is complete."),
    )  # fmt: skip
    yield part("Timing of assessments", "15", *_visits(study))


def _design(study: Study) -> Iterator[Block]:
    arms = len(study.arms)
    trials = [trial.label for trial in study.trials.values()]
    several = f" in {len(trials)} trials ({listed(trials)})" if len(trials) > 1 else ""
    medication = study.analyses.medication
    factorial = medication.factorial if medication else None
    kind = "factorial (2 × 2)" if factorial and factorial.arms else "parallel groups"
    therapists = study.analyses.therapists
    clustered = therapists is not None and therapists.cluster == "group"
    yield say(
        f"Randomised trial with {arms} arms, {kind}{several}. The reference is "
        f"{called(study, study.reference_arm)}."
        + (" Participants are treated in groups." if clustered else "")
    )
    yield NumberedTable(
        "",
        prose_table(
            "arms",
            "Arms and their components",
            "Arm",
            ("Psychotherapy", "Medication", "Format", "Also"),
            (
                (arm.label, arm.psychotherapy, arm.medication, arm.format, arm.also)
                for arm in study.arms.values()
            ),
        ),
    )
    yield to_decide(
        "the allocation ratio"
        + (", and whether groups are randomised as a whole." if clustered else ".")
    )


def _framework(study: Study) -> Iterator[Block]:
    yield say(
        "Superiority: two-sided tests of no difference between each arm and the reference, with "
        "intervals."
    )
    plan = study.analyses.non_inferiority
    if plan is not None:
        unit = study.outcomes[study.primary_outcome].unit
        yield say(
            f"{plan.kind.capitalize()} of {called(study, plan.arm)} against "
            f"{called(study, plan.comparator)}: margin {plan.margin:g} {unit}. "
            f"{plan.justification}"
        )


def _visits(study: Study) -> Iterator[Block]:
    rows = []
    for visit in study.visits.values():
        window = visit.window_days
        days = "not stated" if window is None else f"day {window[0]} to {window[1]}"
        rows.append((visit.label, f"{visit.week:g}", days, visit.phase))
    yield NumberedTable(
        "",
        prose_table("visits", "Planned assessments", "Visit", ("Week", "Window", "Phase"), rows),
    )
    outside = (
        "An assessment outside every window stops the analysis until it is cleared up."
        if study.outside_windows == "stop"
        else "An assessment outside every window is set aside and listed."
    )
    yield say(
        f"{outside} Of several assessments in a window the one nearest to the planned day counts; "
        f"of two equally near, the {study.equally_near} one."
    )
    if any(visit.window_days is None for visit in study.visits.values()):
        yield to_decide("the windows of the visits without one.")
