r"""The sample size for a target power.

Power as a function of the total n follows :math:`\Phi^{-1}(\mathrm{power}) \approx a + b\sqrt n`
(exactly so for a normal test: :math:`a = -z_{1-\alpha/2}`, :math:`b` the standardised effect).
Sizes around a first guess are simulated, the line is fitted by weighted least squares, solved for
the target, and the size found is simulated with the full number of trials as confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ipt_outcomes.planning.characteristics import Proportion, proportion
from ipt_outcomes.planning.closed_form import complete_data_power
from ipt_outcomes.planning.design import PlannedTrial
from ipt_outcomes.planning.simulation import Runner, simulate_trials

SHARE = 0.25
"""Share of the design's trials that each size of the search gets."""


@dataclass(frozen=True)
class SampleSize:
    """A sample size with what stands behind it.

    Parameters
    ----------
    target
        Power asked for.
    total
        Participants in all arms, allocation as in the design.
    per_arm
        Arm: participants.
    confirmed
        Power simulated at that size with all trials of the design.
    curve
        Sizes tried: total, power, lower, upper, trials.
    """

    target: float
    total: int
    per_arm: dict[str, int]
    confirmed: Proportion
    curve: pd.DataFrame


class NoSampleSize(ValueError):  # noqa: N818 - a finding about the design
    """No sample size gives the target power."""


def find_sample_size(design: PlannedTrial, target: float, *, run: Runner = map) -> SampleSize:
    """Find the total number of participants that gives a target power.

    Parameters
    ----------
    design
        The trial to come; its allocation ratio is kept.
    target
        Power asked for.
    run
        As for :func:`.simulation.simulate_trials`.

    Raises
    ------
    NoSampleSize
        When there is no true difference, or more than 100,000 participants would be needed.
    """
    if design.true_difference == 0:
        raise NoSampleSize("the true difference at the endpoint is 0: no sample size finds it.")
    guess = _guess(design, target)
    fewer = design.model_copy(update={"trials": max(500, int(design.trials * SHARE))})
    lines: list[dict[str, float]] = []
    for place, factor in enumerate((0.6, 0.8, 1.0, 1.25, 1.55)):
        lines.append(_try(fewer, round(guess * factor), place + 1, run))
    total = _solve(pd.DataFrame(lines), target)
    if not 0.4 * guess < total < 2.2 * guess:
        # The first guess was far off: once more around what the line says.
        lines += [
            _try(fewer, round(total * factor), place + 11, run)
            for place, factor in enumerate((0.8, 1.0, 1.25))
        ]
        total = _solve(pd.DataFrame(lines).tail(3), target)
    if total > 100_000:
        raise NoSampleSize(f"{target:.0%} power would need more than 100,000 participants.")
    found = design.with_total(total)
    last = _try(found, found.total, 99, run)
    lines.append(last)
    confirmed = Proportion(last["power"], last["lower"], last["upper"])
    curve = pd.DataFrame(lines).sort_values("total", ignore_index=True)
    per_arm = {name: arm.participants for name, arm in found.arms.items()}
    return SampleSize(target, found.total, per_arm, confirmed, curve)


def _guess(design: PlannedTrial, target: float) -> float:
    """Scale the closed form to the target, dropouts counted as lost."""
    theory = complete_data_power(design)
    z = stats.norm.ppf(0.5 + design.level / 2) + stats.norm.ppf(target)
    kept = [1 - design.arms[arm].dropout for arm in design.compare]
    needed = design.total * (z * theory.se / abs(design.true_difference)) ** 2 / min(kept) ** 0.5
    return float(max(needed, 8 * len(design.arms)))


def _try(design: PlannedTrial, total: int, stream: int, run: Runner) -> dict[str, float]:
    sized = design.with_total(total)
    results = simulate_trials(sized, run=run, seed_of_size=stream)
    done = results[results["p"].notna()]
    found = proportion(int((done["p"] < 1 - design.level).sum()), len(done))
    return {
        "total": sized.total,
        "power": found.value,
        "lower": found.lower,
        "upper": found.upper,
        "trials": len(done),
    }


def _solve(curve: pd.DataFrame, target: float) -> int:
    """Fit probit(power) against √n and solve for the target."""
    power = curve["power"].to_numpy().clip(0.5 / curve["trials"], 1 - 0.5 / curve["trials"])
    y, x = stats.norm.ppf(power), np.sqrt(curve["total"].to_numpy(float))
    # Variance of a probit: p(1-p)/(trials φ²).
    weight = curve["trials"] * stats.norm.pdf(y) ** 2 / (power * (1 - power))
    root = np.sqrt(weight.to_numpy(float))
    design = np.column_stack([np.ones_like(x), x]) * root[:, None]
    a, b = np.linalg.lstsq(design, y * root, rcond=None)[0]
    if b <= 0:
        return 100_001
    return int(min(np.ceil(((stats.norm.ppf(target) - a) / b) ** 2), 100_001))
