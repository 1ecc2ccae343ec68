"""A finished figure and the files in which it leaves the program.

Beside the picture (PNG at 300 dpi, SVG, PDF) stand the plotted data (CSV) and the words (JSON:
title, caption, text for those who cannot see it; the same caption as reStructuredText). No file
holds a date or the name of a program, so the same results give the same bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from ipt_outcomes.figures.style import styled
from ipt_outcomes.results import spreadsheet_frame
from ipt_outcomes.tables.quotes import Text
from ipt_outcomes.whole_files import whole_file

DPI = 300
NO_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True)
class Drawing:
    """A figure with its words and data.

    Parameters
    ----------
    figure
        The matplotlib figure.
    data
        What is plotted: one row per mark, with the id of its row of the estimates table.
    title
        What it shows, in a line.
    caption
        How to read it: n, model, method, what the interval is.
    alt_text
        What there is to see, for those who cannot see it.
    """

    figure: Figure
    data: pd.DataFrame
    title: Text
    caption: Text
    alt_text: Text

    def save(self, stem: str | Path) -> None:
        """Write all files of the figure; see :func:`save_figure`."""
        save_figure(
            self.figure,
            stem,
            data=self.data,
            title=self.title,
            caption=self.caption,
            alt_text=self.alt_text,
        )


def save_figure(
    figure: Figure,
    stem: str | Path,
    *,
    data: pd.DataFrame,
    title: Text,
    caption: Text,
    alt_text: Text,
) -> None:
    """Write a figure as PNG, SVG and PDF with its data and words, each file whole or not at all.

    Parameters
    ----------
    figure
        The figure.
    stem
        Path without ending; ``.png``, ``.svg``, ``.pdf``, ``.csv``, ``.json``, ``.rst`` are added.
    data
        The plotted data.
    title, caption, alt_text
        The words.
    """
    with styled():
        for kind, metadata in NO_METADATA.items():
            with whole_file(f"{stem}.{kind}") as part:
                figure.savefig(part, format=kind, dpi=DPI, metadata=metadata)
    with whole_file(f"{stem}.csv") as part:
        spreadsheet_frame(data).to_csv(part, index=False, lineterminator="\n")
    described = words_as_json(title=title, caption=caption, alt_text=alt_text) + "\n"
    paragraph = f"**{_restructured(str(title))}**\n\n{_restructured(str(caption))}\n"
    for kind, text in (("json", described), ("rst", paragraph)):
        with whole_file(f"{stem}.{kind}") as part:
            part.write_text(text, "utf-8")


def words_as_json(*, title: Text, caption: Text, alt_text: Text) -> str:
    """Return a figure's words as JSON: plain, and in pieces that know their rows."""
    texts = {"title": title, "caption": caption, "alt_text": alt_text}
    plain = {name: str(text) for name, text in texts.items()}
    pieces = {name: text.as_lists() for name, text in texts.items()}
    return json.dumps({**plain, "pieces": pieces}, indent=1, ensure_ascii=False)


def _restructured(text: str) -> str:
    """Escape what reStructuredText would read as markup, and keep it on one line."""
    return re.sub(r"([^\w\s])", r"\\\1", " ".join(text.split()))
