"""Analyses that the data do not allow: tables and figures are made without them, and say so."""

from __future__ import annotations

from types import SimpleNamespace

import pandas as pd
import pytest

from ipt_outcomes.analyses.attempts import ALWAYS_ANSWERS, answered
from ipt_outcomes.analyses.status import StatusError
from ipt_outcomes.figures import draw_figure, figure_names
from ipt_outcomes.study import Study
from ipt_outcomes.tables import make_tables

KEPT = ("flow", "baseline", "observed", "primary", "not analysed", "intercurrent")


@pytest.fixture(scope="module")
def refused(whole: Study, whole_rows: pd.DataFrame) -> pd.DataFrame:
    """Only the primary analysis is left."""
    (trial,) = whole.trials
    data = SimpleNamespace(trial=trial, study=whole)

    def ask() -> pd.DataFrame:
        raise StatusError("nobody has it. Take it out.")

    kept = whole_rows[whole_rows["analysis"].str.startswith(KEPT)]
    names = [name for name, plan in whole.analyses if plan and name not in ALWAYS_ANSWERS]
    assert len(names) > 15
    return pd.concat([kept, *(answered(data, name, ask) for name in names)], ignore_index=True)


def test_all_of_them_stand_in_one_table(whole, refused):
    (trial,) = whole.trials
    made = make_tables(study=whole, estimates=refused, trial=trial)
    listed = made["analysis_not_possible"]
    groups = [str(line.group) for line in listed.lines]
    asked = {name for name, plan in whole.analyses if plan and name not in ALWAYS_ANSWERS}
    assert len(listed.lines) == len(asked)
    assert any(group.startswith("Dose response") for group in groups), groups
    assert any("nobody has it. Take it out" in str(note) for note in listed.footnotes)


def test_every_figure_is_drawn_and_says_what_is_not_there(whole, refused):
    (trial,) = whole.trials
    told = []
    for name in figure_names(whole, trial):
        drawing = draw_figure(name, study=whole, estimates=refused, trial=trial)
        told += [name] * ("not possible: nobody has it" in str(drawing.caption))
    own = {name for name in figure_names(whole, trial) if not name.startswith("adjusted_means_")}
    # figures of describe; and parts of analyses that have a figure of their own which says it
    parts = {"participant_flow", "baseline_distributions", "durability", "additivity"}
    assert own - set(told) <= parts
