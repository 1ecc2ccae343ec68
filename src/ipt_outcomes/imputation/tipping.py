"""Tipping points: how much worse unseen scores must be for the conclusion to change.

A delta is added to the imputed scores of an arm (and, on a surface, another to those of the
reference arm); the conclusion at a visit is read off the interval of the difference: above zero,
below zero, or neither. Where it changes first, going away from zero, is the tipping point (Cro,
Morris, Kenward & Carpenter 2020, Stat Med 39:2815; Permutt 2016, Stat Med 35:2876).

An analysis of covariance is linear in the scores: estimates at any deltas follow from three, their
variances, which are quadratic, from six analyses. Others are repeated at every delta.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .adjustment import delta
from .analysing import Analysed, Analysis, analyse
from .errors import ImputationError, listed
from .imputing import Imputed
from .incomplete import Floats
from .pooling import Interval, pool_numbers
from .progress import Progress

Cell = tuple[float, float]


@dataclass(frozen=True)
class Tipping:
    """A difference under deltas, and where the conclusion changes.

    Attributes
    ----------
    arm, reference, visit
        The difference that is followed.
    table
        One row per delta (or pair): delta, reference_delta, estimate, se, df, lower, upper, p,
        conclusion (1 above zero, −1 below zero, 0 neither).
    contour
        Per reference delta the arm's deltas at which the conclusion changes, columns
        reference_delta and delta. Exact where the analysis is smooth; otherwise the first delta
        of the grid beyond the change.
    exact
        Which of the two.
    level
        Level of the intervals.
    """

    arm: Any
    reference: Any
    visit: Any
    table: pd.DataFrame
    contour: pd.DataFrame
    exact: bool
    level: float

    @property
    def conclusion(self) -> int:
        """The conclusion without any delta."""
        at = self.table[(self.table["delta"] == 0) & (self.table["reference_delta"] == 0)]
        return int(at["conclusion"].iloc[0])

    def tip(self, direction: int, reference_delta: float = 0.0) -> float | None:
        """Return the nearest delta at which the conclusion changes.

        Parameters
        ----------
        direction
            1 for deltas above zero, −1 for those below.
        reference_delta
            Delta of the reference arm, a value of the grid.

        Returns
        -------
        float or None
            ``None`` when no delta of the range changes the conclusion.
        """
        own = self.contour[self.contour["reference_delta"] == reference_delta]["delta"]
        found = own[own * direction > 0].abs()
        return None if found.empty else float(direction * found.min())


def tipping_line(
    imputed: Imputed,
    analysis: Analysis,
    *,
    arm: Any,
    visit: Any,
    deltas: ArrayLike,
    level: float = 0.95,
    interval: Interval = "normal",
    only_after_event: bool = False,
) -> Tipping:
    """Follow the difference as the imputed scores of one arm are shifted.

    Parameters
    ----------
    imputed
        Completed data sets.
    analysis
        For instance ``ancova(visits=[16])``.
    arm, visit
        The difference of ``arm`` from the reference arm at ``visit``; the arm may be the reference
        arm itself when there are two arms.
    deltas
        Amounts in units of the outcome; zero is added when absent.
    level, interval
        As for :func:`.pooling.pool`.
    only_after_event
        Shift only scores after an event.

    Raises
    ------
    ImputationError
        For arms or visits that are not analysed.

    Examples
    --------
    >>> from ipt_outcomes.imputation import ancova, draws, impute
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> imputed = impute(draws(small_trial(120)), "MAR")
    >>> line = tipping_line(imputed, ancova(), arm="IPT", visit=16, deltas=np.arange(0, 21))
    >>> line.conclusion, line.tip(1) is not None
    (-1, True)
    """
    return _tipping(imputed, analysis, arm, visit, deltas, [0.0], level, interval, only_after_event)


def tipping_surface(
    imputed: Imputed,
    analysis: Analysis,
    *,
    arm: Any,
    visit: Any,
    deltas: ArrayLike,
    reference_deltas: ArrayLike,
    level: float = 0.95,
    interval: Interval = "normal",
    only_after_event: bool = False,
) -> Tipping:
    """Follow the difference as the imputed scores of both arms are shifted.

    Parameters
    ----------
    imputed, analysis, arm, visit, level, interval, only_after_event
        As for :func:`tipping_line`.
    deltas, reference_deltas
        Amounts for the arm and for the reference arm; zero is added when absent.

    Raises
    ------
    ImputationError
        For arms or visits that are not analysed.

    Examples
    --------
    >>> from ipt_outcomes.imputation import ancova, draws, impute
    >>> from ipt_outcomes.imputation.example import small_trial
    >>> imputed = impute(draws(small_trial(120)), "MAR")
    >>> surface = tipping_surface(imputed, ancova(), arm="IPT", visit=16, deltas=[0, 5, 10],
    ...                           reference_deltas=[0, 5])
    >>> len(surface.table)
    6
    """
    return _tipping(
        imputed, analysis, arm, visit, deltas, reference_deltas, level, interval, only_after_event
    )


def _tipping(
    imputed: Imputed,
    analysis: Analysis,
    arm: Any,
    visit: Any,
    deltas: ArrayLike,
    reference_deltas: ArrayLike,
    level: float,
    interval: Interval,
    only_after_event: bool,
) -> Tipping:
    own = np.unique(np.append(np.asarray(deltas, float), 0.0))
    other = np.unique(np.append(np.asarray(reference_deltas, float), 0.0))
    shifted = _Shifted(imputed, analysis, arm, visit, level, interval, only_after_event)
    cells = [(d, r) for r in other for d in own]
    table = shifted.at(cells)
    return Tipping(
        arm, shifted.reference, visit, table, shifted.changes(table), analysis.smooth, level
    )


class _Shifted:
    """The pooled difference as a function of the two deltas."""

    def __init__(
        self,
        imputed: Imputed,
        analysis: Analysis,
        arm: Any,
        visit: Any,
        level: float,
        interval: Interval,
        only_after_event: bool,
    ) -> None:
        trial = imputed.trial
        self.imputed, self.analysis = imputed, analysis
        self.arm, self.reference = arm, trial.arms[0]
        self.level, self.interval = level, interval
        self.only_after_event = only_after_event
        if arm not in trial.arms[1:]:
            raise ImputationError(
                f"the arm that is shifted must be one of {listed(trial.arms[1:])}, which are "
                f"compared with {self.reference}; found {arm!r}."
            )
        self.base = self._analysed((0.0, 0.0))
        names = self.base.parameters
        own = (names["quantity"] == "difference") & (names["arm"] == arm)
        at = np.flatnonzero(own & (names["visit"] == visit))
        if not len(at):
            raise ImputationError(f"the analysis gives no difference of {arm} at {visit!r}.")
        self.column = int(at[0])
        if analysis.smooth:
            self._expand()

    def _analysed(self, cell: Cell) -> Analysed:
        amounts = delta(
            self.imputed.trial,
            arm={self.arm: cell[0], self.reference: cell[1]},
            only_after_event=self.only_after_event,
        )
        return analyse(self.imputed, self.analysis, amounts)

    def _numbers(self, cell: Cell) -> tuple[Floats, Floats | None]:
        found = self._analysed(cell)
        variances = None if found.variances is None else found.variances[:, self.column]
        return found.estimates[:, self.column], variances

    def _expand(self) -> None:
        """Find the coefficients of the estimates and of the variances in the deltas."""
        zero, own, other = self._numbers((0, 0)), self._numbers((1, 0)), self._numbers((0, 1))
        self.linear = np.stack([zero[0], own[0] - zero[0], other[0] - zero[0]])
        self.quadratic: Floats | None = None
        if zero[1] is None:
            return
        cells: list[Cell] = [(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1)]
        values = np.stack([np.asarray(self._numbers(cell)[1]) for cell in cells])
        self.quadratic = np.linalg.solve(_monomials(cells), values)

    def at(self, cells: Sequence[Cell]) -> pd.DataFrame:
        """Return the pooled difference at some pairs of deltas."""
        if self.analysis.smooth:
            terms = _monomials(cells)
            estimates = (terms[:, :3] @ self.linear).T
            variances = None if self.quadratic is None else (terms @ self.quadratic).T
        else:
            both = []
            progress = Progress("shifts examined", len(cells))
            for cell in cells:
                both.append(self._numbers(cell))
                progress.done()
            estimates = np.stack([e for e, _ in both], 1)
            known = [v for _, v in both if v is not None]
            variances = np.stack(known, 1) if known else None
        df = np.full(len(cells), self.base.df[self.column])
        whole = Analysed(
            self.imputed, self.analysis, self.base.parameters, estimates, variances, df
        )
        pooled = pool_numbers(whole, estimates, variances, self.level, self.interval)
        kept = pooled[
            ["estimate", "se", "df", "lower", "upper", "p", "interval_method", "variance"]
        ]
        conclusion = (kept["lower"] > 0).astype(int) - (kept["upper"] < 0).astype(int)
        first = pd.DataFrame(np.array(cells, float), columns=["delta", "reference_delta"])
        return pd.concat([first, kept], axis=1).assign(conclusion=conclusion)

    def changes(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return, line by line, the deltas at which the conclusion changes."""
        brackets: list[tuple[float, float, float, str]] = []
        for reference, line in table.groupby("reference_delta"):
            d, said = line["delta"].to_numpy(float), line["conclusion"].to_numpy(int)
            for k in np.flatnonzero(np.diff(said)):
                # A bound of the interval passes zero: the lower one where "above zero" ends, the
                # upper one where "below zero" does, both where one follows the other at once.
                both = {said[k], said[k + 1]}
                brackets += [
                    (float(reference), float(d[k]), float(d[k + 1]), bound)  # type: ignore[arg-type]
                    for bound, side in (("lower", 1), ("upper", -1))
                    if side in both
                ]
        reference_delta = np.array([b[0] for b in brackets])
        left, right = np.array([b[1] for b in brackets]), np.array([b[2] for b in brackets])
        lower = np.array([b[3] == "lower" for b in brackets], bool)
        if not self.analysis.smooth:
            # Coming from zero, the first delta of the grid beyond the change.
            found = np.where(right > 0, right, left)
        else:
            found = self._bisect(reference_delta, left, right, lower)
        contour = pd.DataFrame({"reference_delta": reference_delta, "delta": found}, dtype=float)
        in_order = contour.sort_values(["reference_delta", "delta"], kind="stable")
        return in_order.drop_duplicates().reset_index(drop=True)

    def _bisect(
        self, reference_delta: Floats, left: Floats, right: Floats, lower: NDArray[np.bool_]
    ) -> Floats:
        """Halve all brackets together until a bound of the interval is zero."""
        if not len(left):
            return left

        def height(at: Floats) -> Floats:
            pooled = self.at(list(zip(at.tolist(), reference_delta.tolist(), strict=True)))
            return np.where(lower, pooled["lower"], pooled["upper"])

        start = height(left)
        for _ in range(40):
            middle = 0.5 * (left + right)
            same = np.sign(height(middle)) == np.sign(start)
            left, right = np.where(same, middle, left), np.where(same, right, middle)
        return np.asarray(0.5 * (left + right))


def _monomials(cells: Sequence[Cell]) -> Floats:
    a, b = np.array(cells, float).T
    return np.column_stack([np.ones(len(a)), a, b, a * a, b * b, a * b])
