"""Text whose numbers remember the row of the estimates table that they come from.

A :class:`Text` is a sequence of pieces: plain words, words of ``config.yaml``, and numbers quoted
from a row in one of the :data:`FORMS`. In HTML a quoted number carries ``data-estimate`` (the
row's id) and ``data-form``, a word of the configuration carries ``data-config``, so that a test
can recompute every number that a reader sees.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from ipt_outcomes.tables import numbers
from ipt_outcomes.tables.rows import Row

Origin = Literal["", "config", "count"]

HELD = "\N{NO-BREAK SPACE}"
"""Between an estimate and its interval in a cell: one that is too wide breaks elsewhere."""
NOT_SHOWN = numbers.NOT_KNOWN
SUPPRESSED = re.compile(r"<(5|11)\b")
"""How a small count is shown: as less than the smallest group that the study shows."""
WITHHELD = "withheld"


def _held(symbol: re.Match[str]) -> str:
    return symbol.group().replace(" ", "\N{NO-BREAK SPACE}")


def _unless_hidden(row: Row, value: float | None) -> str:
    notes = row["notes"] or ""
    if value is None and "suppressed" in notes:
        fewer = re.search(r"fewer than (\d+)", notes)
        return f"<{fewer[1]}" if fewer else WITHHELD
    return numbers.count(value)


def _share(row: Row) -> str:
    n, of = row["estimate"], row["n_arm"]
    return numbers.NOT_KNOWN if n is None or not of else numbers.percent(n / of)


def _absolute(row: Row) -> str:
    return numbers.number(None if row["estimate"] is None else abs(row["estimate"]))


def _percent(row: Row) -> str:
    return numbers.percent(row["estimate"])


def _percent_interval(row: Row) -> str:
    lower, upper = row["lower"], row["upper"]
    if lower is None or upper is None:
        return numbers.NOT_KNOWN
    return numbers.interval(100 * lower, 100 * upper, 1)


def _clusters(row: Row) -> str:
    """Count clusters from the mean number of participants in one."""
    return numbers.count(row["n_arm"] / row["estimate"])


def _times(factor: float, value: float | None) -> float | None:
    return None if value is None else factor * value


def _level(row: Row) -> str:
    return numbers.level(row["level"])


_NO_SOURCE = re.compile("standard knowledge of the field, not read in a source", re.IGNORECASE)
"""A note on how a fact is known, which is no reference."""
_ONE_OF_MANY = re.compile(r"(?<![\w.,-])1 (participant|score|session|therapist|fit|imputation)s\b")
_REASONS = ("suppressed:", "not estimated:")
_ADVANTAGE = re.compile(
    r"an advantage of (?P<size>-?[\d.]+) (?P<unit>.+?) "
    r"\(interval (?P<low>-?[\d.]+) to (?P<high>-?[\d.]+)\)"
)


def _notes(row: Row) -> str:
    """Write a note: which way an advantage points is said in words, never by its sign."""

    def told(found: re.Match[str]) -> str:
        kind = "a disadvantage" if float(found["size"]) < 0 else "an advantage"
        ends = " to ".join(_better_or_worse(found[end]) for end in ("low", "high"))
        return f"{kind} of {found['size'].lstrip('-')} {found['unit']} (interval {ends})"

    notes = _NO_SOURCE.sub("source not stated", row["notes"] or "")
    notes = _ONE_OF_MANY.sub(r"1 \1", _ADVANTAGE.sub(told, notes))
    return numbers.true_minus(notes)


def _parts(row: Row) -> list[str]:
    """Take a note apart at its semicolons, those inside brackets left alone."""
    found, depth = [""], 0
    for letter in _notes(row):
        depth += (letter == "(") - (letter == ")")
        if letter == ";" and depth == 0:
            found.append("")
        else:
            found[-1] += letter
    return [part.strip() for part in found]


def _hidden_because(row: Row) -> str:
    """Say why a row has no estimate."""
    reasons = [part for part in _parts(row) if part.startswith(_REASONS)]
    return "; ".join(reasons) or _parts(row)[-1]


def _counting(row: Row) -> str:
    """Say how those without a score were counted: a note without its definition."""
    return "; ".join(part for part in _parts(row)[1:] if not part.startswith(_REASONS))


_CRITERIA = re.compile(r"[;,]? ?AIC (?P<AIC>-?[\d.]+), BIC (?P<BIC>-?[\d.]+)")


def _criterion(row: Row, name: str) -> str:
    """Take an information criterion out of a note: the rows have no column for it."""
    found = _CRITERIA.search(row["notes"] or "")
    return numbers.true_minus(found[name]) if found else numbers.NOT_KNOWN


def _better_or_worse(size: str) -> str:
    if float(size) == 0:
        return "0.0"
    return f"{size.lstrip('-')} {'worse' if size.startswith('-') else 'better'}"


FORMS: dict[str, Callable[[Row], str]] = {
    "estimate": lambda row: numbers.number(row["estimate"]),
    "absolute": _absolute,
    "interval": lambda row: numbers.interval(row["lower"], row["upper"]),
    "percent": _percent,
    "percent interval": _percent_interval,
    "percent points": lambda row: numbers.number(_times(100, row["estimate"]), 1),
    "three decimals": lambda row: numbers.number(row["estimate"], 3),
    "three decimal interval": lambda row: numbers.interval(row["lower"], row["upper"], 3),
    "small": lambda row: numbers.small(row["estimate"]),
    "subgroup": lambda row: row["subgroup"] or "",
    "analysis": lambda row: row["analysis"],
    "one decimal": lambda row: numbers.number(row["estimate"], 1),
    "one decimal interval": lambda row: numbers.interval(row["lower"], row["upper"], 1),
    "level": _level,
    "p": lambda row: numbers.p_value(row["p"]),
    "p equation": lambda row: numbers.p_equation(row["p"]),
    "adjusted p": lambda row: numbers.p_value(row["p_adjusted"]),
    "statistic": lambda row: numbers.number(row["statistic"]),
    "df": lambda row: numbers.degrees(row["df"]),
    "numerator df": lambda row: numbers.degrees(row["df_numerator"]),
    "clusters": _clusters,
    "count": lambda row: _unless_hidden(row, row["estimate"]),
    "share": _share,
    "n": lambda row: _unless_hidden(row, row["n_arm"]),
    "n of reference": lambda row: _unless_hidden(row, row["n_reference"]),
    "method": lambda row: row["method"],
    "covariance": lambda row: row["covariance"] or "",
    "interval method": lambda row: row["interval_method"] or "",
    "contrast": lambda row: numbers.true_minus(row["contrast"] or ""),
    "notes": _notes,
    "definition": lambda row: _parts(row)[0],
    "counting": _counting,
    "reason": _hidden_because,
    "AIC": lambda row: _criterion(row, "AIC"),
    "BIC": lambda row: _criterion(row, "BIC"),
    "notes without criteria": lambda row: _CRITERIA.sub("", _notes(row)).strip("; "),
}
"""Name of a form: how it writes a row of the estimates table."""


@dataclass(frozen=True)
class Piece:
    """Words, and where they come from.

    Parameters
    ----------
    text
        What is shown.
    estimate
        Id of the row of the estimates table that is quoted; empty for other words.
    form
        Which of the :data:`FORMS` wrote the row.
    origin
        Where other words come from: ``config`` (the study's configuration), ``count`` (what was
        counted while reading the data); empty for the program's own.
    """

    text: str
    estimate: str = ""
    form: str = ""
    origin: Origin = ""

    def html(self) -> str:
        """Return the piece as HTML, escaped, with its origin."""
        shown = html.escape(self.text)
        if self.estimate:
            origin = f'data-estimate="{html.escape(self.estimate)}" data-form="{self.form}"'
            return f"<span {origin}>{shown}</span>"
        return f"<span data-{self.origin}>{shown}</span>" if self.origin else shown


class Text:
    """Words with quoted numbers.

    Examples
    --------
    >>> row = {"id": "a/mean", "estimate": -3.4, "lower": -5.0, "upper": -1.8}
    >>> text = words("difference ", quote(row, "estimate"), " ", quote(row, "interval"))
    >>> str(text)
    'difference −3.40 [−5.00, −1.80]'
    >>> text.html()[:62]
    'difference <span data-estimate="a/mean" data-form="estimate">−'
    """

    def __init__(self, pieces: Iterable[Piece] = ()) -> None:
        self.pieces = tuple(pieces)

    def __str__(self) -> str:
        return "".join(piece.text for piece in self.pieces)

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Text) and self.pieces == other.pieces

    def __hash__(self) -> int:
        return hash(self.pieces)

    def __repr__(self) -> str:
        return f"Text({str(self)!r})"

    def __html__(self) -> str:
        return self.html()

    def html(self) -> str:
        """Return the text as HTML, escaped, each number with its origin."""
        page = "".join(piece.html() for piece in self.pieces)
        # A symbol stays on the line of its number: n = 80, p < .001.
        return re.sub(r"(?:(?<![\w&;-])[nptgF] (?:= )?|\) = )(?=<span data-est)", _held, page)

    def held(self) -> str:
        """Return the text with each symbol held on the line of its number, as in ``html``."""
        return re.sub(r"(?<![\w-])[nptgF] = |\) = |\b[nptgF] (?=[<>])", _held, str(self))

    def capitalised(self) -> Text:
        """Return the text as a sentence begins; its first words are the program's own."""
        first, *others = self.pieces
        return words(capitalised(first.text), *others)

    def as_lists(self) -> list[list[str]]:
        """Return the pieces as plain lists, for JSON."""
        return [[p.text, p.estimate, p.form, p.origin] for p in self.pieces]

    @classmethod
    def from_lists(cls, pieces: Iterable[Iterable[str]]) -> Text:
        """Read what :meth:`as_lists` made."""
        return cls(Piece(*cast("tuple[str, str, str, Origin]", tuple(piece))) for piece in pieces)


