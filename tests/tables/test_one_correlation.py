"""One intraclass correlation for all arms, where their residual variance is one."""

from __future__ import annotations

from ipt_outcomes.figures import draw_figure
from ipt_outcomes.tables import make_tables


def of_all_arms(rows):
    alike = rows["quantity"] == "intraclass correlation"
    assert alike.any()
    first = alike & ~rows.duplicated(["analysis", "outcome", "visit", "quantity"])
    kept = rows[~alike | first].reset_index(drop=True)
    one = kept["quantity"] == "intraclass correlation"
    return kept.assign(arm=kept["arm"].mask(one))


def test_it_is_called_that_of_all_arms(example, rows):
    common = of_all_arms(rows)
    table = make_tables(study=example, estimates=common, trial="example")["therapists"]
    labels = [str(line.label) for line in table.lines]
    assert "Intraclass correlation, all arms" in labels
    drawing = draw_figure("therapists", study=example, estimates=common, trial="example")
    assert "intraclass correlations" in str(drawing.alt_text)
