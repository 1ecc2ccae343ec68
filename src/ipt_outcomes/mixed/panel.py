r"""A cross-lagged panel model with random intercepts: two series of the same persons, both ways.

The model of :mod:`.cross_lagged`, with a mean of its own for either series at each occasion and in
each group, fitted to whatever each person has: full-information (restricted) maximum likelihood,
valid under missing at random with any pattern of gaps. Because both series are outcomes, neither
direction needs the other series to be exogenous.

Source: Hamaker, Kuiper & Grasman (2015), Psychological Methods 20:102.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from .catalogue import number_of_parameters
from .cross_lagged import CrossLagged
from .errors import DesignError
from .panel_data import sum_panel
from .panel_fit import PanelFit, maximum_of

PER_PARAMETER = 2
"""Persons seen twice or more that each parameter of the covariance needs at least."""
LEAST_WITH_TRENDS = 4
"""Occasions below which trends of persons cannot be told from what moves."""


def cross_lagged_panel(
    frame: pd.DataFrame,
    *,
    participant: str,
    occasion: str,
    x: str,
    y: str,
    group: str | None = None,
    times: Sequence[float] | None = None,
    trends: bool = False,
    free_lags: bool = False,
    free_innovations: bool = False,
    reml: bool = True,
    level: float = 0.95,
) -> PanelFit:
    """Fit a random-intercept cross-lagged panel model.

    Parameters
    ----------
    frame
        Long data: one row per person and occasion. Either series may be missing.
    participant, occasion
        Identifying columns. Occasions are ordered by an ordered categorical or by their numbers,
        and are taken to be equally far apart.
    x, y
        The two series.
    group
        Column with groups that have means of their own (arms of a trial).
    times
        When the occasions are, for trends; their numbers, or equal steps, when left out.
    trends
        Whether persons differ in their trends too.
    free_lags, free_innovations
        Whether regressions, or the covariance of what is new, differ between occasions.
    reml
        Restricted maximum likelihood (default) or full maximum likelihood.
    level
        Confidence level of intervals.

    Raises
    ------
    DesignError
        For fewer than three occasions, too few persons, and everything else that is wrong.
    ConvergenceError
        When the likelihood has no maximum.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(4)
    >>> level, move = rng.normal(size=(60, 1, 2)), rng.normal(size=(60, 4, 2))
    >>> series = (level + move).reshape(-1, 2)
    >>> frame = pd.DataFrame({"id": np.repeat(np.arange(60), 4), "week": np.tile(np.arange(4), 60),
    ...                       "mood": series[:, 0], "bond": series[:, 1]})
    >>> fit = cross_lagged_panel(frame, participant="id", occasion="week", x="mood", y="bond")
    >>> fit.structure.names[3:7]
    ['x -> x', 'y -> x', 'x -> y', 'y -> y']
    """
    panel = sum_panel(frame, participant=participant, occasion=occasion, x=x, y=y, group=group)
    T, seen = len(panel.occasions), panel.counts["participants seen twice"]
    form: dict[str, Any] = {
        "times": panel.times if times is None else list(times),
        "trends": trends,
        "free_lags": free_lags,
        "free_innovations": free_innovations,
    }
    findings = []
    if form["times"] is not None and len(form["times"]) != T:
        findings.append(f"{len(form['times'])} times are given for {T} occasions.")
    if trends and T < LEAST_WITH_TRENDS:
        findings.append(
            f"{T} occasions cannot tell trends of persons from what moves; at least "
            f"{LEAST_WITH_TRENDS} are needed with trends."
        )
    if findings:
        raise DesignError(findings)
    structure = CrossLagged(panel.occasions, **form)
    least = PER_PARAMETER * structure.parameters
    if structure.parameters > number_of_parameters("unstructured", structure.visits):
        findings.append(
            f"{structure.parameters} parameters are more than the variances and covariances of "
            f"{T} occasions can tell apart; hold regressions or innovations constant."
        )
    if seen < least:
        findings.append(
            f"{seen} persons were seen at two occasions or more; {structure.parameters} parameters "
            f"need at least {least}."
        )
    if findings:
        raise DesignError(findings)
    likelihood, solution = maximum_of(panel, structure, reml=reml)
    return PanelFit(panel, form, structure, likelihood, solution, reml, level)
