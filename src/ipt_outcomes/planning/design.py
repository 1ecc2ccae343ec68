r"""The design of a trial to come, as its planner writes it in YAML.

Model of participant :math:`i` in arm :math:`a` at visit :math:`k`:

.. math::

    y_{ik} = \mu_{ak} + g_k\,(\delta_{\mathrm{area}(i)} + u_{\mathrm{therapist}(i)}) + e_{ik},
    \qquad \mathrm{corr}(e_{ij}, e_{ik}) = \rho^{|j-k|^{\lambda}},

with :math:`g_k = \min(w_k, W)/W` (:math:`W` the endpoint's week), SDs that change linearly from
baseline to the endpoint, and the damped exponential correlation of Muñoz et al. (1992, Biometrics
48:733): :math:`\lambda = 0` is compound symmetry, 1 an autoregression over visits. Therapists and
problem areas exist in the arms with psychotherapy only; both build up over the course.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ipt_outcomes.study.findings import Problem
from ipt_outcomes.study.sections import Name, Section
from ipt_outcomes.study.trials import ProblemArea

Floats = NDArray[np.float64]

FEWEST_TRIALS = 100
"""Fewest simulated trials that say anything about power."""


class PlannedOutcome(Section):
    """The primary outcome."""

    label: str
    """Its name in the page and the figure."""
    unit: str = "points"
    """The unit of the score."""
    higher_is: Literal["worse", "better"] = "worse"
    """Whether a higher score means more symptoms or less."""
    range: tuple[float, float] | None = None
    """Lowest and highest possible score: scores are then rounded and clipped, and the true
    difference is the one that remains. Leave out for unbounded scores."""


class PlannedArm(Section):
    """One arm."""

    participants: int = Field(ge=4)
    """How many are randomised to it."""
    means: list[float] = Field(min_length=2)
    """The mean at every visit, baseline first, of all participants whether or not they stay."""
    psychotherapy: bool = False
    """Whether it has therapists, and problem areas."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Proportion that has left the study by the endpoint."""


class Scatter(Section):
    """How scores vary between participants and over time."""

    sd_at_baseline: float = Field(gt=0)
    """SD at the first visit. Entry criteria make it small."""
    sd_at_endpoint: float = Field(gt=0)
    """SD at the endpoint and later; in between it changes linearly with the weeks."""
    correlation: float = Field(gt=0, lt=1)
    """Correlation of two neighbouring visits."""
    decay: float = Field(default=0.5, ge=0, le=1)
    """How fast it falls with distance: 0 not at all, 1 as an autoregression."""


class Therapists(Section):
    """Therapists of the arms with psychotherapy; each treats in one arm."""

    number: int = Field(ge=2)
    """How many in each arm with psychotherapy."""
    icc: float = Field(ge=0, lt=1)
    """Intraclass correlation of the outcome within therapists at the endpoint (published: 0 to
    .08)."""
    analysis: Literal["modelled", "ignored"] = "modelled"
    """``modelled``: a therapist slope is in the mixed model; ``ignored``: what happens without."""


class PlannedArea(Section):
    """One interpersonal problem area."""

    share: float = Field(gt=0, le=1)
    """Proportion of participants with this focus."""
    effect: float = 0.0
    """Added to the arm's mean at the endpoint, in points."""


