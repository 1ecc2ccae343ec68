"""The numbers that a report quotes, held against the rows of the estimates table that they name."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser

import pandas as pd

from ipt_outcomes.provenance.integrity import Check
from ipt_outcomes.tables.quotes import FORMS

VOID = {"meta", "link", "img", "br", "input", "hr", "col"}


class _Quotes(HTMLParser):
    """Collects (estimate, form, text) of every element that names an estimate."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, list[str]] | None] = []
        self.found: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in VOID:
            return
        of = dict(attrs)
        name, form = of.get("data-estimate"), of.get("data-form")
        self.open.append((f"{name}\n{form}", []) if name and form else None)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or not self.open:
            return
        ended = self.open.pop()
        if ended is not None:
            name, form = ended[0].split("\n")
            self.found.append((name, form, "".join(ended[1])))

    def handle_data(self, data: str) -> None:
        for entry in self.open:
            if entry is not None:
                entry[1].append(data)


def quoted_numbers(page: str, estimates: pd.DataFrame) -> Iterator[Check]:
    """Check every number of a page that names its estimate.

    Parameters
    ----------
    page
        The report (HTML).
    estimates
        The published estimates, which were compared with the rebuilt ones.
    """
    reader = _Quotes()
    reader.feed(page)
    rows = {
        str(row["id"]): {str(n): None if pd.isna(v) else v for n, v in row.items()}
        for row in estimates.to_dict("records")
    }
    wrong, right = {}, 0
    for name, form, text in reader.found:
        if name not in rows or form not in FORMS:
            wrong[f"{name} ({form})"] = f"the report says {text!r}, no row has this name"
            continue
        expected = FORMS[form](rows[name])
        if text.strip() == str(expected).strip():
            right += 1
        else:
            wrong[f"{name} ({form})"] = f"the report says {text!r}, the row {expected!r}"
    for what, said in wrong.items():
        yield Check("report", what, "fail", said)
    if right:
        yield Check("report", "results/report.html", "pass", f"{right} quoted numbers agree")
    elif not wrong:
        yield Check("report", "results/report.html", "fail", "quotes no number")
