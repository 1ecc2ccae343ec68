"""The report of a made-up trial, for the tests that look at it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from made_up import COUNTS

from ipt_outcomes.figures import draw_figure, figure_names
from ipt_outcomes.figures.drawing import words_as_json
from ipt_outcomes.report.page import report_html
from ipt_outcomes.report.pieces import ReportPieces, TrialPieces
from ipt_outcomes.study import Study

SOFTWARE = {"Software": {"Python": "3.11.2", "numpy": "2.4.6"}}
TRACED = ("data-estimate", "data-config", "data-count", "data-provenance", "data-number")


def pieces(
    study: Study, rows: pd.DataFrame, folder: Path, trial: str = "example", whole: bool = False
) -> TrialPieces:
    paths = []
    for name in figure_names(study, trial):
        drawing = draw_figure(name, study=study, estimates=rows, trial=trial)
        paths.append(folder / trial / f"{name}.json")
        if whole:
            drawing.save(folder / trial / name)
        else:  # the words alone; drawing all formats takes a second each
            paths[-1].parent.mkdir(exist_ok=True)
            paths[-1].with_suffix(".svg").write_text('<svg viewBox="0 0 510 300"/>')
            paths[-1].write_text(
                words_as_json(title=drawing.title, caption=drawing.caption,
                              alt_text=drawing.alt_text),
                "utf-8",
            )  # fmt: skip
    return TrialPieces(figures=paths, data_quality=COUNTS)


def written(
    study: Study, rows: pd.DataFrame, about: TrialPieces, locked_plan: str | None = None
) -> str:
    return report_html(ReportPieces(study=study, estimates=rows, trials={"example": about},
                                    provenance=SOFTWARE, locked_plan=locked_plan))  # fmt: skip