class PlannedTrial(Section):
    """A trial to come: what is compared, in whom, how often, and what is expected.

    Examples
    --------
    >>> trial = PlannedTrial.model_validate(EXAMPLE)
    >>> round(trial.true_difference, 2), trial.total
    (-3.5, 200)
    """

    title: str
    """The title of the page."""
    seed: int = Field(ge=0)
    """Any whole number; every random draw derives from it."""
    trials: int = Field(default=10_000, ge=FEWEST_TRIALS)
    """How many trials are simulated."""
    outcome: PlannedOutcome
    visits: dict[Name, float] = Field(min_length=2)
    """Visit: week. The first is baseline (week 0)."""
    endpoint: Name
    """The visit at which the arms are compared."""
    arms: dict[Name, PlannedArm] = Field(min_length=2)
    compare: tuple[Name, Name]
    """The arm of interest and the arm that it is compared with."""
    scatter: Scatter
    dropout_per_sd: float = 0.0
    """Log hazard ratio of leaving per SD of the last observed score (0: at random; above 0:
    those with high scores leave)."""
    missed_visits: float = Field(default=0.0, ge=0, lt=1)
    """Probability that somebody in the study misses a visit after baseline."""
    therapists: Therapists | None = None
    problem_areas: dict[ProblemArea, PlannedArea] = Field(default_factory=dict)
    level: float = Field(default=0.95, gt=0.5, lt=1)
    """Level of the interval; the test is two-sided at 1 − level."""
    target_power: float | None = Field(default=None, gt=0.05, lt=1)
    """Find the sample size with this power, allocation as given. Leave out for none."""

    def problems(self) -> Iterator[Problem]:
        """Give every contradiction between the sections: key, what is wrong, how to mend it."""
        weeks = list(self.visits.values())
        if weeks != sorted(set(weeks)) or weeks[0] != 0:
            yield ("visits",), "weeks must start with 0 and increase.", "Order them by week."
        if self.endpoint not in list(self.visits)[1:]:
            yield ("endpoint",), f"{self.endpoint} is no visit after baseline.", "Name one."
        for place, arm in enumerate(self.compare):
            if arm not in self.arms:
                yield (
                    ("compare", str(place)),
                    f"{arm} is not an arm.",
                    f"Arms are {', '.join(self.arms)}.",
                )
        if self.compare[0] == self.compare[1]:
            yield ("compare",), "names one arm twice.", "Name two arms."
        for name, arm_ in self.arms.items():
            key = ("arms", name, "means")
            if len(arm_.means) != len(self.visits):
                yield (
                    key,
                    f"has {len(arm_.means)} means for {len(self.visits)} visits.",
                    "Give one per visit, baseline first.",
                )
            elif arm_.means[0] != next(iter(self.arms.values())).means[0]:
                yield (
                    key,
                    "differs at baseline from the first arm, which randomisation excludes.",
                    "Give all arms the same first mean.",
                )
            therapists = self.therapists.number if self.therapists and arm_.psychotherapy else 0
            if arm_.participants < 2 * therapists:
                yield (
                    ("arms", name, "participants"),
                    f"{arm_.participants} are fewer than two per therapist.",
                    "Lower therapists.number.",
                )
        treated = any(arm.psychotherapy for arm in self.arms.values())
        for section, present in (
            ("therapists", self.therapists is not None),
            ("problem_areas", bool(self.problem_areas)),
        ):
            if present and not treated:
                yield (
                    (section,),
                    "no arm has psychotherapy.",
                    "Write psychotherapy: true into the arms that have it.",
                )
        if self.problem_areas:
            total = sum(area.share for area in self.problem_areas.values())
            if abs(total - 1) > 1e-6:
                yield ("problem_areas",), f"shares sum to {total:g}, not 1.", "Mend the shares."

    @property
    def total(self) -> int:
        """Number randomised."""
        return sum(arm.participants for arm in self.arms.values())

    @property
    def later_visits(self) -> list[str]:
        """Visits after baseline."""
        return list(self.visits)[1:]

    @property
    def endpoint_index(self) -> int:
        """Position of the endpoint among all visits."""
        return list(self.visits).index(self.endpoint)

    @property
    def build_up(self) -> Floats:
        """Share of the course that has passed at each visit (the model's g)."""
        weeks = np.array(list(self.visits.values()), float)
        return np.asarray(np.minimum(weeks / weeks[self.endpoint_index], 1.0))

    @property
    def sds(self) -> Floats:
        """SD between participants at every visit, without therapists and areas."""
        start, end = self.scatter.sd_at_baseline, self.scatter.sd_at_endpoint
        return np.asarray(start + (end - start) * self.build_up)

    @property
    def covariance(self) -> Floats:
        """Covariance of all visits between participants (T + 1, T + 1)."""
        at = np.arange(len(self.visits))
        distance = np.abs(np.subtract.outer(at, at)).astype(float)
        power = np.where(distance > 0, distance**self.scatter.decay, 0.0)
        return np.asarray(self.scatter.correlation**power * np.outer(self.sds, self.sds))

    @property
    def residual_covariance(self) -> Floats:
        """Covariance of the later visits given baseline (T, T)."""
        full = self.covariance
        return np.asarray(full[1:, 1:] - np.outer(full[1:, 0], full[0, 1:]) / full[0, 0])

    @property
    def therapist_sd(self) -> float:
        """SD of the therapists' effects at the endpoint that gives the ICC asked for."""
        if self.therapists is None:
            return 0.0
        odds = self.therapists.icc / (1 - self.therapists.icc)
        return float(np.sqrt(odds) * self.scatter.sd_at_endpoint)

    @property
    def true_difference(self) -> float:
        """The difference at the endpoint that an endless trial without dropout would find."""
        one, other = (self.expected_score(arm) for arm in self.compare)
        return one - other

    def expected_score(self, arm: str) -> float:
        """Mean score of an arm at the endpoint, problem areas, rounding and clipping included."""
        from scipy.stats import norm

        described = self.arms[arm]
        mean = described.means[self.endpoint_index]
        sd = self.scatter.sd_at_endpoint
        parts = [(1.0, 0.0)]
        if described.psychotherapy:
            sd = float(np.hypot(sd, self.therapist_sd))
            if self.problem_areas:
                parts = [(area.share, area.effect) for area in self.problem_areas.values()]
        if self.outcome.range is None:
            return mean + sum(share * effect for share, effect in parts)
        low, high = self.outcome.range
        # E max-min of a rounded score: the least one plus the chance of reaching each further one.
        steps = np.arange(low + 1, high + 1) - 0.5
        reached = [share * norm.sf(steps, mean + effect, sd).sum() for share, effect in parts]
        return float(low + sum(reached))

    def without_effect(self) -> PlannedTrial:
        """Return the same trial with no difference between the two arms that are compared.

        The arm of interest gets the other's means; problem areas lose their effects.
        """
        interest, other = self.compare
        arms = dict(self.arms)
        arms[interest] = arms[interest].model_copy(update={"means": arms[other].means})
        areas = {
            name: area.model_copy(update={"effect": 0.0})
            for name, area in self.problem_areas.items()
        }
        return self.model_copy(update={"arms": arms, "problem_areas": areas})

    def with_total(self, total: int) -> PlannedTrial:
        """Return the same trial with another number of participants, allocation kept."""
        own = self.total
        arms = {
            name: arm.model_copy(
                update={"participants": max(4, round(arm.participants * total / own))}
            )
            for name, arm in self.arms.items()
        }
        return self.model_copy(update={"arms": arms})


EXAMPLE = {
    "title": "IPT against medication, 16 weeks",
    "seed": 20261122,
    "outcome": {"label": "HAM-D17"},
    "visits": {"baseline": 0, "week_4": 4, "week_8": 8, "week_12": 12, "week_16": 16},
    "endpoint": "week_16",
    "arms": {
        "IPT": {
            "participants": 100, "means": [20, 16, 13, 11, 10], "psychotherapy": True,
            "dropout": 0.25,
        },
        "MED": {"participants": 100, "means": [20, 17.2, 15.4, 14.2, 13.5], "dropout": 0.22},
    },
    "compare": ["IPT", "MED"],
    "scatter": {"sd_at_baseline": 4.8, "sd_at_endpoint": 7.9, "correlation": 0.7},
}  # fmt: skip
"""The design of the examples: the course and scatter of published trials (METHODS of the docs)."""
