r"""What a simulated IPT trial looks like: every parameter, with its unit and its default.

Model of one participant :math:`i`, arm :math:`a`, visit :math:`k` at week :math:`w_k`, before
rounding and clipping to the instrument's range:

.. math::

    y^*_{ik} = \mu_{ak} + s_{\mathrm{site}(i)} + b_{0i} + b_{1i}\,g_k + b_{2i}\,f_k
               + u_{\mathrm{therapist}(i)}\,g_k + e_{ik},

with :math:`g_k = \min(w_k, W)/W` (:math:`W` the week of the endpoint), :math:`f_k = 1` at
follow-up and 0 before, and independent normal random effects. The random slope :math:`b_1` makes
the variance grow over the course; the therapist effect :math:`u`, present in the arms with
psychotherapy only, builds up with the course, so that its intraclass correlation at the endpoint
is the one asked for.

Defaults: the means and SDs of the HRSD in the NIMH collaborative programme (Elkin et al. 1989,
as tabulated by Metapsy: 19.6 (4.6) falling to 9.8 (7.9) with IPT, 19.5 (4.6) to 13.2 (7.8) in the
control arm), attrition of IPT trials (24.7 % of 1,452 randomised to IPT, 21.9 % in controls), and
g = .24 for adding medication to IPT (Cuijpers et al. 2016).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

TREATMENT_POLICY: Final = "treatment-policy"
HYPOTHETICAL: Final = "hypothetical"
ESTIMANDS: Final = (TREATMENT_POLICY, HYPOTHETICAL)
"""How stopping treatment counts, in the words of ``config.yaml``."""


@dataclass(frozen=True)
class ArmDesign:
    """One arm.

    Parameters
    ----------
    name, code
        Short name, and the code that stands for it in the export.
    label
        How the export's data dictionary calls it.
    psychotherapy, medication
        Components. Therapists, sessions and problem areas exist only with psychotherapy.
    courses
        Per outcome, mean at every visit (points, before rounding and clipping) of participants
        who stay on treatment.
    stopping
        Proportion that stops treatment before the endpoint.
    slope_ratio
        SD of the random slopes, as a ratio to the outcomes' ``slope_sd``. Arms whose scores pile
        up at the least possible score need a larger one for the same observed SD.
    leaving_ratio
        Hazard ratio of leaving the study, against the design's common probabilities.
    crosses_to, crossing
        The arm that a few receive instead of this one, and their proportion.
    """

    name: str
    code: str
    label: str
    psychotherapy: bool
    medication: bool
    courses: tuple[tuple[float, ...], ...]
    stopping: float
    slope_ratio: float = 1.0
    leaving_ratio: float = 1.0
    crosses_to: str | None = None
    crossing: float = 0.0


@dataclass(frozen=True)
class SiteDesign:
    """One site.

    Parameters
    ----------
    code, label
        Code in the export and its meaning.
    weight
        Share of the participants (relative to the other sites' weights).
    shift
        Difference of its participants' scores at all visits, in baseline SDs.
    therapists
        Number of therapists; each treats participants of all arms with psychotherapy.
    """

    code: str
    label: str
    weight: float
    shift: float
    therapists: int


@dataclass(frozen=True)
class OutcomeDesign:
    """One outcome scale; the first of a design steers stopping and leaving.

    Parameters
    ----------
    name, column, label
        Short name, column of the export, and label of the data dictionary.
    range
        Least and greatest possible score.
    level_sd, slope_sd, follow_up_sd, residual_sd
        SDs of the random intercept, of the change from baseline to the endpoint, of the further
        change at follow-up, and of the visit's own deviation (points).
    missing
        Probability that the score is missing although the participant was assessed.
    missing_at_baseline
        The same at baseline.
    """

    name: str
    column: str
    label: str
    range: tuple[int, int]
    level_sd: float
    slope_sd: float
    follow_up_sd: float
    residual_sd: float
    missing: float = 0.0
    missing_at_baseline: float = 0.0

    @property
    def baseline_sd(self) -> float:
        """SD at baseline, before rounding and clipping."""
        return math.hypot(self.level_sd, self.residual_sd)


@dataclass(frozen=True)
class AreaDesign:
    """One interpersonal problem area.

    Parameters
    ----------
    name, code, label
        Short name, code in the export, and its meaning.
    share
        Proportion of participants for whom it is the primary focus.
    effects
        Per outcome, true difference at the endpoint (points, building up over the course). The
        default is none: trials have found no difference between the areas.
    """

    name: str
    code: str
    label: str
    share: float
    effects: tuple[float, ...]


_HAMD, _BDI = 0, 1

DEFAULT_ARMS: Final = (
    ArmDesign("IPT", "1", "IPT", True, False,
              ((20.0, 15.9, 13.0, 10.7, 8.8, 8.6), (28.0, 22.4, 18.6, 15.6, 13.2, 12.8)),
              stopping=0.25, crosses_to="IPT+MED", crossing=0.025),
    ArmDesign("IPT+MED", "2", "IPT + medication", True, True,
              ((20.0, 15.2, 11.9, 9.2, 7.0, 6.9), (28.0, 21.6, 17.2, 13.8, 11.2, 11.2)),
              stopping=0.24, slope_ratio=1.08, crosses_to="IPT", crossing=0.025),
    ArmDesign("MED", "3", "Medication + clinical management", False, True,
              ((20.0, 17.2, 15.4, 14.0, 12.95, 12.5), (28.0, 24.4, 21.8, 19.9, 18.4, 17.8)),
              stopping=0.22, slope_ratio=0.955, leaving_ratio=1.2),
)  # fmt: skip
DEFAULT_SITES: Final = (
    SiteDesign("A", "Site A", 10, 0.10, 4),
    SiteDesign("B", "Site B", 9, -0.10, 4),
    SiteDesign("C", "Site C", 8, 0.05, 3),
    SiteDesign("D", "Site D", 7, -0.10, 3),
    SiteDesign("E", "Site E", 6, 0.05, 2),
)
DEFAULT_OUTCOMES: Final = (
    OutcomeDesign("hamd17", "hamd17_total", "HAM-D17 total (masked rater)", (0, 52),
                  level_sd=3.4, slope_sd=7.0, follow_up_sd=3.5, residual_sd=3.4, missing=0.01),
    OutcomeDesign("bdi2", "bdi2_total", "BDI-II total (self-report)", (0, 63),
                  level_sd=6.5, slope_sd=8.4, follow_up_sd=4.5, residual_sd=5.5,
                  missing=0.025, missing_at_baseline=0.008),
)  # fmt: skip
DEFAULT_AREAS: Final = (
    AreaDesign("grief", "1", "Grief", 0.16, (0.0, 0.0)),
    AreaDesign("role_disputes", "2", "Role disputes", 0.33, (0.0, 0.0)),
    AreaDesign("role_transitions", "3", "Role transitions", 0.37, (0.0, 0.0)),
    AreaDesign("interpersonal_deficits", "4", "Interpersonal deficits", 0.14, (0.0, 0.0)),
)


@dataclass(frozen=True)
class TrialDesign:
    """A three-arm trial of interpersonal psychotherapy, with all that can be varied.

    Parameters
    ----------
    participants
        Number randomised.
    arms, sites, outcomes, areas
        See :class:`ArmDesign`, :class:`SiteDesign`, :class:`OutcomeDesign`, :class:`AreaDesign`.
    reference_arm
        The arm that the others are compared with.
    visits, weeks
        Names and planned weeks since randomisation; the first is baseline.
    endpoint
        Visit at the end of treatment; later visits are follow-up.
    visit_jitter_days
        Per visit, greatest number of days between planned and real assessment. Baseline is
        assessed 1 to that many days before randomisation.
    block_repeats
        Places per arm in a randomisation block (blocks are stratified by site).
    effects_correlation, residual_correlation
        Correlation of two outcomes' random effects (therapists' included), and of their
        deviations at one visit.
    therapist_icc
        Intraclass correlation of the outcomes within therapists at the endpoint, 0 to below 1
        (published: 0 to .08).
    stopping_slope
        Log hazard ratio of stopping treatment per SD of the last observed score.
    loss_after_stopping
        Share of the mean improvement after the day of stopping that is lost.
    leaving_at_stopping
        Probability that somebody who stops treatment leaves the study with it.
    leaving_after_stopping
        Probability, per interval between visits, that somebody who has stopped leaves later.
    leaving_before_follow_up
        Probability that somebody who has finished treatment leaves before the follow-up.
    leaving_slope
        Log hazard ratio of leaving the study per SD of the last observed score.
    missed_visit
        Probability that a participant who is in the study misses a visit after baseline.
    second_area
        Probability, for each area that is not the focus, that it is flagged too.
    sessions
        Greatest number of psychotherapy sessions, offered about weekly.
    attendance
        Probability of attending an offered session.
    recruitment
        First and last day of randomisation (ISO dates).
    age
        Mean, SD, least and greatest age in years; without effect on the scores, as the other
        characteristics.
    women, non_binary, recurrent
        Proportions.

    Raises
    ------
    ValueError
        With every inconsistency of the parameters.

    Examples
    --------
    >>> design = TrialDesign(participants=60)
    >>> [arm.name for arm in design.arms]
    ['IPT', 'IPT+MED', 'MED']
    """

    participants: int = 240
    arms: tuple[ArmDesign, ...] = DEFAULT_ARMS
    sites: tuple[SiteDesign, ...] = DEFAULT_SITES
    outcomes: tuple[OutcomeDesign, ...] = DEFAULT_OUTCOMES
    areas: tuple[AreaDesign, ...] = DEFAULT_AREAS
    reference_arm: str = "MED"
    visits: tuple[str, ...] = ("baseline", "week_4", "week_8", "week_12", "week_16", "week_40")
    weeks: tuple[float, ...] = (0, 4, 8, 12, 16, 40)
    endpoint: str = "week_16"
    visit_jitter_days: tuple[int, ...] = (14, 5, 5, 6, 7, 14)
    block_repeats: int = 2
    effects_correlation: float = 0.8
    residual_correlation: float = 0.35
    therapist_icc: float = 0.02
    stopping_slope: float = 0.35
    loss_after_stopping: float = 0.5
    leaving_at_stopping: float = 0.30
    leaving_after_stopping: float = 0.10
    leaving_before_follow_up: float = 0.07
    leaving_slope: float = 0.25
    missed_visit: float = 0.03
    second_area: float = 0.20
    sessions: int = 16
    attendance: float = 0.9
    recruitment: tuple[str, str] = ("2022-01-10", "2023-06-30")
    age: tuple[float, float, int, int] = (41.0, 12.0, 18, 75)
    women: float = 0.66
    non_binary: float = 0.02
    recurrent: float = 0.55

    def __post_init__(self) -> None:
        wrong = list(self._inconsistencies())
        if wrong:
            raise ValueError("not a possible trial:\n" + "\n".join(f"  - {w}" for w in wrong))

    @property
    def endpoint_index(self) -> int:
        """Position of the endpoint among the visits."""
        return self.visits.index(self.endpoint)

    @property
    def build_up(self) -> tuple[float, ...]:
        """Share of the course that has passed at each visit (the model's ``g``)."""
        end = self.weeks[self.endpoint_index]
        return tuple(min(week, end) / end for week in self.weeks)

    @property
    def follow_up(self) -> tuple[float, ...]:
        """1 at visits after the endpoint, 0 before (the model's ``f``)."""
        return tuple(float(k > self.endpoint_index) for k in range(len(self.visits)))

    def arm_index(self, name: str) -> int:
        """Position of an arm.

        Raises
        ------
        ValueError
            When the design has no such arm.
        """
        return [arm.name for arm in self.arms].index(name)

    def person_sd(self, outcome: int, visit: int) -> float:
        """SD of an outcome between participants at a visit, without therapists (points).

        It holds for arms with a slope ratio of 1.

        Examples
        --------
        >>> round(TrialDesign().person_sd(0, 0), 1), round(TrialDesign().person_sd(0, 4), 1)
        (4.8, 8.5)
        """
        scale = self.outcomes[outcome]
        return math.sqrt(
            scale.level_sd**2
            + (scale.slope_sd * self.build_up[visit]) ** 2
            + (scale.follow_up_sd * self.follow_up[visit]) ** 2
            + scale.residual_sd**2
        )

    def therapist_sd(self, outcome: int) -> float:
        """SD of the therapists' effects at the endpoint that gives the asked ICC (points)."""
        odds = self.therapist_icc / (1 - self.therapist_icc)
        return math.sqrt(odds) * self.person_sd(outcome, self.endpoint_index)

    def _inconsistencies(self) -> list[str]:
        names = [arm.name for arm in self.arms]
        wrong = []
        if self.participants < len(self.arms):
            wrong.append(f"participants: {self.participants}, fewer than there are arms")
        if not self.visits or len({len(self.visits), len(self.weeks)} | {
            len(self.visit_jitter_days)}) > 1:  # fmt: skip
            wrong.append("visits, weeks and visit_jitter_days: differ in length")
        elif list(self.weeks) != sorted(set(self.weeks)) or self.weeks[0] != 0:
            wrong.append("weeks: must start with 0 and increase")
        elif self.endpoint not in self.visits[1:]:
            wrong.append(f"endpoint: {self.endpoint} is not a visit after baseline")
        else:
            days = [round(7 * week) for week in self.weeks]
            jitter = (0, *self.visit_jitter_days[1:])
            gaps = [days[k] - jitter[k] - days[k - 1] - jitter[k - 1] for k in range(1, len(days))]
            if min(gaps) < 2 or self.visit_jitter_days[0] < 1:
                wrong.append("visit_jitter_days: visits could meet or fall before randomisation")
        if self.reference_arm not in names:
            wrong.append(f"reference_arm: {self.reference_arm} is not an arm")
        for arm in self.arms:
            if arm.crosses_to is not None and (
                arm.crosses_to not in names
                or self.arms[names.index(arm.crosses_to)].psychotherapy != arm.psychotherapy
            ):
                wrong.append(f"{arm.name}: crosses_to must be an arm with the same psychotherapy")
            if [len(course) for course in arm.courses] != [len(self.visits)] * len(self.outcomes):
                wrong.append(f"{arm.name}: courses need a mean per outcome and visit")
        if not math.isclose(sum(area.share for area in self.areas), 1.0):
            wrong.append("areas: shares do not add up to 1")
        wrong += [
            f"{area.name}: effects need one value per outcome"
            for area in self.areas
            if len(area.effects) != len(self.outcomes)
        ]
        proportions = {
            **{f"{arm.name}: stopping": arm.stopping for arm in self.arms},
            **{f"{arm.name}: crossing": arm.crossing for arm in self.arms},
            **{name: getattr(self, name) for name in _PROBABILITIES},
        }
        wrong += [f"{n}: {p}, not from 0 to below 1" for n, p in proportions.items()
                  if not 0 <= p < 1]  # fmt: skip
        if any(site.therapists < 1 or site.weight <= 0 for site in self.sites):
            wrong.append("sites: each needs a positive weight and a therapist")
        return wrong


_PROBABILITIES = ("therapist_icc", "leaving_at_stopping", "leaving_after_stopping",
                  "leaving_before_follow_up", "missed_visit", "second_area",
                  "effects_correlation", "residual_correlation")  # fmt: skip
