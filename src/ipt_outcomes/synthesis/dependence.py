r"""How the rows of one trial hang together: shared arms, and several outcomes of the same people.

Two rows i, j of one trial have the sampling covariance V_ij = r_ij c_ij, where c_ij comes from the
arms that they share and r_ij from the outcomes. With a_i and b_i the parts of row i's variance that
its arm and its reference bring,

    the same arm and the same reference    c = √(v_i v_j)
    the same reference only                c = √(b_i b_j)
    the same arm only                      c = √(a_i a_j)
    the arm of one is the reference of the other    c = -√(a_i b_j)
    no arm in common                       c = 0.

r_ij is 1 for the same outcome at the same time in different arms, else the assumed correlation ρ.
For mean and risk differences and log ratios c is exact where both rows report the same numbers of
the shared arm. Hedges' g has an estimated standard deviation too: with one arm of n in common, and
SDs pooled over the N_i and N_j participants of each comparison, the delta method adds
g_i g_j n / (2 N_i N_j). (Gleser & Olkin pool the SD over all arms and add g_i g_j / (2 N).)

Sources: Gleser & Olkin (2009), in Cooper, Hedges & Valentine, Handbook of Research Synthesis, ch.
19; Pustejovsky & Tipton (2022), Prevention Science 23:425 for ρ as a working assumption.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ipt_outcomes.synthesis.effects import Effects, check_covariance
from ipt_outcomes.synthesis.errors import SynthesisError

SIDES = ("arm", "reference")
Row = Mapping[Any, Any]
"""A row of the effects."""


def with_dependence(effects: Effects, correlation: float) -> Effects:
    """Fill in the sampling covariance of rows of the same trial.

    Parameters
    ----------
    effects
        Effects; only their variances and descriptions are used.
    correlation
        Assumed correlation ρ between two outcomes of the same participants, 0 <= ρ < 1.

    Returns
    -------
    Effects
        With the block-diagonal covariance; ρ stands in the notes where it was needed.

    Raises
    ------
    SynthesisError
        For a correlation outside [0, 1), or a covariance that is not positive definite.

    Examples
    --------
    Two treatments against one control of 40 share half of their variance:

    >>> from ipt_outcomes.synthesis.effects import make_effects
    >>> trial = make_effects("md", {"trial": ["A", "A"], "outcome": ["HAM-D", "HAM-D"],
    ...     "arm": ["IPT", "CBT"], "reference": ["waitlist", "waitlist"],
    ...     "estimate": [-3.0, -2.5], "se": [1.5, 1.5], "n_arm": [40, 40],
    ...     "n_reference": [40, 40]})
    >>> with_dependence(trial, 0.6).covariance
    array([[2.25 , 1.125],
           [1.125, 2.25 ]])
    """
    if not 0 <= correlation < 1:
        raise SynthesisError(
            f"the correlation between outcomes is {correlation:g}; it must be from 0 to below 1."
        )
    V = np.diag(effects.variance)
    rows = effects.rows.to_dict("records")
    assumed = False
    for number in range(len(effects.trials)):
        at = np.flatnonzero(effects.trial_codes == number)
        for place, i in enumerate(at):
            for j in at[:place]:
                shared, same_people = _shared(effects, rows[i], rows[j])
                other = same_people or not _same_outcome(rows[i], rows[j])
                V[i, j] = V[j, i] = shared * (correlation if other else 1.0)
                assumed = assumed or (other and shared != 0)
    note = f"correlation {correlation:g} assumed between outcomes of the same participants"
    notes = (*effects.notes, note) if assumed else effects.notes
    result = replace(effects, covariance=V, notes=notes)
    check_covariance(result)
    return result


def _shared(effects: Effects, one: Row, other: Row) -> tuple[float, bool]:
    """Return the covariance that shared arms bring, and whether both arms are shared."""
    if all(_equal(one[side], other[side]) for side in SIDES):
        return float(one["se"] * other["se"]), True
    for mine in SIDES:
        for yours in SIDES:
            if _known_equal(one[mine], other[yours]):
                sign = 1.0 if mine == yours else -1.0
                c = sign * float(np.sqrt(one[f"part_{mine}"] * other[f"part_{yours}"]))
                if effects.measure == "g":
                    c += _shared_sd(one, other, float(one[f"n_{mine}"]))
                return c, False
    return 0.0, False


def _shared_sd(one: Row, other: Row, n: float) -> float:
    """Return what an SD that is pooled with the shared arm of n adds to the covariance of two g."""
    for row in (one, other):
        # Effects that were not made from means and SDs have no such term in their variance.
        if not row["se"] ** 2 > (row["part_arm"] + row["part_reference"]) * (1 + 1e-12):
            return 0.0
    sizes = [row["n_arm"] + row["n_reference"] for row in (one, other)]
    return float(one["estimate"] * other["estimate"] * n / (2 * sizes[0] * sizes[1]))


def _equal(one: object, other: object) -> bool:
    # Arms that nobody names are the same two arms throughout the trial.
    return _known_equal(one, other) or not (isinstance(one, str) or isinstance(other, str))


def _known_equal(one: object, other: object) -> bool:
    return isinstance(one, str) and isinstance(other, str) and one == other


def _same_outcome(one: Row, other: Row) -> bool:
    return _equal(one["outcome"], other["outcome"]) and _equal(one["visit"], other["visit"])
