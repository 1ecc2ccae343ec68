"""The key of the participants' pseudonyms: from the environment, and never in a file."""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Mapping

KEY_VARIABLE = "IPT_PSEUDONYM_KEY"
"""Environment variable that holds the key."""
SHORTEST_KEY = 16


class PseudonymError(ValueError):
    """A key that protects nothing."""


def pseudonym_key(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the key from the environment; None when there is none.

    Raises
    ------
    PseudonymError
        When it is too short to protect anything.

    Examples
    --------
    >>> pseudonym_key({}) is None
    True
    """
    key = environment.get(KEY_VARIABLE) or None
    if key is not None and len(key) < SHORTEST_KEY:
        raise PseudonymError(
            f"{KEY_VARIABLE} has {len(key)} characters, expected {SHORTEST_KEY} or more: a short "
            "key can be found by trying. Make one with `openssl rand -hex 32`, and keep it outside "
            "of the study's folder."
        )
    return key


def keyed_digest(key: str, text: str, digits: int = 16) -> str:
    """Return the first hexadecimal digits of HMAC-SHA256(key, text).

    Examples
    --------
    >>> keyed_digest("a key of thirty-two characters..", "MRN 17") != keyed_digest(
    ...     "another key of the same length..", "MRN 17")
    True
    """
    return hmac.new(key.encode("utf-8"), text.encode("utf-8"), hashlib.sha256).hexdigest()[:digits]


def key_mark(key: str | None) -> str:
    """Return a mark that changes with the key, by which a workflow knows what to make again."""
    return "numbered" if key is None else keyed_digest(key, "mark of the key", 8)
