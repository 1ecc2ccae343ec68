r"""Effects of several trials on one scale, with all that is known of how they hang together.

A row is one comparison: y_i = θ_i + e_i with Var(e) = V, the sampling covariance. V is diagonal
when every row has its own participants; rows of one trial share participants, and V then has a
block per trial (see :mod:`ipt_outcomes.synthesis.dependence`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ipt_outcomes.synthesis.errors import SynthesisError

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

Measure = Literal["g", "md", "log rr", "log or", "log hr", "rd"]


@dataclass(frozen=True)
class MeasureWords:
    """How a measure of effect is called.

    Parameters
    ----------
    name
        In words.
    unit
        Unit of the estimate.
    quantity
        The word of the results language for it, or for its exponential.
    log
        Whether it is pooled on the log scale and reported as a ratio.
    """

    name: str
    unit: str
    quantity: str
    log: bool = False


MEASURES: dict[Measure, MeasureWords] = {
    "g": MeasureWords("Hedges g", "SD", "effect size"),
    "md": MeasureWords("mean difference", "points", "difference"),
    "log rr": MeasureWords("log risk ratio", "log risk ratio", "risk ratio", log=True),
    "log or": MeasureWords("log odds ratio", "log odds ratio", "odds ratio", log=True),
    "log hr": MeasureWords("log hazard ratio", "log hazard ratio", "hazard ratio", log=True),
    "rd": MeasureWords("risk difference", "proportion", "risk difference"),
}

COLUMNS: dict[str, tuple[str, str]] = {
    "trial": ("str", "name of the trial"),
    "outcome": ("str", "instrument, and who rated it"),
    "visit": ("str", "time of the assessment"),
    "arm": ("str", "the arm"),
    "reference": ("str", "the arm that it is compared with"),
    "estimate": ("float64", "the effect, arm against reference"),
    "se": ("float64", "its standard error"),
    "n_arm": ("float64", "participants behind the arm"),
    "n_reference": ("float64", "participants behind the reference"),
    "part_arm": ("float64", "the part of the variance that comes from the arm"),
    "part_reference": ("float64", "the part of the variance that comes from the reference"),
    "events_arm": ("float64", "events in the arm"),
    "total_arm": ("float64", "participants of the arm at risk of the event"),
    "events_reference": ("float64", "events in the reference"),
    "total_reference": ("float64", "participants of the reference at risk of the event"),
    "source": ("str", "what the effect was computed from"),
}
"""Column of :attr:`Effects.rows`: (type, what it holds)."""


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects of several trials on one scale.

    Parameters
    ----------
    measure
        The measure of effect.
    unit
        Its unit.
    rows
        One row per comparison, with the columns of :data:`COLUMNS`, index 0 .. k - 1.
    covariance
        Sampling covariance V, shape (k, k).
    moderators
        Further columns by which rows may be grouped or regressed, same index.
    notes
        What a reader must know of how the rows came together.
    """

    measure: Measure
    unit: str
    rows: pd.DataFrame
    covariance: Floats
    moderators: pd.DataFrame
    notes: tuple[str, ...] = ()
    _codes: Integers = field(init=False, repr=False)

    def __post_init__(self) -> None:
        codes, _ = pd.factorize(self.rows["trial"])
        object.__setattr__(self, "_codes", codes.astype(np.int64))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def estimate(self) -> Floats:
        """The effects, shape (k,)."""
        return self.rows["estimate"].to_numpy(dtype=np.float64)

    @property
    def variance(self) -> Floats:
        """Their sampling variances, shape (k,)."""
        return np.diag(self.covariance).copy()

    @property
    def trials(self) -> list[str]:
        """Names of the trials, in order of their first row."""
        return list(dict.fromkeys(self.rows["trial"]))

    @property
    def trial_codes(self) -> Integers:
        """Number of each row's trial in :attr:`trials`."""
        return self._codes

    @property
    def dependent(self) -> bool:
        """Whether some trial has more than one row."""
        return len(self.trials) < len(self)

    @property
    def words(self) -> MeasureWords:
        """How the measure is called."""
        return MEASURES[self.measure]

    def select(self, kept: Iterable[bool], why: str = "") -> Effects:
        """Return some of the rows; those left out are counted in the notes.

        Parameters
        ----------
        kept
            True for each row to keep.
        why
            What the others lack, in words; without it nothing is noted.
        """
        mask = np.asarray(list(kept), dtype=bool)
        if len(mask) != len(self):
            raise SynthesisError(f"{len(mask)} marks for {len(self)} rows; give one per row.")
        left_out = int((~mask).sum())
        note = (f"{rows_of(left_out)} left out: {why}",) if why and left_out else ()
        at = np.flatnonzero(mask)
        return replace(
            self,
            rows=self.rows.iloc[at].reset_index(drop=True),
            covariance=self.covariance[np.ix_(at, at)],
            moderators=self.moderators.iloc[at].reset_index(drop=True),
            notes=self.notes + note,
        )

    def with_known(self, *moderators: str) -> Effects:
        """Return the rows in which these moderators are known; the others are counted."""
        known = self.moderators[list(moderators)].notna().all(axis=1)
        return self.select(known, f"{' or '.join(moderators)} not known")

    def participants(self) -> tuple[int, int]:
        """Count participants of arms and of references, each arm of a trial once.

        An arm counts with its largest number over the trial's rows; rows without a number add
        none.
        """
        totals = []
        for side in ("arm", "reference"):
            names = self.rows[side].fillna("")
            largest = self.rows[f"n_{side}"].fillna(0).groupby([self.rows["trial"], names]).max()
            totals.append(round(float(largest.sum())))
        return totals[0], totals[1]

    def participants_in_all(self) -> int:
        """Count all participants, an arm that is also a reference of its trial once."""
        sides = [
            pd.DataFrame(
                {
                    "trial": self.rows["trial"],
                    "name": self.rows[side].fillna(f"unnamed {side}"),
                    "n": self.rows[f"n_{side}"].fillna(0),
                }
            )
            for side in ("arm", "reference")
        ]
        largest = pd.concat(sides).groupby(["trial", "name"])["n"].max()
        return round(float(largest.sum()))


