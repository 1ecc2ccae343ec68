"""What the rows about remission may show where few remitted, or few did not.

Shares under the assumptions are made of the same few people again and again. Where an arm has 1 to
``smallest`` - 1 participants who were seen in remission, or seen without it, no arm's share is
shown, and neither is any number that is an exact function of the observed counts: with unseen
scores counted as not remitted, in the worst and the best case, and shifted until all or none of
them remit, a difference and its standard error are two equations in two counts. Differences from
imputed scores stay while every arm has enough unseen scores to keep the counts uncertain.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ipt_outcomes.analyses.disclosure import complement, suppressed
from ipt_outcomes.imputation import IncompleteTrial
from ipt_outcomes.results import Row

NUMBERS = ("estimate", "se", "df", "statistic", "lower", "upper", "p")


@dataclass(frozen=True)
class SmallCounts:
    """Which numbers about a status are held back.

    Parameters
    ----------
    few
        Arms in which few, but not nobody, were seen with the status, or without it.
    uncertain
        Whether every arm has at least ``smallest`` unseen scores.
    smallest
        The smallest count that is shown.
    """

    few: frozenset[str]
    uncertain: bool
    smallest: int

    @classmethod
    def of(
        cls, trial: IncompleteTrial, visit: str, status: NDArray[np.bool_], smallest: int
    ) -> SmallCounts:
        """Count at one visit.

        Parameters
        ----------
        trial
            The incomplete trial.
        visit
            The visit.
        status
            Who was seen with the status, shape (N,).
        smallest
            The smallest count that is shown.
        """
        missing = np.asarray(trial.missing[:, trial.visits.index(visit)], bool)
        few, unseen = set(), []
        for k, arm in enumerate(trial.arms):
            own = trial.arm == k
            unseen.append(int((own & missing).sum()))
            of_arm = own & ~missing
            counts = (int((of_arm & status).sum()), int((of_arm & ~status).sum()))
            if any(0 < count < smallest for count in counts):
                few.add(str(arm))
        return cls(frozenset(few), min(unseen) >= smallest, smallest)

    def hides(self, *, exact: bool) -> bool:
        """Say whether differences are held back.

        Parameters
        ----------
        exact
            Whether they follow from the observed counts alone.
        """
        return bool(self.few) and (exact or not self.uncertain)

    def held(self, rows: Iterable[Row], *, exact: bool) -> Iterator[Row]:
        """Pass on the rows of one analysis without the numbers that may not be shown.

        Parameters
        ----------
        rows
            Rows with a quantity: probabilities of arms, and differences.
        exact
            Whether the numbers follow from the observed counts alone.
        """
        rows = list(rows)
        imputed = {
            str(row["arm"])
            for row in rows
            if row["quantity"] == "probability" and self._is_small(row)
        }
        for row in rows:
            if row["quantity"] != "probability":
                yield self.without(row) if self.hides(exact=exact) else row
            elif self.few or imputed:
                small = str(row["arm"]) in self.few | imputed
                why = suppressed if small else complement
                yield {**self.without(row, why(self.smallest)), "n_arm": None}
            else:
                yield row

    def without(self, row: Row, why: str | None = None) -> Row:
        """Return a row without its numbers, and with the reason.

        Parameters
        ----------
        row
            The row.
        why
            The reason; by default that the numbers would give a small count back.
        """
        notes = [note for note in (row.get("notes") or "").split("; ") if note]
        # How much the imputations differ is a function of the share.
        notes = [note for note in notes if not _about_imputations(note)]
        told = "; ".join([why or complement(self.smallest), *notes])
        return {**row, **dict.fromkeys(NUMBERS), "notes": told}

    def _is_small(self, row: Row) -> bool:
        if row.get("estimate") is None:
            return False
        count = round(row["estimate"] * row["n_arm"])
        return any(0 < n < self.smallest for n in (count, row["n_arm"] - count))


def _about_imputations(note: str) -> bool:
    return note.startswith("Monte-Carlo error") or note.endswith("would be enough")
