"""Simulate one trial of interpersonal psychotherapy with known truth.

The trial is drawn as arrays; :meth:`SimulatedTrial.participants` and
:meth:`SimulatedTrial.scores` show it as tables, with the complete scores under both estimands
beside what was observed. See :mod:`ipt_outcomes.simulate.design` for the model of the scores and
:mod:`ipt_outcomes.simulate.course` for stopping and leaving.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ipt_outcomes.simulate.course import NEVER, Course, follow, leave
from ipt_outcomes.simulate.delivery import Delivery, deliver
from ipt_outcomes.simulate.design import HYPOTHETICAL, TREATMENT_POLICY, TrialDesign
from ipt_outcomes.simulate.people import (
    Flags,
    Floats,
    Integers,
    People,
    draw_people,
    draw_therapists,
    streams,
)

NO_THERAPIST = -1


@dataclass(frozen=True)
class SimulatedTrial:
    """One simulated trial.

    Parameters
    ----------
    design, seed
        What it was drawn from.
    arm, therapist
        Position of the randomised arm, and number of the therapist (:data:`NO_THERAPIST` where
        there is none) (n).
    people
        The draws behind the participants (n participants, v visits, p outcomes).
    course
        Complete data: scores under both estimands, stopping.
    exit_day
        Day of leaving the study, :data:`~ipt_outcomes.simulate.course.NEVER` for those who stay
        (n).
    assessed
        Whether the participant was seen at the visit (n, v).
    observed
        The scores that the trial has (n, v, p); NaN where there is none.
    delivery
        Dates, characteristics, sessions and reasons.
    """

    design: TrialDesign
    seed: int
    arm: Integers
    therapist: Integers
    people: People
    course: Course
    exit_day: Integers
    assessed: Flags
    observed: Floats
    delivery: Delivery

    def complete(self, estimand: str) -> Floats:
        """Scores of everyone at every visit under an estimand (n, v, p).

        Raises
        ------
        ValueError
            When the estimand is unknown.
        """
        if estimand == TREATMENT_POLICY:
            return self.course.policy
        if estimand == HYPOTHETICAL:
            return self.course.on_treatment
        raise ValueError(f"unknown estimand {estimand!r}; known: {TREATMENT_POLICY}, "
                         f"{HYPOTHETICAL}")  # fmt: skip

    def usable(self, estimand: str) -> Floats:
        """Observed scores that an estimand's analysis may use (n, v, p); NaN elsewhere.

        Under the hypothetical estimand the scores after stopping treatment are set aside.

        Raises
        ------
        ValueError
            When the estimand is unknown.
        """
        self.complete(estimand)
        if estimand == TREATMENT_POLICY:
            return self.observed
        off = np.arange(self.observed.shape[1]) >= self.course.stop_interval[:, None]
        return np.where(off[:, :, None], np.nan, self.observed)

    def participants(self) -> pd.DataFrame:
        """Describe the participants, one row each.

        Returns
        -------
        pandas.DataFrame
            participant, arm, received_arm, site, therapist, age, gender, recurrent,
            randomisation_date, sessions_attended, treatment_stop_day, treatment_stop_reason,
            study_exit_day, study_exit_reason, problem_area, area_<name>. Empty where it does not
            apply or was not recorded.
        """
        design, d = self.design, self.delivery
        arms = np.array([arm.name for arm in design.arms])
        rated = d.areas_rated
        areas = [area.name for area in design.areas]
        frame = pd.DataFrame(
            {
                "participant": self.numbers(),
                "arm": arms[self.arm],
                "received_arm": arms[self.course.received],
                "site": np.array([site.code for site in design.sites])[self.people.site],
                "therapist": [f"T{t + 1:02d}" if t >= 0 else None for t in self.therapist],
                "age": d.age,
                "gender": d.gender,
                "recurrent": d.recurrent,
                "randomisation_date": d.randomisation_date,
                "sessions_attended": _or_empty(d.sessions, d.sessions >= 0),
                "treatment_stop_day": _or_empty(self.course.stop_day, self.course.stop_day < NEVER),
                "treatment_stop_reason": d.stop_reason,
                "study_exit_day": _or_empty(self.exit_day, self.exit_day < NEVER),
                "study_exit_reason": d.exit_reason,
                "problem_area": [
                    areas[j] if known else None
                    for j, known in zip(self.people.area, rated, strict=True)
                ],
            }
        )
        for j, area in enumerate(design.areas):
            flag = self.people.flags[:, j]
            frame[f"area_{area.name}"] = pd.arrays.BooleanArray(flag & rated, ~rated)
        return frame

    def scores(self) -> pd.DataFrame:
        """List every participant's scores, one row per participant, visit and outcome.

        Returns
        -------
        pandas.DataFrame
            participant, outcome, visit, week, day, score (observed, empty where missing),
            treatment_policy and hypothetical (the complete scores under either estimand), and
            off_treatment.
        """
        n, visits, outcomes = self.observed.shape
        design, shape = self.design, self.observed.shape
        off = np.arange(visits) >= self.course.stop_interval[:, None]
        columns = {
            "participant": np.broadcast_to(self.numbers()[:, None, None], shape),
            "outcome": np.broadcast_to([scale.name for scale in design.outcomes], shape),
            "visit": np.broadcast_to(np.array(design.visits)[:, None], shape),
            "week": np.broadcast_to(np.array(design.weeks)[:, None], shape),
            "day": np.broadcast_to(self.people.day[:, :, None], shape),
            "score": self.observed,
            "treatment_policy": self.course.policy,
            "hypothetical": self.course.on_treatment,
            "off_treatment": np.broadcast_to(off[:, :, None], shape),
        }
        return pd.DataFrame(
            {name: np.asarray(values).reshape(n * visits * outcomes)
             for name, values in columns.items()}
        )  # fmt: skip

    def model_rows(self, outcome: str, estimand: str) -> pd.DataFrame:
        """Lay the observed scores out for the primary analysis.

        Parameters
        ----------
        outcome
            Name of an outcome.
        estimand
            ``"treatment-policy"`` or ``"hypothetical"``.

        Returns
        -------
        pandas.DataFrame
            participant, arm, site, therapist, visit (ordered, baseline left out), baseline and
            score (NaN where missing) of everyone with a baseline and a later score.

        Raises
        ------
        ValueError
            When the outcome or the estimand is unknown.
        """
        design = self.design
        p = [scale.name for scale in design.outcomes].index(outcome)
        score = self.usable(estimand)[:, :, p]
        kept = ~np.isnan(score[:, 0]) & ~np.isnan(score[:, 1:]).all(axis=1)
        later = len(design.visits) - 1
        rows = np.flatnonzero(kept)
        repeat = np.repeat(rows, later)
        codes = np.tile(np.arange(later), len(rows))
        names = pd.Index([arm.name for arm in design.arms])
        sites = pd.Index([site.code for site in design.sites])
        visits = pd.Index(design.visits[1:])
        return pd.DataFrame(
            {
                "participant": self.numbers()[repeat],
                "arm": pd.Categorical.from_codes(self.arm[repeat], names),
                "site": pd.Categorical.from_codes(self.people.site[repeat], sites),
                "therapist": self.therapist[repeat],
                "visit": pd.Categorical.from_codes(codes, visits, ordered=True),
                "baseline": score[repeat, 0],
                "score": score[rows, 1:].ravel(),
            }
        )

    def numbers(self) -> Integers:
        """Study numbers in the order of randomisation (n)."""
        return 1001 + np.arange(len(self.arm))


def simulate_trial(design: TrialDesign, seed: int) -> SimulatedTrial:
    """Draw one trial.

    Parameters
    ----------
    design
        Its parameters.
    seed
        Any whole number; the same seed gives the same trial.

    Returns
    -------
    SimulatedTrial
        Complete-data truths and observed data.

    Examples
    --------
    >>> trial = simulate_trial(TrialDesign(participants=60), seed=1)
    >>> trial.participants()["arm"].value_counts().sort_index().to_dict()
    {'IPT': 20, 'IPT+MED': 20, 'MED': 20}
    """
    stream = streams(seed)
    site, arm = _randomise(design, stream["randomisation"])
    people = draw_people(design, site, stream)
    therapist = _assign_therapists(design, site, arm, stream["therapists"])
    count = sum(s.therapists for s in design.sites)
    effects = draw_therapists(design, count, stream["therapists"])
    effect = np.where(therapist[:, None] >= 0, effects[therapist], 0.0)
    course = follow(design, people, arm, effect)
    exit_day = leave(design, people, arm, course)
    assessed = (people.day < exit_day[:, None]) & ~people.missed
    known = assessed[:, :, None] & ~people.unobserved
    observed = np.where(known, course.policy, np.nan)
    delivery = deliver(design, people, arm, course, exit_day, stream)
    return SimulatedTrial(design, seed, arm, therapist, people, course, exit_day, assessed,
                          observed, delivery)  # fmt: skip


def _randomise(design: TrialDesign, stream: np.random.Generator) -> tuple[Integers, Integers]:
    """Draw sites in order of time and arms in permuted blocks within sites."""
    weights = np.array([site.weight for site in design.sites])
    exact = design.participants * weights / weights.sum()
    sizes = np.floor(exact).astype(np.int64)
    # Largest remainders get the participants that are left.
    order = np.argsort(sizes - exact, kind="stable")
    sizes[order[: design.participants - sizes.sum()]] += 1
    site = stream.permutation(np.repeat(np.arange(len(sizes)), sizes))
    arm = np.empty_like(site)
    block = np.repeat(np.arange(len(design.arms)), design.block_repeats)
    for s, size in enumerate(sizes):
        blocks = stream.permuted(np.tile(block, (-(-size // len(block)), 1)), axis=1)
        arm[site == s] = blocks.ravel()[:size]
    return site, arm


def _assign_therapists(
    design: TrialDesign, site: Integers, arm: Integers, stream: np.random.Generator
) -> Integers:
    """Share participants of the arms with psychotherapy among their site's therapists."""
    therapist = np.full(len(arm), NO_THERAPIST)
    first = 0
    for s, described in enumerate(design.sites):
        for a, arm_design in enumerate(design.arms):
            here = np.flatnonzero((site == s) & (arm == a))
            if arm_design.psychotherapy:
                turn = np.arange(len(here)) % described.therapists
                therapist[here] = first + stream.permutation(turn)
        first += described.therapists
    return therapist


def _or_empty(values: Integers, known: Flags) -> pd.arrays.IntegerArray:
    return pd.arrays.IntegerArray(np.where(known, values, 0), ~known)
