"""Operating characteristics of a design from its simulated trials, with Monte Carlo errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ipt_outcomes.planning.design import PlannedTrial


@dataclass(frozen=True)
class Proportion:
    """A simulated proportion with its Wilson interval (95 %)."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Characteristics:
    """What the simulated trials of a design found.

    Parameters
    ----------
    trials, failed
        Simulated trials, and those of which no model converged (left out of the rest).
    power
        Trials whose test rejects.
    wrong_direction
        Trials whose test rejects in favour of the arm that is truly worse.
    type_one_error
        Trials of the same design without a difference whose test rejects; None when those were
        not simulated.
    truth, mean, bias, bias_error
        True difference, mean estimate, its bias and the bias's Monte Carlo standard error.
    sd, se
        SD of the estimates and mean standard error: equal when the errors are honest.
    coverage
        Trials whose interval holds the truth.
    width
        Mean width of the interval.
    df
        Mean degrees of freedom.
    seen
        Mean number of participants with a score at the endpoint, arm of interest and other.
    """

    trials: int
    failed: int
    power: Proportion
    wrong_direction: Proportion
    type_one_error: Proportion | None
    truth: float
    mean: float
    bias: float
    bias_error: float
    sd: float
    se: float
    coverage: Proportion
    width: float
    df: float
    seen: tuple[float, float]


def proportion(count: int, total: int) -> Proportion:
    """Return a proportion with its Wilson interval.

    Examples
    --------
    >>> proportion(50, 100)  # doctest: +ELLIPSIS
    Proportion(value=0.5, lower=0.403..., upper=0.596...)
    """
    if not total:
        return Proportion(float("nan"), 0.0, 1.0)
    value, z = count / total, stats.norm.ppf(0.975)
    centre = (value + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(value * (1 - value) / total + z**2 / (4 * total**2))
    return Proportion(value, float(centre - half), float(centre + half))


def characteristics_of(
    design: PlannedTrial, effect: pd.DataFrame, none: pd.DataFrame | None = None
) -> Characteristics:
    """Summarise simulated trials.

    Parameters
    ----------
    design
        What they were drawn from.
    effect
        Results of :func:`.simulation.simulate_trials` with the design's difference.
    none
        The same without a difference, for the type I error.
    """
    done = effect[effect["estimate"].notna()]
    truth = design.true_difference
    rejected = done["p"] < 1 - design.level
    against = rejected & (np.sign(done["estimate"]) != np.sign(truth))
    held = (done["lower"] <= truth) & (truth <= done["upper"])
    sd = float(done["estimate"].std())
    type_one = None
    if none is not None:
        null = none[none["estimate"].notna()]
        type_one = proportion(int((null["p"] < 1 - design.level).sum()), len(null))
    return Characteristics(
        trials=len(effect),
        failed=len(effect) - len(done),
        power=proportion(int(rejected.sum()), len(done)),
        wrong_direction=proportion(int(against.sum()), len(done)),
        type_one_error=type_one,
        truth=truth,
        mean=float(done["estimate"].mean()),
        bias=float(done["estimate"].mean()) - truth,
        bias_error=sd / np.sqrt(max(len(done), 1)),
        sd=sd,
        se=float(done["se"].mean()),
        coverage=proportion(int(held.sum()), len(done)),
        width=float((done["upper"] - done["lower"]).mean()),
        df=float(done["df"].mean()),
        seen=(float(effect["n_arm"].mean()), float(effect["n_reference"].mean())),
    )
