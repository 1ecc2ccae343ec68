"""Clusters of participants in the data: therapists, groups or sites, everywhere or in some arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .errors import DesignError
from .factors import Codes, learn_levels, level_label
from .layout import Layout
from .source import Source
from .specification import Specification

NONE = "\0none"


@dataclass
class ClusterCodes:
    """Clusters of participants.

    Attributes
    ----------
    member
        Cluster of each participant, −1 outside any cluster.
    labels
        Names of the clusters; with ``cluster_by`` a therapist who works in two arms is two clusters
        with independent effects.
    group
        Variance group of each cluster.
    groups
        Names of the variance groups.
    notes
        What the reader must know.
    """

    member: Codes
    labels: list[str]
    group: Codes
    groups: list[str]
    notes: list[str]


def participant_codes(
    frame: Source, layout: Layout, name: str, role: str
) -> tuple[list[Any], Codes]:
    """Return levels and each participant's code of a column that is constant within participants.

    Raises
    ------
    DesignError
        When a participant has two values.
    """
    levels, codes, _ = learn_levels(frame[name], layout.keep)
    own = codes[layout.keep]
    first = layout.first(own)
    moving = np.flatnonzero(first[layout.participant] != own)
    if len(moving):
        who = list(dict.fromkeys(layout.participants[layout.participant[moving]]))
        raise DesignError(
            f"{role} column {name!r} changes within {len(who)} participants "
            f"({', '.join(map(str, who[:5]))}); each participant must have one value."
        )
    return levels, first


def code_clusters(spec: Specification, frame: Source, layout: Layout) -> ClusterCodes:
    """Code the clusters; outside ``cluster_where`` there is none.

    Raises
    ------
    DesignError
        For an expression that cannot be evaluated, empty cluster cells where clusters should be, or
        participants with two clusters.
    """
    assert spec.cluster is not None
    inside = _where(spec, frame)
    column = frame.raw(spec.cluster)
    text = column.astype(object).where(column.notna(), "").astype(str).str.strip()
    blank = (text == "").to_numpy()
    gone = inside & blank & layout.keep
    if gone.any():
        raise DesignError(
            f"cluster column {spec.cluster!r} is empty in {int(gone.sum())} analysed rows; say "
            "which rows have clusters by cluster_where (for instance \"arm != 'MED'\"), or fill it."
        )
    marked = Source(pd.DataFrame({spec.cluster: text.where(inside & ~blank, NONE)}))
    labels, codes = participant_codes(marked, layout, spec.cluster, "cluster")
    none = labels.index(NONE) if NONE in labels else -1
    groups, group_of = [""], np.zeros(layout.shape[0], np.int64)
    if spec.cluster_by is not None:
        levels, group_of = participant_codes(frame, layout, spec.cluster_by, "cluster_by")
        groups = [level_label(v) for v in levels]
    inside_any = codes != none
    if not inside_any.any():
        raise DesignError("no analysed participant belongs to a cluster.")
    pair = group_of * len(labels) + codes
    used, position = np.unique(pair[inside_any], return_inverse=True)
    member = np.full(layout.shape[0], -1, np.int64)
    member[inside_any] = position.ravel()
    present = np.unique(used // len(labels))
    names = [str(labels[u % len(labels)]) for u in used]
    if spec.cluster_by is not None:
        names = [f"{n} ({groups[u // len(labels)]})" for n, u in zip(names, used, strict=True)]
    notes = []
    if len(used) < 5:
        notes.append(f"only {len(used)} clusters: their variance is hardly known")
    return ClusterCodes(
        member,
        names,
        np.searchsorted(present, used // len(labels)).astype(np.int64),
        [groups[g] for g in present],
        notes,
    )


def _where(spec: Specification, frame: Source) -> Any:
    if spec.cluster_where is None:
        return np.ones(len(frame), bool)
    try:
        answer = np.asarray(frame.frame.eval(spec.cluster_where))
    except (
        ArithmeticError,
        AttributeError,
        LookupError,
        NameError,
        NotImplementedError,
        SyntaxError,
        TypeError,
        ValueError,
    ) as error:
        raise DesignError(
            f"cluster_where={spec.cluster_where!r} cannot be evaluated ({error}); write for "
            "instance \"arm != 'MED'\"."
        ) from error
    if answer.dtype != bool or answer.shape != (len(frame),):
        raise DesignError(f"cluster_where={spec.cluster_where!r} must be true or false per row.")
    return answer
