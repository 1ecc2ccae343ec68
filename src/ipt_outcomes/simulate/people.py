"""The people of a simulated trial: everything random that does not depend on the arm.

Keeping these draws apart from the arm lets the same person be followed under each arm, which is
what a causal effect compares (:mod:`ipt_outcomes.simulate.truth`), and lets every part of a trial
have a random stream of its own: changing, say, how people leave never changes their scores.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.simulate.design import TrialDesign

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

STREAMS = (
    "randomisation",
    "effects",
    "therapists",
    "deviations",
    "stopping",
    "leaving",
    "missing",
    "calendar",
    "areas",
    "delivery",
    "characteristics",
)
"""The parts of a trial that have a random stream of their own."""


def streams(seed: int | np.random.SeedSequence) -> dict[str, np.random.Generator]:
    """Make one independent random generator per part of a trial.

    Parameters
    ----------
    seed
        The trial's seed.

    Returns
    -------
    dict of str to numpy.random.Generator
        One generator for each name of :data:`STREAMS`.

    Examples
    --------
    >>> a, b = streams(1), streams(1)
    >>> bool(a["stopping"].random() == b["stopping"].random())
    True
    """
    return dict(zip(STREAMS, np.random.default_rng(seed).spawn(len(STREAMS)), strict=True))


@dataclass(frozen=True)
class People:
    """Draws for n people, p outcomes and v visits; scales are in the comments' units.

    Parameters
    ----------
    site
        Site's position (n).
    deviation
        Sum of site, random intercept, follow-up change and the visit's own deviation, in points
        (n, v, p).
    slope
        Random change from baseline to the endpoint, in points (n, p).
    stop_threshold
        Unit exponential: treatment is stopped when the cumulative hazard reaches it (n).
    leave
        Uniform numbers that decide on leaving, one per interval and one for the day of stopping,
        and where in the interval they leave (n, v, 3).
    day
        Day of each visit since randomisation (n, v).
    unobserved
        Scores that would be missing even of someone in the study (n, v, p).
    missed
        Visits that would be missed altogether (n, v).
    crosses
        Uniform number that decides whether the randomised arm is received (n).
    area, flags
        Focus (n) and flags (n, areas) of problem areas that a therapist would find.
    """

    site: Integers
    deviation: Floats
    slope: Floats
    stop_threshold: Floats
    leave: Floats
    day: Integers
    unobserved: Flags
    missed: Flags
    crosses: Floats
    area: Integers
    flags: Flags


def draw_people(
    design: TrialDesign, site: Integers, stream: dict[str, np.random.Generator]
) -> People:
    """Draw people at given sites.

    Parameters
    ----------
    design
        The trial.
    site
        Position of each person's site.
    stream
        Generators of :func:`streams`; each is advanced.
    """
    n, visits, outcomes = len(site), len(design.visits), len(design.outcomes)
    deviation, slope = _scores_apart_from_treatment(design, site, stream)
    focus = stream["areas"].random(n)
    shares = np.cumsum([area.share for area in design.areas])
    area = np.minimum(np.searchsorted(shares, focus, side="right"), len(design.areas) - 1)
    flags = stream["areas"].random((n, len(design.areas))) < design.second_area
    flags[np.arange(n), area] = True
    missed = stream["missing"].random((n, visits)) < design.missed_visit
    missed[:, 0] = False
    return People(
        site=site,
        deviation=deviation,
        slope=slope,
        stop_threshold=stream["stopping"].standard_exponential(n),
        leave=stream["leaving"].random((n, visits, 3)),
        day=_visit_days(design, n, stream["calendar"]),
        unobserved=missed[:, :, None]
        | (stream["missing"].random((n, visits, outcomes)) < _score_missing(design)),
        missed=missed,
        crosses=stream["delivery"].random(n),
        area=area,
        flags=flags,
    )


def draw_therapists(design: TrialDesign, therapists: int, stream: np.random.Generator) -> Floats:
    """Draw therapists' effects at the endpoint, in points (therapists, outcomes)."""
    z = _correlated(stream.standard_normal((therapists, len(design.outcomes))),
                    design.effects_correlation)  # fmt: skip
    z *= np.array([design.therapist_sd(p) for p in range(len(design.outcomes))])
    return z


def _scores_apart_from_treatment(
    design: TrialDesign, site: Integers, stream: dict[str, np.random.Generator]
) -> tuple[Floats, Floats]:
    n, outcomes = len(site), len(design.outcomes)
    z = _correlated(stream["effects"].standard_normal((3, n, outcomes)), design.effects_correlation)
    e = _correlated(stream["deviations"].standard_normal((n, len(design.visits), outcomes)),
                    design.residual_correlation)  # fmt: skip
    shift = np.array([s.shift for s in design.sites])[site]
    total = np.empty_like(e)
    for p, scale in enumerate(design.outcomes):
        level = scale.level_sd * z[0, :, p] + scale.baseline_sd * shift
        for k, f in enumerate(design.follow_up):
            total[:, k, p] = (
                level + scale.follow_up_sd * f * z[2, :, p] + scale.residual_sd * e[:, k, p]
            )
    return total, z[1] * np.array([scale.slope_sd for scale in design.outcomes])


def _correlated(z: Floats, correlation: float) -> Floats:
    # Every outcome correlates with the first; the first keeps its draws.
    z[..., 1:] *= np.sqrt(1 - correlation**2)
    z[..., 1:] += correlation * z[..., :1]
    return z


def _visit_days(design: TrialDesign, n: int, stream: np.random.Generator) -> Integers:
    jitter = np.array(design.visit_jitter_days)
    # The mean of two uniform numbers: most visits lie near the planned day.
    draws = stream.random((2, n, len(jitter))).mean(axis=0)
    days: Floats = np.rint(7 * np.array(design.weeks)) + np.rint((2 * draws - 1) * jitter)
    days[:, 0] = -1 - np.floor(draws[:, 0] * jitter[0])
    return days.astype(np.int64)


def _score_missing(design: TrialDesign) -> Floats:
    probability = np.empty((len(design.visits), len(design.outcomes)))
    for p, scale in enumerate(design.outcomes):
        probability[:, p] = scale.missing
        probability[0, p] = scale.missing_at_baseline
    return probability
