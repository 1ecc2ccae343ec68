"""What identifies a person directly: by the name of a column, and by what stands in an entry.

The kinds are data (``identifiers.yaml``, each with its source): the eighteen identifiers of 45 CFR
164.514(b)(2)(i) and numbers of other countries. An entry is judged alone; numbers of registers
have to fulfil their check digits, so that a score or a study number is not taken for one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources

import yaml

from ipt_outcomes.ingest.check_digits import CHECKS

_INSTITUTION = re.compile(
    r"\b(hospital|clinic|klinik\w*|spital|university|universität\w*|center|centre|institut\w*|"
    r"ward|unit|praxis|practice|health|school|college|san|santa|saint|st\.?|site|department)\b",
    re.IGNORECASE,
)
_FORM_OF_ADDRESS = re.compile(
    r"(mr|mrs|ms|miss|mx|dr|prof|herr|frau|mme|monsieur|madame|señora?|sr|sra|dhr|mevr)\.?\s+"
    r"(?:[A-ZÀ-ÞŁŚŻ]\.\s*)*[A-ZÀ-ÞŁŚŻ][\w'’-]+.*",
)
_WORD = r"[A-ZÀ-ÞŁŚŻČŠŽ][\w'’.-]*"
_CAPITALISED = re.compile(
    rf"{_WORD}(?:,?\s+(?:(?:van|von|de|der|den|da|di|del|la|le)\s+)*{_WORD}){{1,3}}"
)
_BEFORE = (
    r"(?:(?:patient|participant|subject|client|pt|home|baseline|bl|screening|demog?|contact) )?"
)


@dataclass(frozen=True)
class Kind:
    """One kind of direct identifier.

    Parameters
    ----------
    name
        What it is called in messages.
    hipaa
        Its letter in 45 CFR 164.514(b)(2)(i).
    heads
        Fits the names of columns.
    entries
        Fit entries.
    within
        Whether it may stand in a longer text.
    check
        Arithmetic that an entry must fulfil.
    source
        Where its form is laid down.
    """

    name: str
    hipaa: str
    heads: re.Pattern[str] | None
    entries: tuple[re.Pattern[str], ...]
    within: bool
    check: Callable[[str], bool] | None
    source: str

    def in_entry(self, text: str) -> bool:
        """Tell whether an entry is one of this kind."""
        for pattern in self.entries:
            found = pattern.search(text) if self.within else pattern.fullmatch(text)
            if found is not None and (self.check is None or self.check(found.group())):
                return True
        return False


@cache
def kinds() -> tuple[Kind, ...]:
    """Return all kinds of identifiers.

    Examples
    --------
    >>> sorted({kind.hipaa for kind in kinds()}) == list("ABCDEFGHIJKLMNOPQR")
    True
    """
    text = (resources.files(__package__) / "identifiers.yaml").read_text("utf-8")
    table = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return tuple(
        Kind(
            name,
            given["hipaa"],
            _heads(given.get("names", [])),
            tuple(re.compile(p, re.IGNORECASE) for p in given.get("content", [])),
            given.get("within", False),
            CHECKS.get(given.get("check", "")),
            given["source"],
        )
        for name, given in table.items()
    )


def _heads(patterns: list[str]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    # Words of a column's name may be written together: every blank is optional.
    loose = (p.replace(" ?", " ").replace(" ", " ?") for p in patterns)
    return re.compile(f"{_BEFORE.replace(' ', ' ?')}(?:{'|'.join(loose)})(?: ?[0-9]{{1,2}})?")


@cache
def _given_names() -> frozenset[str]:
    text = (resources.files(__package__) / "given_names.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def identifying_name(column: str) -> Kind | None:
    """Return the kind of identifier that a column is named for; None when it is none.

    Examples
    --------
    >>> identifying_name("DateOfBirth").name, identifying_name("patient_e-mail_2").name
    ('date of birth', 'e-mail address')
    >>> identifying_name("redcap_event_name") is None
    True
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column)
    plain = re.sub(r"[^a-z0-9]+", " ", _without_marks(spaced.casefold())).strip()
    for kind in kinds():
        if kind.heads is not None and kind.heads.fullmatch(plain):
            return kind
    return None


def _without_marks(text: str) -> str:
    for marked, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("ß", "ss"), ("é", "e"),
                          ("è", "e"), ("ê", "e"), ("ç", "c"), ("ø", "o"), ("ñ", "n"),
                          ("ó", "o"), ("í", "i"), ("á", "a"), ("ú", "u"), ("à", "a"),
                          ("'", " "), ("’", " ")):  # fmt: skip
        text = text.replace(marked, plain)
    return text


@lru_cache(maxsize=100_000)
def identifying_entry(text: str) -> Kind | None:
    """Return the kind of identifier that an entry looks like; None when it looks like none.

    Examples
    --------
    >>> identifying_entry("anna@example.org").name, identifying_entry("Anna Muster").name
    ('e-mail address', "person's name in an entry")
    >>> [identifying_entry(text) for text in ("17", "12.5", "2024-02-27", "T13", "Moved away")]
    [None, None, None, None, None]
    """
    text = text.strip()
    if len(text) < 3:
        return None
    for kind in kinds():
        if kind.entries and kind.in_entry(text):
            return kind
    return _person() if _names_a_person(text) else None


def looks_like_a_name(text: str) -> bool:
    """Tell whether an entry could be a name: several capitalised words, known names or not.

    Too many other texts look so for it to be refused, but no message needs to quote it.

    Examples
    --------
    >>> looks_like_a_name("Kunigunde Brunnenthal"), looks_like_a_name("Moved away")
    (True, False)
    """
    return _CAPITALISED.fullmatch(text.strip()) is not None


@cache
def _person() -> Kind:
    return next(kind for kind in kinds() if kind.name == "person's name in an entry")


def _names_a_person(text: str) -> bool:
    if _INSTITUTION.search(text) or any(c.isdigit() for c in text):
        return False
    if _FORM_OF_ADDRESS.fullmatch(text[:1].lower() + text[1:]):
        return True
    if _CAPITALISED.fullmatch(text) is None:
        return False
    words = re.split(r"[,\s]+", text.casefold())
    return any(part in _given_names() for word in words for part in (word, *word.split("-")))
