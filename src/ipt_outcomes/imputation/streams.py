"""Random streams that depend on what they are for, never on the order of the work.

A stream is found by the study's seed and the names of what it serves (trial, outcome, analysis,
...): the words are hashed (SHA-256) into the entropy of NumPy's ``SeedSequence``, so that the same
numbers come whatever was drawn before and on however many cores.
"""

from __future__ import annotations

import hashlib

import numpy as np


def stream(seed: int, *names: str) -> np.random.Generator:
    """Return the stream of random numbers that belongs to a purpose.

    Parameters
    ----------
    seed
        The study's seed, any whole number from zero.
    names
        What the stream is for.

    Raises
    ------
    ValueError
        For a negative seed.

    Examples
    --------
    >>> one = stream(7, "trial", "hamd17", "draws").normal()
    >>> stream(7, "trial", "bdi2", "draws").normal() == one
    False
    >>> stream(7, "trial", "hamd17", "draws").normal() == one
    True
    """
    if seed < 0:
        raise ValueError(f"the seed must be a whole number from zero, found {seed}")
    digest = hashlib.sha256("\x1f".join(names).encode()).digest()
    words = [int.from_bytes(digest[at : at + 4], "big") for at in range(0, 32, 4)]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))