Part = str | Piece | Text


def words(*parts: Part) -> Text:
    """Put words, quotes and texts after each other."""
    pieces: list[Piece] = []
    for part in parts:
        if isinstance(part, Text):
            pieces.extend(part.pieces)
        elif isinstance(part, Piece):
            pieces.append(part)
        elif part:
            pieces.append(Piece(part))
    return Text(pieces)


def with_size(row: Mapping[str, Any], form: str) -> Text:
    """Write what follows a group's name: its number of participants, never broken over lines."""
    equals = "n\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}"
    return words(f" ({equals}", quote(row, form), ")")


def estimated(row: Mapping[str, Any]) -> Text:
    """Write an estimate with its interval."""
    return words(quote(row, "estimate"), " ", quote(row, "interval"))


def quote(row: Mapping[str, Any], form: str) -> Piece:
    """Quote a row of the estimates table.

    Parameters
    ----------
    row
        The row.
    form
        One of the :data:`FORMS`.

    Raises
    ------
    KeyError
        When there is no such form.
    """
    return Piece(FORMS[form](row), str(row["id"]), form)


def participants(row: Mapping[str, Any], form: str = "count") -> Text:
    """Write a number of participants with its noun.

    Examples
    --------
    >>> str(participants({"id": "a", "estimate": 1.0, "notes": None}))
    '1 participant'
    """
    shown = quote(row, form)
    return words(shown, " participant" if shown.text == "1" else " participants")


