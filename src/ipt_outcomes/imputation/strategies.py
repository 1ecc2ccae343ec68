r"""What is assumed about scores after an intercurrent event: the strategies.

For a participant with event before visit s (s = 0, 1, …; T visits), with the means μ and the
covariance Σ of their own arm and μ°, Σ° of the reference arm, a strategy gives the mean m and
covariance C of all their scores as if none were missing; the missing ones then follow their
conditional distribution given the observed ones.

==========================================  =====================  ===============================
strategy                                    visits before s        visits from s on
==========================================  =====================  ===============================
MAR, missing at random                      μ_a                    μ_a
JR, jump to reference                       μ_a                    μ°_a
CR, copy reference                          μ°_a                   μ°_a
CIR, copy increments in reference           μ_a                    μ_{s−1} + μ°_a − μ°_{s−1}
LMCF, last mean carried forward             μ_a                    μ_{s−1}
==========================================  =====================  ===============================

With one covariance for all arms C = Σ. With one for each arm, C = Σ for MAR and LMCF, Σ° for CR,
and for JR and CIR the matrix that agrees with Σ before the event and has the reference arm's
regression of later on earlier visits: with 1 = before, 2 = from s on and K = Σ°₂₁ Σ°₁₁⁻¹,

    C₁₁ = Σ₁₁ ,   C₂₁ = K Σ₁₁ ,   C₂₂ = Σ°₂₂ − K (Σ°₁₁ − Σ₁₁) K' .

An event before the first visit leaves nothing of the own arm for JR, CR and CIR (participants
start equal through randomisation): the reference arm's distribution. LMCF has no last mean then
and is refused.

Sources: Carpenter, Roger & Kenward (2013) J Biopharm Stat 23:1352; White, Royston & Wood (2020)
for the covariances; Gower-Page, Noci & Wolbers (2022) JOSS 7:4251.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .errors import ImputationError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Distribution:
    """Means and covariance of the scores of some participants, for R draws.

    Attributes
    ----------
    mean
        Shape (R, participants, T), in units of the outcome.
    covariance
        Shape (R, T, T).
    """

    mean: Floats
    covariance: Floats


Strategy = Callable[[Distribution, Distribution, int], Distribution]
"""Own distribution, the reference arm's, first visit affected (0 = the first) → what is assumed."""


def missing_at_random(own: Distribution, reference: Distribution, start: int) -> Distribution:
    """Leave the own arm's distribution as it is.

    Examples
    --------
    >>> own = Distribution(np.zeros((1, 1, 2)), np.eye(2)[None])
    >>> missing_at_random(own, own, 1) is own
    True
    """
    del reference, start
    return own


def jump_to_reference(own: Distribution, reference: Distribution, start: int) -> Distribution:
    """Take the reference arm's means from the event on: what was gained is lost at once.

    Examples
    --------
    >>> own = Distribution(np.array([[[5.0, 9.0]]]), np.eye(2)[None])
    >>> other = Distribution(np.array([[[4.0, 6.0]]]), np.eye(2)[None])
    >>> jump_to_reference(own, other, 1).mean.tolist()
    [[[5.0, 6.0]]]
    """
    mean = own.mean.copy()
    mean[..., start:] = reference.mean[..., start:]
    return Distribution(mean, _joined(own.covariance, reference.covariance, start))


def copy_reference(own: Distribution, reference: Distribution, start: int) -> Distribution:
    """Take the reference arm's distribution throughout: the treatment never worked for them.

    Examples
    --------
    >>> own = Distribution(np.array([[[5.0, 9.0]]]), np.eye(2)[None])
    >>> other = Distribution(np.array([[[4.0, 6.0]]]), np.eye(2)[None])
    >>> copy_reference(own, other, 1).mean.tolist()
    [[[4.0, 6.0]]]
    """
    del own, start
    return reference


