"""A reviewer's own list: a paper's published numbers, held against the rebuilt ones.

A CSV file with the columns ``what``, ``value`` and ``tolerance``. ``what`` is the id of a row of
the estimates table, with ``:column`` when it is not the estimate itself (``…:lower``, ``…:p``).
"""

from __future__ import annotations

import csv
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ipt_outcomes.provenance.compare import same_number
from ipt_outcomes.provenance.integrity import Check

COLUMNS = ("what", "value", "tolerance")
NUMBERS = ("estimate", "se", "df", "df_numerator", "statistic", "lower", "upper", "p",
           "p_adjusted", "n_arm", "n_reference")  # fmt: skip


class ClaimsError(ValueError):
    """A list of claims that cannot be used; says every line to mend."""


@dataclass(frozen=True)
class Claim:
    """One published number.

    Parameters
    ----------
    line
        Line of the file.
    row, column
        What it is about.
    value, tolerance
        What the paper says, and how far the rebuilt number may be off (half a unit of the last
        printed digit, usually).
    """

    line: int
    row: str
    column: str
    value: float
    tolerance: float


def read_claims(path: str | Path) -> list[Claim]:
    """Read a list of claims.

    Raises
    ------
    ClaimsError
        With every line that cannot be used.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ClaimsError(f"{path}: cannot be read ({error}).") from None
    reader = csv.DictReader(text.splitlines())
    if lacking := [name for name in COLUMNS if name not in (reader.fieldnames or [])]:
        raise ClaimsError(
            f"{path}: line 1: lacks the column {', '.join(lacking)}; expected what,value,tolerance."
        )
    claims, wrong = [], []
    for line, row in enumerate(reader, 2):
        what, _, column = (row["what"] or "").strip().partition(":")
        try:
            value, tolerance = float(row["value"]), float(row["tolerance"])
            if not tolerance >= 0:
                raise ValueError(f"tolerance {tolerance:g} is negative")
            if column and column not in NUMBERS:
                raise ValueError(f"{column} is none of {', '.join(NUMBERS)}")
            if not what:
                raise ValueError("what is empty")
        except (TypeError, ValueError) as error:
            wrong.append(f"line {line}: {error}")
            continue
        claims.append(Claim(line, what, column or "estimate", value, tolerance))
    if not claims and not wrong:
        wrong.append("line 2: there is no claim")
    if wrong:
        raise ClaimsError(f"{path} cannot be used:\n" + "\n".join(f"  - {w}" for w in wrong))
    return claims


def check_claims(
    claims: list[Claim], rebuilt: pd.DataFrame, published: pd.DataFrame, withheld: set[str]
) -> Iterator[Check]:
    """Hold claims against rebuilt numbers.

    Parameters
    ----------
    claims
        What the paper says.
    rebuilt, published
        Both tables of estimates.
    withheld
        Ids of the rows that cannot be rebuilt; ``*`` for all.
    """
    again = {str(row["id"]): row for row in rebuilt.to_dict("records")}
    known = published["id"].tolist()
    for claim in claims:
        name = f"line {claim.line}: {claim.row}:{claim.column}"
        if claim.row not in known:
            near = difflib.get_close_matches(claim.row, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield Check("claim", name, "fail", f"the bundle has no such row{hint}")
        elif claim.row in withheld or "*" in withheld or claim.row not in again:
            yield Check("claim", name, "cannot be rebuilt", "data withheld")
        else:
            value = again[claim.row][claim.column]
            found = float("nan") if pd.isna(value) else float(value)
            good = same_number(claim.value, found, claim.tolerance)
            said = f"published {claim.value:g}, rebuilt {found:.6g}, tolerance {claim.tolerance:g}"
            yield Check("claim", name, "pass" if good else "fail", said)
