"""The rest of a trial's record: dates, characteristics, sessions and coded reasons.

None of this steers the scores; it makes the export complete. Sessions are about weekly until
treatment ends; a therapist rates the problem areas after the third session, so that they are
missing where treatment stopped earlier, and in arms without psychotherapy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.simulate.course import NEVER, Course
from ipt_outcomes.simulate.design import TrialDesign
from ipt_outcomes.simulate.people import Flags, Integers, People

SESSIONS_BEFORE_RATING = 3
"""Sessions after which the therapist rates the problem areas."""

CODED_SHARE = 0.6
"""Share of the missing scores of an assessment that are marked by a code."""

STOP_REASONS: dict[str, str] = {
    "improved": "Felt better",
    "no_benefit": "Felt no benefit",
    "no_time": "Time or travel",
    "side_effects": "Side effects of medication",
    "other": "Other reason",
}
"""Code: label of the reasons for stopping treatment."""

EXIT_REASONS: dict[str, str] = {
    "withdrew_consent": "Withdrew consent",
    "lost_contact": "Lost contact",
    "moved_away": "Moved away",
}
"""Code: label of the reasons for leaving the study."""

GENDERS: dict[str, str] = {"1": "Women", "2": "Men", "3": "Non-binary or other"}
"""Code: label."""

Texts = NDArray[np.object_]


@dataclass(frozen=True)
class Delivery:
    """What else is recorded of n participants.

    Parameters
    ----------
    randomisation_date
        Day of randomisation, ascending (n).
    age, gender, recurrent
        Years, code of :data:`GENDERS`, and whether the depression is recurrent (n).
    sessions
        Psychotherapy sessions attended; -1 in arms without psychotherapy (n).
    areas_rated
        Whether a therapist rated the problem areas (n).
    stop_reason, exit_reason
        Codes of :data:`STOP_REASONS` and :data:`EXIT_REASONS`, or None (n).
    coded
        Whether a score that is missing would be marked by a code rather than left blank
        (n, v, p).
    """

    randomisation_date: NDArray[np.datetime64[Any]]
    age: Integers
    gender: Integers
    recurrent: Flags
    sessions: Integers
    areas_rated: Flags
    stop_reason: Texts
    exit_reason: Texts
    coded: Flags


def deliver(
    design: TrialDesign,
    people: People,
    arm: Integers,
    course: Course,
    exit_day: Integers,
    stream: dict[str, np.random.Generator],
) -> Delivery:
    """Draw the rest of the record.

    Parameters
    ----------
    design, people, arm, course
        The trial so far.
    exit_day
        Day of leaving the study.
    stream
        Generators of :func:`~ipt_outcomes.simulate.people.streams`.
    """
    n = len(arm)
    characteristics = stream["characteristics"]
    mean, sd, least, greatest = design.age
    age = np.clip(np.rint(characteristics.normal(mean, sd, n)), least, greatest)
    u = characteristics.random(n)
    gender = np.where(u < design.women, 1, np.where(u < 1 - design.non_binary, 2, 3))
    sessions = _sessions(design, arm, course, stream["delivery"])
    return Delivery(
        randomisation_date=_dates(design, n, stream["calendar"]),
        age=age.astype(np.int64),
        gender=gender.astype(np.int64),
        recurrent=characteristics.random(n) < design.recurrent,
        sessions=sessions,
        areas_rated=sessions >= SESSIONS_BEFORE_RATING,
        stop_reason=_stop_reasons(design, people, course, stream["delivery"]),
        exit_reason=_exit_reasons(exit_day, stream["delivery"]),
        coded=stream["delivery"].random(people.unobserved.shape) < CODED_SHARE,
    )


def _dates(design: TrialDesign, n: int, stream: np.random.Generator) -> NDArray[Any]:
    first, last = (np.datetime64(day, "D") for day in design.recruitment)
    days = np.sort(stream.integers(0, (last - first).astype(int) + 1, n))
    # Nobody is randomised at a weekend: those days move to the Monday after.
    return np.busday_offset(first + days, 0, roll="forward")


def _sessions(
    design: TrialDesign, arm: Integers, course: Course, stream: np.random.Generator
) -> Integers:
    weeks_in_treatment = np.minimum(course.stop_day, 7 * design.sessions) // 7
    offered = np.minimum(weeks_in_treatment, design.sessions)
    attended = stream.binomial(offered, design.attendance)
    therapy = np.array([a.psychotherapy for a in design.arms])[arm]
    return np.where(therapy, attended, -1)


def _stop_reasons(
    design: TrialDesign, people: People, course: Course, stream: np.random.Generator
) -> Texts:
    u, side_effects = stream.random((2, len(course.stop_day)))
    rows = np.arange(len(u))
    k = np.minimum(course.stop_interval, len(design.visits) - 1)
    better = course.last_z[rows, k] < 0
    medication = np.array([a.medication for a in design.arms])[course.received]
    reason = np.select(
        [medication & (side_effects < 0.3), u < 0.45, u < 0.8],
        ["side_effects", np.where(better, "improved", "no_benefit"), "no_time"],
        "other",
    )
    return np.where(course.stop_day < NEVER, reason.astype(object), _nothing(len(u)))


def _exit_reasons(exit_day: Integers, stream: np.random.Generator) -> Texts:
    codes = np.array(list(EXIT_REASONS), dtype=object)
    drawn = codes[stream.choice(len(codes), size=len(exit_day), p=[0.4, 0.45, 0.15])]
    return np.where(exit_day < NEVER, drawn, _nothing(len(drawn)))


def _nothing(n: int) -> Texts:
    return np.full(n, None, dtype=object)
