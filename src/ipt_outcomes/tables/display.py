"""A table as a great_tables page: journal rules, no colour, the same bytes in every run."""

from __future__ import annotations

import html as escaping
from typing import TYPE_CHECKING, Any

import pandas as pd

from ipt_outcomes.tables.table import Table

if TYPE_CHECKING:
    from great_tables import GT

FONTS = ["Segoe UI", "Helvetica Neue", "Arial", "DejaVu Sans", "sans-serif"]


def as_great_table(table: Table) -> GT:
    """Lay a table out with great_tables.

    Parameters
    ----------
    table
        The table.

    Returns
    -------
    great_tables.GT
        With a fixed id, so that saving it twice gives the same file.
    """
    from great_tables import GT, html, loc, style

    keys = [f"column_{position}" for position, _ in enumerate(table.columns)]
    frame = pd.DataFrame(
        [
            [str(line.group or ""), str(line.label)]
            + ([str(cell) for cell in line.cells] or [""] * len(keys))
            for line in table.lines
        ],
        columns=["block", "label", *keys],
        dtype=str,
    )
    if not table.grouped:
        frame = frame.drop(columns="block")
    gt = GT(
        frame,
        id=f"table-{table.name}",
        rowname_col="label",
        groupname_col="block" if table.grouped else None,
    )
    gt = gt.tab_header(title=str(table.title)).tab_stubhead(label=str(table.stub))
    labels: dict[str, Any] = {
        key: html(f"<i>{escaping.escape(str(column.label))}</i>")
        if column.symbol
        else str(column.label)
        for key, column in zip(keys, table.columns, strict=True)
    }
    gt = gt.cols_label(**labels).cols_align("left" if table.prose else "right", columns=keys)
    start = 0
    for position, (spanner, columns) in enumerate(table.spanners()):
        if spanner is not None:
            under = keys[start : start + len(columns)]
            gt = gt.tab_spanner(str(spanner), columns=under, id=f"spanner-{position}")
        start += len(columns)
    if parts := [position for position, line in enumerate(table.lines) if line.indent]:
        gt = gt.tab_stub_indent(rows=parts, indent=3)
    for note in table.footnotes:
        gt = gt.tab_source_note(str(note))
    ink = "#1a1a1a"
    return (
        gt.opt_table_font(font=FONTS)
        .opt_align_table_header("left")
        .tab_style(style.css(_body(table)), loc.body())
        .tab_style(style.text(weight="bold"), loc.title())
        .tab_options(
            table_font_size="14px",
            table_font_color=ink,
            heading_title_font_size="15px",
            heading_title_font_weight="bold",
            heading_border_bottom_color=ink,
            heading_border_bottom_width="1.5px",
            table_border_top_style="none",
            table_border_bottom_style="none",
            column_labels_border_top_style="none",
            column_labels_border_bottom_color=ink,
            column_labels_border_bottom_width="1px",
            table_body_hlines_style="none",
            table_body_vlines_style="none",
            table_body_border_bottom_color=ink,
            table_body_border_bottom_width="1.5px",
            stub_border_style="none",
            row_group_border_top_color="#bbbbbb",
            row_group_border_top_width="1px",
            row_group_border_bottom_style="none",
            row_group_font_weight="bold",
            data_row_padding="4px",
            source_notes_border_bottom_style="none",
        )
    )


def _body(table: Table) -> str:
    return "vertical-align: top" if table.prose else "white-space: nowrap"
