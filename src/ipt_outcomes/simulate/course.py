r"""What happens to people under an arm: scores, stopping treatment, leaving the study.

Stopping (a discrete-time proportional-hazards model, Prentice & Gloeckler 1978): in the interval
that follows visit :math:`k` the hazard is

.. math:: h_{ik} = -\frac{\log(1-p_a)}{K}\; e^{\beta z_{ik} - \beta^2/2},

with :math:`p_a` the arm's proportion that stops within the :math:`K` intervals up to the endpoint
and :math:`z` the last *observed* score of the first outcome, standardised by the randomised arm's
planned mean and SD. Treatment stops where the cumulative hazard crosses a unit exponential.

After stopping at week :math:`s` a share :math:`\lambda` of the later mean improvement is lost,
:math:`y^*_k + \lambda\,\{\mu_a(s) - \mu_{ak}\}_+`, whether or not anybody is there to rate it.

Leaving the study is another event: only people who have stopped leave before the endpoint, at the
day of stopping or later, with probabilities that depend on arm, on having stopped and on the last
observed score. Both are therefore missing at random given what was observed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ipt_outcomes.simulate.design import TrialDesign
from ipt_outcomes.simulate.people import Flags, Floats, Integers, People

NEVER = np.iinfo(np.int64).max
"""Day of an event that does not happen."""


@dataclass(frozen=True)
class Course:
    """What n people would experience and score if every score were recorded.

    Parameters
    ----------
    received
        Position of the arm received (n).
    stop_day
        Day treatment is stopped, :data:`NEVER` for those who finish (n).
    stop_interval
        Interval of stopping: the position of the first visit off treatment; the number of visits
        for those who finish (n).
    on_treatment, policy
        Scores (n, v, p), rounded and clipped, had nobody stopped, and as it happened.
    last_z
        Standardised last observed score of the first outcome before each visit (n, v); column
        0 is empty.
    """

    received: Integers
    stop_day: Integers
    stop_interval: Integers
    on_treatment: Floats
    policy: Floats
    last_z: Floats


def follow(design: TrialDesign, people: People, arm: Integers, therapist: Floats) -> Course:
    """Follow people under their arms, with every score recorded.

    Parameters
    ----------
    design
        The trial.
    people
        Who they are.
    arm
        Position of the randomised arm (n).
    therapist
        Effect of each person's therapist at the endpoint, in points (n, p); ignored in arms
        without psychotherapy.
    """
    received = _received(design, people, arm)
    latent = _latent(design, people, received, therapist)
    on_treatment = _as_scored(design, latent)
    z = _standardised(design, arm, on_treatment[:, :, 0])
    last = _last_observed(z, people.unobserved[:, :, 0])
    stop_interval, fraction = _stopping(design, people, arm, last)
    stop_day = _day_within(people.day, stop_interval, fraction)
    latent += _loss(design, received, stop_interval, stop_day)
    policy = _as_scored(design, latent)
    stopped_before = np.arange(len(design.visits)) >= stop_interval[:, None]
    after = _standardised(design, arm, policy[:, :, 0])
    z = np.where(stopped_before, after, z)
    return Course(received, stop_day, stop_interval, on_treatment, policy,
                  _last_observed(z, people.unobserved[:, :, 0]))  # fmt: skip


def leave(design: TrialDesign, people: People, arm: Integers, course: Course) -> Integers:
    """Decide who leaves the study and when.

    Returns
    -------
    numpy.ndarray
        Day of leaving (n), :data:`NEVER` for those who stay to the last visit.
    """
    ratio = np.array([a.leaving_ratio for a in design.arms])[arm]
    slope = design.leaving_slope
    exit_day = np.full(len(arm), NEVER)
    for k in range(1, len(design.visits)):
        relative = ratio * np.exp(slope * course.last_z[:, k] - slope**2 / 2)
        stopped = course.stop_interval < k
        stopping = course.stop_interval == k
        in_study = exit_day == NEVER
        finished = 0.0 if k <= design.endpoint_index else design.leaving_before_follow_up
        probability = np.where(stopped, design.leaving_after_stopping, finished)
        leaves = people.leave[:, k, 0] < 1 - (1 - probability) ** relative
        start = np.where(stopping, course.stop_day, _after(people.day, k))
        at_stopping = people.leave[:, k, 1] < 1 - (1 - design.leaving_at_stopping) ** relative
        leaves = in_study & np.where(stopping, at_stopping, leaves)
        day = start + np.floor(people.leave[:, k, 2] * (people.day[:, k] - start))
        exit_day = np.where(leaves, day.astype(np.int64), exit_day)
    return exit_day


def _after(day: Integers, k: int) -> Integers:
    # Nobody leaves before randomisation: the first interval starts on day 0.
    return np.maximum(day[:, k - 1] + 1, 1)


def _received(design: TrialDesign, people: People, arm: Integers) -> Integers:
    target = np.array([design.arm_index(a.crosses_to) if a.crosses_to else i
                       for i, a in enumerate(design.arms)])  # fmt: skip
    crossing = np.array([a.crossing for a in design.arms])
    return np.where(people.crosses < crossing[arm], target[arm], arm)


def _latent(design: TrialDesign, people: People, received: Integers, therapist: Floats) -> Floats:
    courses = np.array([a.courses for a in design.arms])
    treated = np.array([a.psychotherapy for a in design.arms])[received]
    areas = np.array([area.effects for area in design.areas])[people.area]
    build_up = np.array(design.build_up)
    ratio = np.array([a.slope_ratio for a in design.arms])[received]
    slope = ratio[:, None] * people.slope + np.where(treated[:, None], therapist + areas, 0.0)
    latent: Floats = people.deviation + courses[received].transpose(0, 2, 1)
    latent += build_up[:, None] * slope[:, None, :]
    return latent


def _as_scored(design: TrialDesign, latent: Floats) -> Floats:
    ranges = np.array([scale.range for scale in design.outcomes])
    scores: Floats = np.clip(np.rint(latent), ranges[:, 0], ranges[:, 1])
    return scores


def _standardised(design: TrialDesign, arm: Integers, score: Floats) -> Floats:
    mean = np.array([a.courses[0] for a in design.arms])[arm]
    sd = np.array([design.person_sd(0, k) for k in range(len(design.visits))])
    z: Floats = (score - mean) / sd
    return z


def _last_observed(z: Floats, unobserved: Flags) -> Floats:
    last = np.full_like(z, np.nan)
    for k in range(1, z.shape[1]):
        last[:, k] = np.where(unobserved[:, k - 1], last[:, k - 1], z[:, k - 1])
    # Without any observed score the arm's mean stands in: nothing is known.
    last[:, 1:] = np.nan_to_num(last[:, 1:], nan=0.0)
    return last


def _stopping(
    design: TrialDesign, people: People, arm: Integers, last: Floats
) -> tuple[Integers, Floats]:
    intervals = design.endpoint_index
    beta = design.stopping_slope
    base = np.array([-np.log1p(-a.stopping) for a in design.arms])[arm] / intervals
    hazard = base[:, None] * np.exp(beta * last[:, 1 : intervals + 1] - beta**2 / 2)
    total = np.cumsum(hazard, axis=1)
    passed = (total < people.stop_threshold[:, None]).sum(axis=1)
    stops = passed < intervals
    k = np.minimum(passed, intervals - 1)
    rows = np.arange(len(arm))
    safe = np.where(stops, hazard[rows, k], 1.0)
    fraction = 1 - (total[rows, k] - people.stop_threshold) / safe
    interval = np.where(stops, k + 1, len(design.visits))
    return interval, np.where(stops, np.clip(fraction, 0.0, np.nextafter(1, 0)), 0.0)


def _day_within(day: Integers, interval: Integers, fraction: Floats) -> Integers:
    stops = interval < day.shape[1]
    k = np.minimum(interval, day.shape[1] - 1)
    rows = np.arange(len(day))
    first = np.maximum(day[rows, k - 1] + 1, 1)
    inside = first + np.floor(fraction * (day[rows, k] - first)).astype(np.int64)
    return np.where(stops, inside, NEVER)


def _loss(
    design: TrialDesign, received: Integers, interval: Integers, stop_day: Integers
) -> Floats:
    courses = np.array([a.courses for a in design.arms])[received]
    weeks = np.array(design.weeks)
    stops = interval < len(weeks)
    k = np.minimum(interval, len(weeks) - 1)
    week = np.where(stops, stop_day, 0) / 7
    share = np.clip((week - weeks[k - 1]) / (weeks[k] - weeks[k - 1]), 0, 1)[:, None]
    rows = np.arange(len(received))
    at_stopping = (1 - share) * courses[rows, :, k - 1] + share * courses[rows, :, k]
    missed_benefit = np.maximum(at_stopping[:, None, :] - courses.transpose(0, 2, 1), 0)
    off = stops[:, None] & (np.arange(len(weeks)) >= interval[:, None])
    loss: Floats = design.loss_after_stopping * missed_benefit * off[:, :, None]
    return loss
