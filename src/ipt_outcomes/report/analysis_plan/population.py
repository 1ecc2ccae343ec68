"""Statistical principles and trial population of a drafted analysis plan."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.report.analysis_plan.parts import (
    Part,
    called,
    part,
    percent,
    point,
    prose_table,
    say,
    to_decide,
    value_in_words,
)
from ipt_outcomes.report.blocks import Block, NumberedTable
from ipt_outcomes.study import Study
from ipt_outcomes.tables.quotes import listed


def principles(study: Study) -> Iterator[Part]:
    """Yield level, multiplicity, intervals, adherence and analysis populations.

    Parameters
    ----------
    study
        The configuration.
    """
    families = study.analyses.multiplicity
    alpha = families.alpha if families else 1 - study.analyses.primary.level
    yield part("Level of significance", "16", say(f"{alpha:.3g}, two-sided."))
    yield part("Multiplicity", "17", *_multiplicity(study))
    yield part(
        "Confidence intervals",
        "18",
        say(f"{percent(study.analyses.primary.level)} intervals, two-sided. Intervals are not "
            "adjusted for multiplicity; adjusted p-values stand beside them, labelled."),
    )  # fmt: skip
    yield part("Adherence and protocol deviations", "19a 19b 19c 19d", *_adherence(study))
    yield part("Analysis populations", "20", *_populations(study))


def _multiplicity(study: Study) -> Iterator[Block]:
    plan = study.analyses.multiplicity
    estimand = called(study, study.primary_estimand)
    if plan is None:
        yield say(
            f"Only the comparisons on the primary outcome for the first estimand ({estimand}), "
            "everyone as randomised, are confirmatory. No p-value is adjusted."
        )
        yield to_decide("whether these comparisons, and the secondary outcomes, are tested in "
                        "families (analyses.multiplicity).")  # fmt: skip
        return
    yield say(
        f"Families are tested in this order, for the estimand “{estimand}”, each only if every "
        "hypothesis of the one before was rejected; within a family by Holm's method."
    )
    others = [arm for arm in study.arms if arm != study.reference_arm]
    for name, family in plan.families.items():
        yield point(
            f"{listed(called(study, o) for o in family.outcomes)}: "
            f"{listed(called(study, arm) for arm in family.arms or others)}, each against "
            f"{called(study, study.reference_arm)}.",
            strong=f"{name}: ",
        )


def _adherence(study: Study) -> Iterator[Block]:
    rule = study.analysis_sets.per_protocol
    if rule is None:
        yield to_decide("what counts as adherence (analysis_sets.per_protocol).")
    else:
        yield say(f"Adherence: {_per_protocol(study)}.")
    if study.analyses.delivery is None:
        yield to_decide(
            "how adherence is presented (analyses.delivery describes sessions, fidelity, crossover "
            "and treatment outside the protocol by arm)."
        )
    else:
        yield say(
            "Sessions attended (mean, SD, median, none), crossover, stopping, and what is recorded "
            "of fidelity and of treatment outside the protocol are described by arm, without tests."
        )
    yield to_decide("what counts as a protocol deviation, which are major, and which are "
                    "summarised by arm.")  # fmt: skip


def _per_protocol(study: Study) -> str:
    rule = study.analysis_sets.per_protocol
    assert rule is not None
    parts = []
    if rule.minimum_sessions is not None:
        parts.append(f"at least {rule.minimum_sessions} sessions in arms with psychotherapy")
    if rule.minimum_weeks_of_treatment is not None:
        parts.append(f"treatment not stopped before week {rule.minimum_weeks_of_treatment:g}")
    if rule.received_the_randomised_arm:
        parts.append("the randomised arm received")
    return str(listed(parts)) or "no condition"


def _populations(study: Study) -> Iterator[Block]:
    yield point(
        "everyone randomised, in the arm that they were randomised to, whatever they received. "
        "Those without a baseline score, or without any later one, cannot be in the model; they "
        "are counted by arm with the reason.",
        strong="As randomised: ",
    )
    if study.analysis_sets.per_protocol is not None:
        yield point(f"{_per_protocol(study)}. Who is in it was not randomised.",
                    strong="Per protocol: ")  # fmt: skip
    if study.analysis_sets.completers:
        yield point("those with a score at the endpoint; described, never tested.",
                    strong="Completers: ")  # fmt: skip
    if study.analyses.safety is not None:
        yield point("everyone randomised, by the randomised arm.", strong="Harms: ")


def population(study: Study) -> Iterator[Part]:
    """Yield screening, eligibility, flow, withdrawal and baseline characteristics."""
    yield part("Screening", "21", *_screening(study))
    chosen = dict.fromkeys(estimand.population for estimand in study.estimands.values())
    yield part(
        "Eligibility",
        "22",
        say(f"Population of the estimands: {'; '.join(chosen)}."),
        to_decide("inclusion and exclusion criteria, or a reference to the protocol."),
    )
    yield part(
        "Participant flow",
        "23",
        say("A CONSORT 2025 flow diagram shows, by arm, how many were screened (where counts are "
            "given), randomised, stopped treatment, left the study, were assessed and were "
            "analysed. Counts of the flow are shown however small."),
    )  # fmt: skip
    yield part("Withdrawal", "24a 24b 24c", *_withdrawal(study))
    yield part("Baseline characteristics", "25a 25b", *_baseline(study))


def _screening(study: Study) -> Iterator[Block]:
    if not study.enrolment:
        yield to_decide("which counts of screening are reported (section enrolment).")
    for trial, counts in study.enrolment.items():
        reasons = listed(counts.excluded)
        yield say(
            f"{study.trials[trial].label}: the number assessed for eligibility is reported"
            + (f", with the reasons for exclusion: {reasons}." if reasons else ".")
        )


def _withdrawal(study: Study) -> Iterator[Block]:
    for trial in study.trials.values():
        columns = trial.columns
        known: list[str] = []
        unknown: list[str] = []
        for stem, what in (("treatment_stop", "stopping treatment"), ("study_exit",
                           "leaving the study")):  # fmt: skip
            when = getattr(columns, f"{stem}_date") or getattr(columns, f"{stem}_day")
            why = getattr(columns, f"{stem}_reason")
            (known if when else unknown).append(f"when ({what})")
            (known if why else unknown).append(f"why ({what})")
        label = f"{trial.label}: " if len(study.trials) > 1 else ""
        if known:
            yield say(f"{label}Recorded and reported by arm: {listed(known)}. Stopping treatment "
                      "is not leaving the study: both are counted.")  # fmt: skip
        if unknown:
            yield to_decide(f"{label}how to report what the export does not hold: "
                            f"{listed(unknown)}.")  # fmt: skip


def _baseline(study: Study) -> Iterator[Block]:
    rows = []
    for trait in study.characteristics.values():
        how = "number and per cent" if trait.kind == "category" else "mean, SD"
        rows.append((trait.label, trait.unit, how))
    rows += [(outcome.label, outcome.unit, "mean, SD") for outcome in study.outcomes.values()]
    yield NumberedTable(
        "",
        prose_table(
            "baseline", "Baseline characteristics", "Characteristic", ("Unit", "Summary"), rows
        ),
    )
    yield say("They are shown by arm and together, without tests: differences between randomised "
              "arms are chance.")  # fmt: skip
    yield from _disclosure(study)


def _disclosure(study: Study) -> Iterator[Block]:
    privacy = study.privacy
    traits = value_in_words(study, list(privacy.quasi_identifiers))
    yield say(
        f"Disclosure: counts of 1 to {privacy.smallest_group - 1} are not shown, nor any from "
        "which they could be found, except in the participant flow and among harms. Who could be "
        f"recognised is counted by: {traits}."
    )