def copy_increments(own: Distribution, reference: Distribution, start: int) -> Distribution:
    """Keep what was gained by the last visit before the event, then move as the reference arm.

    Examples
    --------
    >>> own = Distribution(np.array([[[5.0, 9.0]]]), np.eye(2)[None])
    >>> other = Distribution(np.array([[[4.0, 6.0]]]), np.eye(2)[None])
    >>> copy_increments(own, other, 1).mean.tolist()
    [[[5.0, 7.0]]]
    """
    mean = own.mean.copy()
    if start == 0:
        mean[:] = reference.mean
    else:
        gained = own.mean[..., start - 1 : start] - reference.mean[..., start - 1 : start]
        mean[..., start:] = reference.mean[..., start:] + gained
    return Distribution(mean, _joined(own.covariance, reference.covariance, start))


def last_mean_carried_forward(
    own: Distribution, reference: Distribution, start: int
) -> Distribution:
    """Hold the own arm's mean of the last visit before the event.

    Raises
    ------
    ImputationError
        When the event lies before the first visit.

    Examples
    --------
    >>> own = Distribution(np.array([[[5.0, 9.0]]]), np.eye(2)[None])
    >>> last_mean_carried_forward(own, own, 1).mean.tolist()
    [[[5.0, 5.0]]]
    """
    del reference
    if start == 0:
        why = (
            "last mean carried forward (LMCF) is undefined for an event before the first visit: "
            "there is no last mean. Use JR, CR or CIR for these participants."
        )
        raise ImputationError(why, shareable=why)
    mean = own.mean.copy()
    mean[..., start:] = own.mean[..., start - 1 : start]
    return Distribution(mean, own.covariance)


def _joined(own: Floats, reference: Floats, start: int) -> Floats:
    """Join the own covariance before the event to the reference arm's regression after it."""
    if own is reference or start == 0:
        return reference
    if start >= own.shape[-1]:
        return own
    first, later = slice(None, start), slice(start, None)
    K = np.linalg.solve(reference[:, first, first], reference[:, first, later]).transpose(0, 2, 1)
    turned = K.transpose(0, 2, 1)
    out = np.empty_like(own)
    out[:, first, first] = own[:, first, first]
    out[:, later, first] = K @ own[:, first, first]
    out[:, first, later] = out[:, later, first].transpose(0, 2, 1)
    excess = reference[:, first, first] - own[:, first, first]
    out[:, later, later] = reference[:, later, later] - K @ excess @ turned
    return out


STRATEGIES: dict[str, Strategy] = {
    "MAR": missing_at_random,
    "JR": jump_to_reference,
    "CR": copy_reference,
    "CIR": copy_increments,
    "LMCF": last_mean_carried_forward,
}
"""The strategies by their usual abbreviations."""

WORDS = {
    "MAR": "missing at random",
    "JR": "jump to reference",
    "CR": "copy reference",
    "CIR": "copy increments in reference",
    "LMCF": "last mean carried forward",
}
"""The strategies in words."""

NEEDS_REFERENCE = frozenset({"JR", "CR", "CIR"})
"""Strategies that are undefined without a reference arm."""


def strategy_name(name: str, own: Mapping[str, Strategy] | None = None) -> str:
    """Return the abbreviation of a strategy that is given by abbreviation or in words.

    Parameters
    ----------
    name
        For instance ``"JR"``, ``"jr"``, ``"jump to reference"`` or ``"jump-to-reference"``.
    own
        The user's own strategies.

    Raises
    ------
    ImputationError
        When there is no such strategy.

    Examples
    --------
    >>> strategy_name("jump-to-reference"), strategy_name("mar")
    ('JR', 'MAR')
    """
    if own and name in own:
        return name
    plain = name.strip().lower().replace("-", " ").replace("_", " ")
    for short, words in WORDS.items():
        if plain in (short.lower(), words, words.removesuffix(" in reference")):
            return short
    known = [f"{short} ({words})" for short, words in WORDS.items()] + list(own or {})
    raise ImputationError(f"no strategy is called {name!r}; known are {', '.join(known)}.")
