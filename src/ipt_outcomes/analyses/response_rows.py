"""From the risks of the arms to rows of the estimates table, and what of them may be shown."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ipt_outcomes.analyses.disclosure import SMALLEST, complement, suppressed
from ipt_outcomes.analyses.number_needed import NumberNeeded, number_needed
from ipt_outcomes.analyses.proportions import wilson
from ipt_outcomes.analyses.rubin import Pooled, pool
from ipt_outcomes.analyses.standardisation import Contrast, StandardisedRisks
from ipt_outcomes.results import Row

SAFETY = "harm: arm-level counts and rates are shown however small"
DELTA = "t, delta method counting the sampling of covariates (Ye et al. 2023)"
IMPUTED = (
    "t, delta method counting the sampling of covariates and the estimation of the imputation "
    "model (Ye et al. 2023; Robins & Wang 2000)"
)
RUBIN = "Rubin's rules"
UNADJUSTED = (
    "without covariates: the model with them has no maximum, because everybody or nobody of an arm "
    "has the status, or the covariates tell who has"
)
NOTHING_MISSING = "no score missing at baseline or at the visits asked about"
JOINED = "errors count the estimation of the imputation model (Robins & Wang 2000)"
WILSON = "Wilson"
WILSON_IMPUTED = "Wilson, effective number after imputation (Lott & Reiter 2020)"
FIXED = "t, delta method with covariates held fixed (Ge et al. 2011)"


@dataclass(frozen=True)
class Comparison:
    """What the rows of one status have in common.

    Parameters
    ----------
    where
        Columns that all rows share.
    arms
        Names of the arms, the reference last.
    labels
        Arm: its name in words.
    name
        Name of the status.
    benefit
        Whether the status is good for the participant; harms are never suppressed.
    level
        Level of the intervals.
    smallest
        Smallest count that is shown.
    """

    where: Row
    arms: list[str]
    labels: dict[str, str]
    name: str
    benefit: bool
    level: float
    smallest: int = SMALLEST

    def proportions(self, means: Sequence[Sequence[float]], n: Sequence[int]) -> Iterator[Row]:
        """Give each arm's proportion with Wilson's interval.

        Parameters
        ----------
        means
            Proportions by imputation and arm; one row for complete data.
        n
            Participants of each arm.
        """
        table = np.asarray(means, float)
        hidden = self.hidden(table.mean(axis=0), n)
        for a, arm in enumerate(self.arms):
            own = table[:, a]
            within = float(np.mean(own * (1 - own))) / n[a] if n[a] else 0.0
            size, df = float(n[a]), math.inf
            if len(own) > 1 and within > 0:
                pooled = pool(own.tolist(), [within] * len(own))
                size, df = size / (1 + pooled.increase), pooled.df
            row: Row = {**self.where, "quantity": "probability", "arm": arm, "n_arm": n[a]}
            if a in hidden:
                yield {**row, "notes": self._notes(hidden[a])}
            elif n[a]:
                lower, upper = wilson(float(own.mean()), size, self.level, df)
                yield {**row, "estimate": own.mean(), "lower": lower, "upper": upper,
                       "level": self.level, "unit": "proportion",
                       "interval_method": WILSON if len(own) == 1 else WILSON_IMPUTED}  # fmt: skip

    def hidden(self, proportions: Any, n: Sequence[int]) -> dict[int, str]:
        """Say whose proportions must be hidden, and why.

        A count below the smallest, with or without the status, is hidden; the other arms'
        proportions are hidden too, because the risk differences, which stay, would give it back.
        """
        if not self.benefit:
            return {}
        small = {}
        for a, (share, size) in enumerate(zip(proportions, n, strict=True)):
            counts = (round(share * size), size - round(share * size))
            if any(0 < count < self.smallest for count in counts):
                small[a] = suppressed(self.smallest)
        return {a: small.get(a, complement(self.smallest)) for a in range(len(n))} if small else {}

    def contrasts(
        self,
        fits: Sequence[StandardisedRisks],
        *,
        joined: StandardisedRisks | None = None,
        fixed: bool = False,
    ) -> Iterator[Row]:
        """Give standardised risks, risk differences, risk and odds ratios, and numbers needed.

        Parameters
        ----------
        fits
            Standardised risks, one per imputation, or a single one.
        joined
            The imputations joined into one estimate; without it Rubin's rules pool them.
        fixed
            Whether the covariates are held fixed (Ge et al.); only contrasts are then given.
        """
        method = FIXED if fixed else DELTA if joined is None else IMPUTED
        if joined is not None:
            fits = [joined]
        elif len(fits) > 1:
            method = f"{method}; {RUBIN}"
        first = fits[0]
        n = [int(size) for size in first.n]
        risks = np.mean([fit.risks for fit in fits], axis=0)
        hidden = self.hidden(risks, n)
        plain = not all(fit.adjusted for fit in fits)
        said = UNADJUSTED in (self.where.get("notes") or "")
        unadjusted = UNADJUSTED if plain and not said else None
        how = {"interval_method": method, "level": self.level}
        if not fixed:
            yield from self._risks(fits, hidden, how, unadjusted)
        reference = self.arms[-1]
        for a, arm in enumerate(self.arms[:-1]):
            pair: Row = {
                **self.where,
                "arm": arm,
                "reference": reference,
                "n_arm": n[a],
                "n_reference": n[-1],
            }
            versus = f"{self.labels[arm]} against {self.labels[reference]}"
            difference = pooled_contrast(
                [fit.risk_difference(arm, reference, fixed=fixed) for fit in fits], first.df
            )
            assert difference is not None  # a difference of risks always exists
            lower, upper = (min(max(end, -1.0), 1.0) for end in difference.interval(self.level))
            words = f"{self.labels[arm]} minus {self.labels[reference]}"
            compared: Row = {**pair, "quantity": "risk difference", "contrast": words}
            # Two plain proportions of known numbers follow from their difference.
            told = hidden and plain
            if told:
                yield {**compared, "notes": self._notes(complement(self.smallest))}
            else:
                yield {**compared, **how, "unit": "proportion",
                       "estimate": difference.value, "se": difference.se, "df": difference.df,
                       "statistic": difference.statistic, "p": difference.p, "lower": lower,
                       "upper": upper, "notes": self._notes(unadjusted)}  # fmt: skip
            for quantity, ratios in (
                ("risk ratio", [fit.risk_ratio(arm, reference, fixed=fixed) for fit in fits]),
                ("odds ratio", [fit.odds_ratio(arm, reference, fixed=fixed) for fit in fits]),
            ):
                about = {**pair, "quantity": quantity, "contrast": versus}
                ratio = pooled_contrast(ratios, first.df)
                if hidden:
                    yield {**about, "notes": self._notes(complement(self.smallest))}
                elif ratio is None:
                    why = "not estimated: no event, or nobody without one, in an arm"
                    yield {**about, "notes": self._notes(why)}
                else:
                    yield {**about, **how, **_exponential(ratio, self.level),
                           "notes": self._notes(unadjusted)}  # fmt: skip
            if not fixed and not told:
                sign = 1 if self.benefit else -1
                ends = sorted((sign * lower, sign * upper))
                pieces = number_needed(sign * difference.value, ends[0], ends[1])
                yield from self._numbers_needed(pieces, pair)

    def _risks(
        self, fits: Sequence[StandardisedRisks], hidden: dict[int, str], how: Row, note: str | None
    ) -> Iterator[Row]:
        for a, arm in enumerate(self.arms):
            row: Row = {**self.where, "quantity": "standardised probability", "arm": arm}
            if a in hidden:
                yield {**row, "notes": self._notes(hidden[a])}
                continue
            pooled = pool(
                [float(fit.risks[a]) for fit in fits],
                [float(fit.covariance[a, a]) for fit in fits],
                fits[0].df,
            )
            lower, upper = pooled.interval(self.level)
            yield {**row, **how, "unit": "proportion", "estimate": pooled.value, "se": pooled.se,
                   "df": pooled.df, "lower": min(max(lower, 0.0), pooled.value),
                   "upper": max(min(upper, 1.0), pooled.value), "n_arm": int(fits[0].n[a]),
                   "notes": self._notes(note)}  # fmt: skip

    def _numbers_needed(self, pieces: tuple[NumberNeeded, ...], pair: Row) -> Iterator[Row]:
        said = "; ".join(
            f"NNT {piece.kind} from {piece.lower:.1f} to "
            + ("infinity" if math.isinf(piece.upper) else f"{piece.upper:.1f}")
            for piece in pieces
        )
        split = ", split at infinity because the risk difference's interval holds 0"
        note = f"from the risk difference: {said}{split if pieces[0].split else ''}"
        for piece in pieces:
            direction = "more" if (piece.kind == "benefit") == self.benefit else "fewer"
            yield {
                **pair,
                "quantity": f"number needed to {piece.kind}",
                "contrast": f"{self.labels[pair['arm']]} instead of "
                f"{self.labels[pair['reference']]}, for one {self.name} {direction}",
                "unit": "participants",
                "estimate": piece.estimate,
                "lower": piece.lower,
                "upper": piece.upper,
                "level": self.level,
                "interval_method": "reciprocal of the risk difference's interval (Altman 1998)",
                "notes": self._notes(note),
            }

    def _notes(self, note: str | None) -> str | None:
        return "; ".join(filter(None, [self.where.get("notes"), note])) or None


def pooled_contrast(contrasts: Sequence[Contrast | None], df: float) -> Pooled | None:
    """Pool a contrast over imputations; None when any of them does not exist."""
    known = [contrast for contrast in contrasts if contrast is not None]
    if len(known) < len(contrasts):
        return None
    return pool([c.value for c in known], [c.variance for c in known], df)


def _exponential(ratio: Pooled, level: float) -> Row:
    lower, upper = ratio.interval(level)
    return {
        "unit": "ratio",
        "estimate": math.exp(ratio.value),
        "se": math.exp(ratio.value) * ratio.se,
        "df": ratio.df,
        "statistic": ratio.statistic,
        "p": ratio.p,
        "lower": math.exp(lower),
        "upper": math.exp(upper),
    }
