"""The parts of a report, in the order of a paper, and which figures and tables each one shows.

A part claims figures and tables by the beginning of their names, so that a new analysis finds its
place without a change here as long as it is named like its neighbours; what nobody claims is shown
under "Further analyses".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """A part of a report.

    Parameters
    ----------
    key
        Its anchor.
    title
        Its heading.
    figures
        Beginnings of the names of its figures.
    tables
        Beginnings of the names of the tables that are shown.
    folded
        Beginnings of the names of the tables that are shown when asked for.
    marked
        A label of its standing.
    intro
        A sentence before its figures.
    """

    key: str
    title: str
    figures: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    folded: tuple[str, ...] = ()
    marked: str = ""
    intro: str = ""


BEFORE_OUTCOMES = (
    Topic("estimands", "Questions asked", tables=("estimands",)),
    Topic(
        "participants",
        "Participants",
        figures=("participant_flow", "baseline"),
        tables=("baseline",),
        folded=("participant_flow", "analysis_not_analysed", "analysis_intercurrent"),
    ),
    Topic(
        "delivery",
        "Treatment received",
        figures=("delivery",),
        tables=("delivery",),
        folded=("analysis_delivery", "analysis_blinding"),
    ),
)

AFTER_OUTCOMES = (
    Topic(
        "secondary",
        "Secondary outcomes together",
        tables=("secondary_outcomes",),
        folded=("analysis_families",),
    ),
    Topic(
        "margin",
        "Non-inferiority and equivalence",
        figures=("non_inferiority",),
        tables=("non_inferiority",),
        folded=("analysis_non_inferiority", "analysis_equivalence"),
    ),
    Topic(
        "response",
        "Response, remission, improvement and deterioration",
        figures=("responder", "response", "remission", "reliable_change"),
        tables=("responders",),
        folded=(
            "analysis_response", "analysis_remission", "analysis_reliable_improvement",
            "analysis_deterioration", "analysis_responder_curve", "analysis_change_of",
            "analysis_counts",
        ),
    ),
    Topic(
        "time",
        "Time to response, remission and leaving",
        figures=("time_to",),
        tables=("time_to_event",),
        folded=("analysis_time_to", "analysis_relapse"),
    ),
    Topic(
        "course",
        "Course during and after treatment",
        figures=("growth", "durability", "sudden_gains", "course"),
        tables=("durability", "growth", "sudden_gains"),
        folded=("analysis_growth", "analysis_durability", "analysis_sudden", "analysis_course",
                "analysis_sustained"),
    ),
    Topic(
        "medication",
        "IPT and medication",
        figures=("medication", "additivity", "factorial"),
        tables=("medication", "additivity", "factorial"),
        folded=("analysis_medication", "analysis_additivity", "analysis_factorial"),
    ),
    Topic(
        "moderators",
        "Moderators and subgroups",
        figures=("moderators", "subgroup"),
        tables=("moderators", "subgroup"),
        folded=("analysis_moderator", "analysis_subgroup"),
        intro="Whether a treatment works differently in some participants: only comparisons of "
        "the differences between subgroups answer that, never the subgroups one by one.",
    ),
    Topic(
        "process",
        "Dose and mechanism",
        figures=("dose", "within_person", "mediation", "mechanism"),
        tables=("dose", "within_person", "mediation", "mechanism"),
        folded=("analysis_dose", "analysis_within", "analysis_mediation", "analysis_mechanism",
                "analysis_process", "analysis_lagged", "analysis_cross_lagged", "analysis_diary"),
        marked="Observational, exploratory",
    ),
    Topic(
        "therapists",
        "Therapists and groups",
        figures=("therapist",),
        tables=("therapist",),
        folded=("analysis_therapist",),
    ),
    Topic(
        "missing",
        "Missing data",
        figures=("missing",),
        tables=("missing",),
        folded=("analysis_missing",),
    ),
    Topic(
        "robustness",
        "Robustness of the primary result",
        figures=("robustness", "tipping"),
        tables=("sensitivity", "robustness"),
        folded=("analysis_robustness", "analysis_tipping", "analysis_cross", "analysis_primary"),
    ),
    Topic(
        "diagnostics",
        "What the models rest on",
        figures=("diagnostics",),
        tables=("diagnostics",),
        folded=("analysis_diagnostics",),
    ),
    Topic(
        "safety",
        "Harms",
        figures=("harms", "safety"),
        tables=("harms", "safety"),
        folded=("analysis_safety",),
        intro="Counts of harms are shown however small: hiding one could hide a risk.",
    ),
)  # fmt: skip

PROBLEM_AREAS = Topic(
    "problem-areas",
    "Problem areas",
    figures=("problem_areas",),
    tables=("problem_areas",),
    folded=("analysis_problem_areas",),
    marked="Observational, exploratory",
)


def claimed(names: Iterable[str], beginnings: tuple[str, ...]) -> list[str]:
    """Return the names that begin in one of these ways, in the order of the beginnings.

    Examples
    --------
    >>> claimed(["time_to_response", "harms", "time_to_remission"], ("harms", "time_to"))
    ['harms', 'time_to_response', 'time_to_remission']
    """
    names = list(names)
    found = [name for start in beginnings for name in names if name.startswith(start)]
    return list(dict.fromkeys(found))
