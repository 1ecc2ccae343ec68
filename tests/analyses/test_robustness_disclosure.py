"""Remission under assumptions: few participants stay hidden, and intervals stay possible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ipt_outcomes.analyses.disclosure import hold_small_cells
from ipt_outcomes.analyses.proportions import wilson
from ipt_outcomes.analyses.robustness import robustness
from ipt_outcomes.figures import draw_figure
from ipt_outcomes.imputation.other_analyses import share_variance
from ipt_outcomes.results import estimates
from ipt_outcomes.tables import make_table

from .conftest import planned

PLAN = {"reference": "MED", "rubin_imputations": 10, "chained_equations": 3, "remission_at_most": 8,
        "delta": {"largest": 12, "steps": 3},
        "assumptions": ["missing-at-random", "jump-to-reference"]}  # fmt: skip
REMISSION = "robustness, remission, "
EXACT = ("missing is not remitted", "worst case", "best case", "tipping", "delta")


def with_remitters(data, wanted, **plan):
    """Let exactly so many of each arm be seen in remission at week 16."""
    scores = data.scores.merge(data.participants[["participant", "arm"]])
    values = scores["score"].to_numpy(float).copy()
    for arm, n in wanted.items():
        own = (scores["arm"] == arm) & (scores["visit"] == "week_16") & scores["score"].notna()
        at = np.flatnonzero(own)
        at = at[np.argsort(values[at])]
        values[at[:n]] = np.minimum(values[at[:n]], 8)
        values[at[n:]] = np.maximum(values[at[n:]], 9)
    scores = scores.assign(score=values).drop(columns="arm")
    return planned(replace(data, scores=scores), robustness=PLAN | plan)


@pytest.fixture(scope="module")
def kept():
    """Keep tables between tests."""
    return {}


def of_remission(reference_trial, kept, wanted):
    key = str(wanted)
    if key not in kept:
        data = with_remitters(reference_trial, wanted)
        kept[key] = data, robustness(data)
    data, table = kept[key]
    return data, table[table["analysis"].str.startswith(REMISSION)]


def test_two_in_remission_cannot_be_had_from_any_row(reference_trial, kept):
    _, rows = of_remission(reference_trial, kept, {"IPT": 2})
    shares = rows[rows["quantity"] == "probability"]
    assert len(shares) == 3 * 4  # three arms: two assumptions, chained equations, not remitted
    numbers = ["estimate", "se", "df", "lower", "upper", "p"]
    assert shares[[*numbers, "n_arm"]].isna().all(axis=None)
    own = shares["arm"] == "IPT"
    assert shares.loc[own, "notes"].str.contains("fewer than 5").all()
    assert shares.loc[~own, "notes"].str.contains("would reveal a count below 5").all()
    exact = rows[rows["analysis"].str.removeprefix(REMISSION).str.startswith(EXACT)]
    told = set(exact["analysis"].str.removeprefix(REMISSION))
    assert told == {"missing is not remitted", "worst case", "best case", "tipping counts",
                    "tipping points"}  # fmt: skip
    assert exact[numbers].isna().all(axis=None)
    assert not exact["contrast"].dropna().str.contains(r"\d", regex=True).any()
    # Imputed differences stay: every arm has five unseen scores or more.
    left = rows[(rows["quantity"] == "difference") & ~rows.index.isin(exact.index)]
    assert len(left)
    unseen = [int(n) for note in left["notes"] for n in [note.split(" of ")[0]]]
    assert left["estimate"].notna().all() == (min(unseen) >= 5)


def test_few_without_remission_are_hidden_as_well(reference_trial, kept):
    scores = reference_trial.scores.merge(reference_trial.participants[["participant", "arm"]])
    at = scores[(scores["visit"] == "week_16") & scores["score"].notna()]
    seen = int((at["arm"] == "IPT").sum())
    _, rows = of_remission(reference_trial, kept, {"IPT": seen - 2})
    shares = rows[rows["quantity"] == "probability"]
    assert shares["estimate"].isna().all()


def test_the_last_pass_hides_a_share_of_two():
    about = dict(trial="t", outcome="x", analysis_set="all", method="m", status="exploratory",  # noqa: C408
                 disclosure="shared", arm="IPT", n_arm=30)  # fmt: skip
    rows = estimates([
        {**about, "analysis": f"{REMISSION}missing is not remitted", "quantity": "probability",
         "estimate": 2 / 30},
        {**about, "analysis": f"{REMISSION}tipping count 1", "quantity": "count", "estimate": 3},
        {**about, "analysis": "robustness, verdict", "quantity": "count", "estimate": 2},
    ])  # fmt: skip
    assert hold_small_cells(rows, 5)["estimate"].isna().tolist() == [True, False, False]


def test_the_table_and_the_figure_say_what_is_not_shown(reference_trial, kept):
    data, rows = of_remission(reference_trial, kept, {"IPT": 2})
    about = {"study": data.study, "estimates": rows, "trial": data.trial}
    table = make_table("robustness", **about)
    said = [str(cell) for line in table.lines for cell in line.cells]
    assert "not shown" in said
    assert any("give a small count of participants back" in str(f) for f in table.footnotes)
    drawing = draw_figure("robustness_remission", **about)
    assert "give a small count of participants back" in str(drawing.caption)
    few = rows[rows["estimate"].isna()]
    bare = draw_figure("robustness_remission", study=data.study, estimates=few, trial=data.trial)
    (axes,) = bare.figure.axes
    assert axes.get_xlim() == pytest.approx((-1.12, 1.12))


def test_nobody_in_remission_has_an_interval_between_0_and_1(reference_trial, kept):
    _, rows = of_remission(reference_trial, kept, {"IPT": 0, "MED": 15, "IPT+MED": 15})
    none = rows[rows["analysis"] == f"{REMISSION}missing is not remitted"]
    share = none[(none["quantity"] == "probability") & (none["arm"] == "IPT")].iloc[0]
    assert share["estimate"] == 0
    assert share["se"] > 0
    assert (share["lower"], share["upper"]) == pytest.approx(wilson(0.0, share["n_arm"]))
    shares = rows[(rows["quantity"] == "probability") & rows["estimate"].notna()]
    assert shares["lower"].ge(0).all()
    assert shares["upper"].le(1).all()
    differences = rows[rows["unit"].eq("proportion") & rows["quantity"].eq("difference")]
    shown = differences[differences["lower"].notna()]
    assert shown["lower"].ge(-1).all()
    assert shown["upper"].le(1).all()
    one = none[(none["quantity"] == "difference") & (none["arm"] == "IPT")].iloc[0]
    other = none[(none["quantity"] == "probability") & (none["arm"] == "MED")].iloc[0]
    assert one["se"] ** 2 == pytest.approx(share["se"] ** 2 + other["se"] ** 2)


def test_the_variance_is_that_of_one_more_with_and_without():
    n, s = 40, np.array([0, 12, 40])
    shrunken = (s + 1) / (n + 2)
    assert share_variance(s / n, n) == pytest.approx(shrunken * (1 - shrunken) / n)


def test_hidden_rows_say_nothing_about_the_imputations(reference_trial, kept):
    _, rows = of_remission(reference_trial, kept, {"IPT": 2})
    hidden = rows[rows["estimate"].isna()]
    assert not hidden["notes"].str.contains("Monte-Carlo|enough").any()