def named(label: object) -> Piece:
    """Quote a word, a name or a number of the configuration."""
    return Piece(str(label), origin="config")


def tallied(n: int) -> Piece:
    """Write a count made while reading the data."""
    return Piece(str(n), origin="count")


def capitalised(text: str) -> str:
    """Start words with a capital, and leave the others as they are.

    Examples
    --------
    >>> capitalised("time to remission (HAM-D)")
    'Time to remission (HAM-D)'
    """
    return text[:1].upper() + text[1:]


def joined(parts: Iterable[Part], by: str = "; ") -> Text:
    """Put the same between all parts: a semicolon, as they may hold commas of their own.

    Examples
    --------
    >>> str(joined(["IPT 0.53 [0.19, 0.86]", "Medication 0.64 [0.31, 0.97]"]))
    'IPT 0.53 [0.19, 0.86]; Medication 0.64 [0.31, 0.97]'
    """
    parts = list(parts)
    return words(*[piece for part in parts[:-1] for piece in (part, by)], *parts[-1:])


def listed(parts: Iterable[Part], last: str = " and ") -> Text:
    """Join parts as a sentence lists them.

    Examples
    --------
    >>> str(listed(["grief", "role disputes", "role transitions"]))
    'grief, role disputes and role transitions'
    """
    parts = list(parts)
    if len(parts) < 2:
        return words(*parts)
    return words(joined(parts[:-1], ", "), last, parts[-1])
