"""The report as documents: a Word file to edit and a PDF to read, with the page's own content."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path

import pandas as pd

from ipt_outcomes.report.blocks import blocks, standing
from ipt_outcomes.report.contents import report_sections
from ipt_outcomes.report.pdf import write_pdf
from ipt_outcomes.report.pieces import TrialPieces
from ipt_outcomes.report.word import write_word
from ipt_outcomes.study import Study


def render_documents(
    *,
    study: Study,
    estimates: pd.DataFrame,
    trials: Mapping[str, TrialPieces],
    provenance: Mapping[str, Mapping[str, str]],
    word: str | Path,
    pdf: str | Path,
    locked_plan: str | None = None,
    deviations: Sequence[str] = (),
    masked: bool = False,
    syntheses: Mapping[str, Sequence[str | Path]] | None = None,
) -> None:
    """Write the report as a Word file and as a PDF.

    Parameters
    ----------
    study, estimates, trials, provenance, locked_plan, deviations, masked, syntheses
        As for :func:`ipt_outcomes.report.page.render_report`.
    word, pdf
        Where to write; each file appears whole or not at all.
    """
    sections = report_sections(
        study=study,
        estimates=estimates,
        trials=trials,
        locked_plan=locked_plan,
        deviations=deviations,
        syntheses=syntheses,
    )
    content = list(
        chain(standing(study, locked_plan, deviations, masked), blocks(sections, provenance))
    )
    write_word(study.study.title, content, word)
    write_pdf(study.study.title, content, pdf)
