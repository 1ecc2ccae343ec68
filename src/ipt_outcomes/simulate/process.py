r"""Weekly sessions and diaries with known truth.

Sessions: :math:`x_{it} = a_i + s_i t + w_{it}` with autoregressive w, and

.. math::

    y_{i,t} = c_i + d_i t + \beta\, w_{i,t-1} + e_{it},

where :math:`c_i` hangs together with :math:`a_i` and :math:`d_i` with :math:`s_i`, as persons with
a better alliance differ in much else: only deviations from the person's own course carry
:math:`\beta`.

Diary: an event happens to person i on a day with probability :math:`p_i`; mood is

.. math:: m_i + r_i (\text{event}_{it} - p_i) + u_{it}, \quad r_i \sim N(\beta, \tau^2),

with autoregressive u.

Panel: two series of the same persons at few occasions, as in
:mod:`ipt_outcomes.mixed.cross_lagged`: levels (and trends) that differ between persons, and
deviations :math:`w_{it} = A w_{i,t-1} + e_{it}`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SessionsDesign:
    """A study with a rating and a symptom score at every session.

    Parameters
    ----------
    participants, sessions
        How many.
    effect
        Points of the next session's symptom score per unit of the process variable within a
        person.
    missed
        Probability that a session is missed.
    feedback
        Units of the process variable per point of the same session's symptom deviation; 0 keeps
        the predictor strictly exogenous.
    gains
        Share of participants with a sudden gain of ``gain`` points at a random session.
    gain
        Its size.
    """

    participants: int = 60
    sessions: int = 12
    effect: float = -0.4
    missed: float = 0.08
    feedback: float = 0.0
    gains: float = 0.0
    gain: float = 12.0


def simulate_sessions(design: SessionsDesign, seed: int) -> pd.DataFrame:
    """Draw one study.

    Returns
    -------
    pandas.DataFrame
        participant, arm, session, alliance, symptoms, gain_before (session after which a sudden
        gain was planted, else missing).

    Examples
    --------
    >>> simulate_sessions(SessionsDesign(participants=2, sessions=3, missed=0.0), 1).shape
    (6, 6)
    """
    random = np.random.default_rng(seed)
    n, sessions = design.participants, design.sessions
    level, trend = random.normal(0, 6, n), random.normal(0.4, 0.5, n)
    own = random.normal(24, 5, n) - 0.5 * level
    course = random.normal(-0.8, 0.4, n) - 0.4 * (trend - 0.4)
    w, e = np.zeros((n, sessions)), random.normal(0, 2.5, (n, sessions))
    symptoms = np.zeros((n, sessions))
    shock = random.normal(0, 4, (n, sessions))
    for t in range(sessions):
        before = w[:, t - 1] if t else random.normal(0, 4.2, n)
        symptoms[:, t] = own + course * t + design.effect * before + e[:, t]
        w[:, t] = 0.3 * before + shock[:, t] + design.feedback * e[:, t]
    gained = random.random(n) < design.gains
    after = random.integers(3, max(sessions - 3, 4), n)
    drop = gained[:, None] & (np.arange(1, sessions + 1)[None, :] > after[:, None])
    symptoms = symptoms - design.gain * drop
    alliance = 55 + level[:, None] + trend[:, None] * np.arange(sessions) + w
    kept = random.random((n, sessions)) >= design.missed
    who, when = np.nonzero(kept)
    return pd.DataFrame(
        {
            "participant": [f"P{i + 1:03d}" for i in who],
            "arm": "IPT",
            "session": when + 1,
            "alliance": alliance[who, when],
            "symptoms": symptoms[who, when],
            "gain_before": np.where(gained, after, np.nan)[who],
        }
    )


@dataclass(frozen=True)
class DiaryDesign:
    """A diary study.

    Parameters
    ----------
    participants, days
        How many.
    effect, effect_sd
        Mean and SD of the persons' own reactions to an event (points of mood).
    missed
        Probability that a day is missed.
    next_day, next_day_sd
        What is left of an event on the day after it (points of mood): mean and SD of the persons.
    """

    participants: int = 50
    days: int = 28
    effect: float = -1.5
    effect_sd: float = 0.6
    missed: float = 0.15
    next_day: float = 0.0
    next_day_sd: float = 0.0


def simulate_diary(design: DiaryDesign, seed: int) -> pd.DataFrame:
    """Draw one diary study.

    Returns
    -------
    pandas.DataFrame
        participant, arm, day, event (0 or 1), mood.

    Examples
    --------
    >>> simulate_diary(DiaryDesign(participants=2, days=3, missed=0.0), 1).shape
    (6, 5)
    """
    random = np.random.default_rng(seed)
    n, days = design.participants, design.days
    often = random.beta(3, 5, n)
    event = (random.random((n, days)) < often[:, None]).astype(float)
    reaction = random.normal(design.effect, design.effect_sd, n)
    usual = random.normal(6, 1.2, n) - 2 * (often - 0.375)
    noise = _autoregressive(0.35, 1.2, n, days, random)
    unusual = event - often[:, None]
    before = np.column_stack([np.zeros(n), unusual[:, :-1]])
    kept = random.random((n, days)) >= design.missed
    left = random.normal(design.next_day, design.next_day_sd, n)
    mood = usual[:, None] + reaction[:, None] * unusual + left[:, None] * before + noise
    who, when = np.nonzero(kept)
    return pd.DataFrame(
        {
            "participant": [f"P{i + 1:03d}" for i in who],
            "arm": np.where(who % 2 == 0, "IPT", "MED"),
            "day": when + 1,
            "event": event[who, when],
            "mood": mood[who, when],
        }
    )


@dataclass(frozen=True)
class PanelDesign:
    """A trial with two series, say social functioning and symptoms, at few occasions.

    Parameters
    ----------
    participants, occasions
        How many; half of them in either arm.
    lags
        A of (functioning, symptoms) on the occasion before, row by row; by default functioning
        goes before symptoms and nothing goes back.
    level_sd, level_correlation
        Of the stable levels.
    trend_sd
        SD of the persons' own change from the first to the last occasion, either series.
    innovation_sd, innovation_correlation
        Of what is new at an occasion.
    missed, lost
        Probability that a value is missed, and that a person with symptoms one innovation SD above
        the mean is lost after an occasion (missing at random).
    """

    participants: int = 160
    occasions: int = 4
    lags: tuple[tuple[float, float], tuple[float, float]] = ((0.3, 0.0), (-0.2, 0.3))
    level_sd: tuple[float, float] = (4.0, 5.0)
    level_correlation: float = -0.3
    trend_sd: float = 0.0
    innovation_sd: tuple[float, float] = (3.5, 4.0)
    innovation_correlation: float = -0.2
    missed: float = 0.05
    lost: float = 0.06


def simulate_panel(design: PanelDesign, seed: int) -> pd.DataFrame:
    """Draw one trial.

    Returns
    -------
    pandas.DataFrame
        participant, arm, occasion, functioning, symptoms; what was missed is empty.

    Examples
    --------
    >>> simulate_panel(PanelDesign(participants=2, occasions=3, missed=0.0, lost=0.0), 1).shape
    (6, 5)
    """
    random = np.random.default_rng(seed)
    n, T = design.participants, design.occasions
    level = random.standard_normal((n, 2)) @ _root(design.level_sd, design.level_correlation)
    trend = design.trend_sd * random.standard_normal((n, 2))
    root = _root(design.innovation_sd, design.innovation_correlation)
    lags = np.array(design.lags)
    moving = random.standard_normal((n, 2)) @ root * 1.1
    treated = np.arange(n) % 2 == 0
    values = np.empty((n, T, 2))
    present = np.ones(n, bool)
    for t in range(T):
        if t:
            moving = moving @ lags.T + random.standard_normal((n, 2)) @ root
        mean = np.column_stack([50 + t * (1 + treated), 24 - t * (1.5 + treated)])
        values[:, t] = mean + level + trend * (t / (T - 1) - 0.5) + moving
        values[~present, t] = np.nan
        # What was missed cannot decide who is lost: that would not be missing at random.
        values[:, t][random.random((n, 2)) < design.missed] = np.nan
        worse = (values[:, t, 1] - mean[:, 1]) / design.innovation_sd[1]
        present &= ~(random.random(n) < design.lost * np.exp(np.nan_to_num(worse) - 1))
    return pd.DataFrame(
        {
            "participant": np.repeat([f"P{i + 1:03d}" for i in range(n)], T),
            "arm": np.repeat(np.where(treated, "IPT", "MED"), T),
            "occasion": np.tile(np.arange(1, T + 1), n),
            "functioning": values[:, :, 0].ravel(),
            "symptoms": values[:, :, 1].ravel(),
        }
    )


def _root(sd: tuple[float, float], correlation: float) -> Floats:
    """Return the factor that gives standard normal pairs these SDs and this correlation."""
    product = correlation * sd[0] * sd[1]
    return np.asarray(np.linalg.cholesky([[sd[0] ** 2, product], [product, sd[1] ** 2]]).T)


def _autoregressive(
    correlation: float, sd: float, n: int, times: int, random: np.random.Generator
) -> Floats:
    out = np.empty((n, times))
    out[:, 0] = random.normal(0, sd, n)
    for t in range(1, times):
        fresh = random.normal(0, sd * np.sqrt(1 - correlation**2), n)
        out[:, t] = correlation * out[:, t - 1] + fresh
    return out
