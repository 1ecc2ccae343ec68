"""A table in the forms in which it leaves the program: a page of its own, CSV and LaTeX."""

from __future__ import annotations

from pathlib import Path

from ipt_outcomes.results import spreadsheet_safe
from ipt_outcomes.tables.display import as_great_table
from ipt_outcomes.tables.latex import as_latex
from ipt_outcomes.tables.table import Table
from ipt_outcomes.whole_files import whole_file


def save_table(table: Table, stem: str | Path) -> None:
    """Write a table as a page of its own, as CSV and as LaTeX, each whole or not at all.

    Parameters
    ----------
    table
        The table.
    stem
        Path without ending; ``.html``, ``.csv`` and ``.tex`` are added.
    """
    page = as_great_table(table).as_raw_html(make_page=True)
    for ending, text in (("html", page.rstrip() + "\n"), ("tex", as_latex(table))):
        with whole_file(f"{stem}.{ending}") as part:
            part.write_text(text, "utf-8")
    save_table_csv(table, f"{stem}.csv")


def save_table_csv(table: Table, path: str | Path) -> None:
    """Write a table as CSV.

    It starts with a byte order mark, without which spreadsheet programs garble minus signs.

    Parameters
    ----------
    table
        The table.
    path
        The file.
    """
    safe = table.frame().map(spreadsheet_safe)
    safe.columns = [spreadsheet_safe(str(name)) for name in safe.columns]
    with whole_file(path) as part:
        safe.to_csv(part, index=False, encoding="utf-8-sig", lineterminator="\n")