def plain_name(name: str) -> str:
    """Return a trial's name without what people write differently.

    Examples
    --------
    >>> plain_name("Elkin, 1989") == plain_name("elkin_1989")
    True
    """
    return "".join(character for character in name.casefold() if character.isalnum())


def rows_of(count: int) -> str:
    """Write a number of rows.

    Examples
    --------
    >>> rows_of(1), rows_of(3)
    ('1 row', '3 rows')
    """
    return "1 row" if count == 1 else f"{count} rows"


def make_effects(
    measure: Measure,
    columns: Mapping[str, Sequence[Any] | Floats | pd.Series],
    *,
    unit: str | None = None,
    covariance: Floats | None = None,
    moderators: pd.DataFrame | None = None,
    notes: tuple[str, ...] = (),
) -> Effects:
    """Put effects together and check them.

    Parameters
    ----------
    measure
        The measure of effect.
    columns
        Columns of :data:`COLUMNS`; ``trial``, ``estimate`` and ``se`` are needed.
    unit
        Unit of the estimates, by default the measure's.
    covariance
        Sampling covariance; by default the rows are taken as independent.
    moderators
        Further columns, one row per effect.
    notes
        What a reader must know.

    Returns
    -------
    Effects
        Where the parts of the variance are not given, they are split by the number of
        participants (the variance of a difference of two means with a common SD), or in halves.

    Raises
    ------
    SynthesisError
        For effects without a finite estimate and a positive standard error, and for a covariance
        that is not positive definite.

    Examples
    --------
    >>> effects = make_effects("g", {"trial": ["A", "B"], "estimate": [0.4, 0.7],
    ...                              "se": [0.2, 0.25]})
    >>> len(effects), effects.trials, effects.dependent
    (2, ['A', 'B'], False)
    """
    k = len(columns["trial"])
    frame = pd.DataFrame(
        {
            name: pd.array(
                list(columns[name])
                if name in columns
                else [None if dtype == "str" else np.nan] * k,
                dtype=cast(Any, dtype),
            )
            for name, (dtype, _) in COLUMNS.items()
        }
    )
    known = frame["n_arm"].notna() & frame["n_reference"].notna()
    share = (frame["n_reference"] / (frame["n_arm"] + frame["n_reference"])).where(known, 0.5)
    variance = frame["se"] ** 2
    frame["part_arm"] = frame["part_arm"].fillna(variance * share)
    frame["part_reference"] = frame["part_reference"].fillna(variance * (1 - share))
    wrong = [
        f"{row['trial']}: the {what} is {value:g}; it must be {expected}."
        for row in frame.to_dict("records")
        for what, value, expected, fine in (
            ("estimate", row["estimate"], "a finite number", np.isfinite(row["estimate"])),
            ("standard error", row["se"], "a positive number", 0 < row["se"] < np.inf),
        )
        if not fine
    ]
    wrong += [f"row {i + 1}: no trial is named." for i in np.flatnonzero(frame["trial"].isna())]
    if wrong:
        raise SynthesisError(wrong)
    given = np.diag(variance.to_numpy()) if covariance is None else covariance
    others = pd.DataFrame(index=frame.index) if moderators is None else moderators
    effects = Effects(
        measure,
        unit or MEASURES[measure].unit,
        frame,
        np.asarray(given, dtype=np.float64),
        others.reset_index(drop=True),
        notes,
    )
    check_covariance(effects)
    return effects


def check_covariance(effects: Effects) -> None:
    """Refuse a sampling covariance that no rows can have.

    Raises
    ------
    SynthesisError
        When it is not positive definite in some trial, naming the trial, or links two trials.
    """
    V, codes = effects.covariance, effects.trial_codes
    if V.shape != (len(effects), len(effects)):
        raise SynthesisError(f"the covariance has shape {V.shape} for {len(effects)} rows.")
    wrong = []
    if np.any(V[codes[:, None] != codes[None, :]] != 0):
        wrong.append("the sampling covariance links rows of different trials; give it by trial.")
    for number, trial in enumerate(effects.trials):
        at = np.flatnonzero(codes == number)
        block = V[np.ix_(at, at)]
        scale = np.sqrt(np.diag(block))
        smallest = np.linalg.eigvalsh(block / np.outer(scale, scale))[0]
        if not np.allclose(block, block.T) or smallest < 1e-10:
            wrong.append(
                f"{trial}: the sampling covariance of its {len(at)} rows is not positive "
                "definite; a smaller correlation between its outcomes mends that."
            )
    if wrong:
        raise SynthesisError(wrong)
