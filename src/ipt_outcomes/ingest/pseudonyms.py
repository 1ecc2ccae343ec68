"""Study numbers never leave the export: participants get pseudonyms, in an order of their data.

With a key k the pseudonym of participant s of trial t is the first 16 hexadecimal digits of
HMAC-SHA256(k, t ‖ 0 ‖ s): the same person has the same pseudonym in every export, and nobody
without the key can try out study numbers. The key comes from the environment
(:mod:`ipt_outcomes.study.pseudonym_key`) and is never written. Without a key participants are
numbered.

Participants stand in the order of what is known of them (arm, site, characteristics, ... and last
their scores), never of their study numbers or rows: whoever has the same data has the same place,
so that no draw of random numbers and no rounding of a sum depends on a name. While arms are masked,
nothing that tells them takes part in the order.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import pandas as pd

from ipt_outcomes.study.pseudonym_key import KEY_VARIABLE, PseudonymError, keyed_digest


def order_by_content(
    scores: pd.DataFrame, participants: pd.DataFrame, unseen: Collection[str] = ()
) -> np.ndarray:
    """Return the places of the participants, ordered by their data and never by their names.

    Parameters
    ----------
    scores, participants
        The canonical frames; ``scores`` is a full grid in the order of ``participants``.
    unseen
        Columns of ``participants`` that the order may not tell.

    Returns
    -------
    numpy.ndarray
        Permutation of the places in ``participants``.
    """
    n = len(participants)
    keys: list[np.ndarray] = []
    people = participants.drop(
        columns=list({"trial", "participant", "source_row", "therapist", *unseen})
    )
    keys += [_sortable(people[name]) for name in people]
    grid = scores["score"].to_numpy(np.float64).reshape(n, -1) if n else np.empty((0, 0))
    day = scores["day"].astype("float64").to_numpy().reshape(n, -1) if n else np.empty((0, 0))
    keys += [np.nan_to_num(block[:, place], nan=-np.inf) for block in (grid, day)
             for place in range(block.shape[1])]  # fmt: skip
    if "therapist" not in unseen:
        keys.append(_sortable(participants["therapist"]))  # a name too: it decides last
    return np.lexsort(keys[::-1])  # numpy sorts by the last key first


def _sortable(column: pd.Series) -> np.ndarray:
    if pd.api.types.is_numeric_dtype(column.dtype) or pd.api.types.is_bool_dtype(column.dtype):
        return column.astype("Float64").to_numpy(dtype=np.float64, na_value=-np.inf)
    # Places among the sorted distinct texts: an empty cell is -1 and comes first.
    return pd.factorize(column, sort=True)[0]


def pseudonyms(trial: str, names: pd.Series, key: str | None) -> list[str]:
    """Return one pseudonym per participant.

    Parameters
    ----------
    trial
        Short name of the trial: one person in two trials has two pseudonyms.
    names
        Study numbers, in the order in which participants are to be numbered.
    key
        The key; None to number them.

    Raises
    ------
    PseudonymError
        When two study numbers have the same pseudonym, which no key should bring about.

    Examples
    --------
    >>> pseudonyms("a", pd.Series(["MRN 17", "MRN 4"]), None)
    ['P0001', 'P0002']
    >>> pseudonyms("a", pd.Series(["MRN 17"]), "a key of thirty-two characters..")
    ['Hed742ae007ebb2b3']
    """
    if key is None:
        width = max(4, len(str(len(names))))
        return [f"P{place:0{width}d}" for place in range(1, len(names) + 1)]
    made = ["H" + keyed_digest(key, f"{trial}\0{name}") for name in names]
    if len(set(made)) < len(made):
        raise PseudonymError(
            f"two participants have the same pseudonym: use another {KEY_VARIABLE}"
        )
    return made


def numbered(names: pd.Series, letter: str) -> pd.Series:
    """Return names replaced by numbers, in the order in which they first stand.

    Examples
    --------
    >>> numbered(pd.Series(["Dr B", None, "Dr A", "Dr B"], dtype="str"), "T").tolist()
    ['T1', nan, 'T2', 'T1']
    """
    codes, unique = pd.factorize(names)
    width = len(str(len(unique)))
    table = pd.array([*(f"{letter}{n:0{width}d}" for n in range(1, len(unique) + 1)), None], "str")
    return pd.Series(table.take(codes), index=names.index)
