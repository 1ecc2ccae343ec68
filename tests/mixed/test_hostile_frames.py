"""Frames as they come: odd types, infinite numbers, wrong requests. An answer or a clear refusal.

Nothing but a ``MixedModelError`` may escape, and no warning: warnings are errors here.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.mixed import ConvergenceError, MixedModelError, mixed_model
from ipt_outcomes.mixed.sum_coding import to_sum_coding

pytestmark = pytest.mark.filterwarnings("error")


def draw(n=40, visits=4, seed=8):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "participant": np.repeat(np.arange(n), visits),
            "week": np.tile(4 * np.arange(1, visits + 1), n),
            "arm": np.repeat(np.where(np.arange(n) % 2, "IPT", "MED"), visits),
            "baseline": np.repeat(rng.normal(20, 4, n), visits),
        }
    )
    own = np.repeat(rng.normal(0, 3, n), visits)
    frame["score"] = 15 - 0.3 * frame["week"] + own + rng.normal(0, 2, n * visits)
    frame["therapist"] = "T" + (frame["participant"] // 4).astype(str)
    return frame


def fit(frame, formula="score ~ baseline + arm*week", **request):
    request = {"participant": "participant", "visit": "week", "reference": {"arm": "MED"}} | request
    return mixed_model(formula, frame, **request)


def as_object(column):
    """A column as a spreadsheet with empty cells gives it."""
    return column.astype(object).where(column.index % 9 > 0, None)


SAME_ANSWER = {
    "outcome of objects": lambda f: f.assign(score=as_object(f["score"])),
    "nullable outcome": lambda f: f.assign(
        score=f["score"].where(f.index % 9 > 0).astype("Float64")
    ),
    "baseline of objects": lambda f: f.assign(baseline=as_object(f["baseline"])),
    "visits of objects": lambda f: f.assign(week=as_object(f["week"])),
    "nullable visits": lambda f: f.assign(week=f["week"].where(f.index % 9 > 0).astype("Int64")),
    "durations as visits": lambda f: f.assign(week=pd.to_timedelta(f["week"] * 7, unit="D")),
    "dates as visits": lambda f: f.assign(
        week=pd.Timestamp("2020-01-01") + pd.to_timedelta(f["week"] * 7, unit="D")
    ),
    "true and false as arms": lambda f: f.assign(arm=(f["arm"] == "IPT").astype("boolean")),
    "unused levels": lambda f: f.assign(
        arm=pd.Categorical(f["arm"], categories=["X", "MED", "IPT", "Y"])
    ),
    "mixed identifiers": lambda f: f.assign(
        participant=f["participant"]
        .astype(object)
        .where(f["participant"] > 4, "p" + f["participant"].astype(str))
    ),
    "one index for all rows": lambda f: f.set_index(np.zeros(len(f), int)),
    "a doubled column that is not used": lambda f: pd.concat([f, f[["therapist"]]], axis=1),
}


@pytest.mark.parametrize("case", SAME_ANSWER)
def test_types_of_columns_do_not_matter(case):
    frame = draw()
    moved = SAME_ANSWER[case](frame)
    some_missing = "objects" in case or "nullable" in case
    plain = frame[frame.index % 9 > 0] if some_missing else frame
    reference = {} if case.startswith("true and false") else {"arm": "MED"}
    one = fit(plain).contrasts("arm", by="week", reference=None)
    two = fit(moved, reference=reference).contrasts("arm", by="week")
    columns = ["estimate", "se", "df"]
    np.testing.assert_allclose(np.abs(one[columns]), np.abs(two[columns]), rtol=1e-8)


REFUSED = {
    "numbers and text in a covariate": (
        lambda f: f.assign(baseline=f["baseline"].astype(object).where(f["participant"] > 3, "12")),
        {},
        "mixes values of different kinds",
    ),
    "a date as covariate": (
        lambda f: f.assign(
            baseline=pd.Timestamp("2020-01-01") + pd.to_timedelta(f["participant"], unit="D")
        ),
        {},
        "make it a number",
    ),
    "true and false as outcome": (
        lambda f: f.assign(score=f["score"] > 9),
        {},
        "of type bool; it must be numbers",
    ),
    "infinite visits": (
        lambda f: f.assign(week=f["week"].where(f["week"] < 16, np.inf)),
        {},
        "infinite",
    ),
    "infinite times": (
        lambda f: f.assign(t=np.where(f.index % 5, f["week"], np.inf)),
        {"time": "t", "covariance": "sp_exp"},
        "infinite in 32 rows",
    ),
    "infinite random effects": (
        lambda f: f.assign(t=np.where(f.index % 5, f["week"], np.inf)),
        {"random": "1 + t"},
        "not finite in 32 rows",
    ),
    "the same time twice": (
        lambda f: f.assign(t=np.where(f["week"] < 9, 4.0, f["week"])),
        {"time": "t", "covariance": "sp_exp"},
        "same time twice for 40 participants",
    ),
    "text as weights": (lambda f: f.assign(w="a"), {"weights": "w"}, "weights column 'w'"),
    "weights beside clusters": (
        lambda f: f.assign(w=1.0),
        {"weights": "w", "cluster": "therapist"},
        "weights= beside random effects or clusters",
    ),
    "an outcome beyond squares": (
        lambda f: f.assign(score=1e150 * f["score"]),
        {},
        "change its unit",
    ),
    "a covariate below squares": (
        lambda f: f.assign(baseline=1e-150 * f["baseline"]),
        {},
        "change its unit",
    ),
    "an unknown function": (lambda f: f, {"formula": "score ~ foo(baseline)"}, "foo"),
    "a misspelt name in a function": (
        lambda f: f,
        {"formula": "score ~ log(basline)"},
        "basline.*cannot be evaluated",
    ),
    "the logarithm of text": (lambda f: f, {"formula": "score ~ log(arm)"}, "cannot be evaluated"),
    "the logarithm of zero": (
        lambda f: f.assign(baseline=f["participant"] % 3),
        {"formula": "score ~ log(baseline) + arm"},
        "not finite",
    ),
    "a bar in the formula": (lambda f: f, {"formula": "score ~ arm | week"}, "more than one part"),
    "a function of clusters": (
        lambda f: f,
        {"cluster": "therapist", "cluster_where": "arm.nothing()"},
        "cannot be evaluated",
    ),
    "no frame": (lambda f: f.to_dict("list"), {}, "must be a pandas DataFrame"),
    "a list of participants": (lambda f: f, {"participant": ["participant"]}, "must be text"),
    "reml in words": (lambda f: f, {"reml": "no"}, "reml='no' must be True or False"),
    "a reference without its column": (lambda f: f, {"reference": "MED"}, "name columns"),
    "mmrm's parameters with random effects": (
        lambda f: f,
        {"random": "1", "df": "kenward-roger-mmrm"},
        "neither random effects nor clusters",
    ),
    "a doubled column": (lambda f: pd.concat([f, f[["score"]]], axis=1), {}, "2 columns named"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_in_words(case):
    change, request, told = REFUSED[case]
    with pytest.raises(MixedModelError, match=told):
        fit(change(draw()), **request)


NOT_IDENTIFIED = {
    "one visit each": (
        lambda f: f[f["week"] == 4 * (1 + f["participant"] // 2 % 4)],
        {"formula": "score ~ arm"},
        r"covariance\(4, 8\)",
    ),
    "random intercepts of one visit": (
        lambda f: f[f["week"] == 4],
        {"formula": "score ~ arm", "random": "1"},
        r"variance\(Intercept\), residual variance",
    ),
    "random slopes of two visits": (
        lambda f: f[f["week"] < 9],
        {"random": "1 + week"},
        r"variance\(week\), residual variance",
    ),
    "random effects of every visit": (lambda f: f, {"random": "0 + C(week)"}, "residual variance"),
    "participants as clusters": (
        lambda f: f,
        {"random": "1", "cluster": "participant"},
        r"variance\(Intercept\), cluster variance",
    ),
}


@pytest.mark.parametrize("case", NOT_IDENTIFIED)
def test_what_the_data_cannot_tell_apart_is_named(case):
    change, request, told = NOT_IDENTIFIED[case]
    with pytest.raises(ConvergenceError, match=f"cannot tell apart .*{told}"):
        fit(change(draw()), **request)


def test_more_parameters_than_data_are_not_tried():
    with pytest.raises(ConvergenceError, match="400 parameters cannot be estimated from 160"):
        fit(draw(), "score ~ arm", covariance_by="participant")
    steps = ["heterogeneous toeplitz", "compound symmetry"]
    wide = fit(draw(12, 120), "score ~ arm", df="satterthwaite", fallback=steps)
    assert wide.covariance_used == "compound symmetry"
    assert "7260 parameters cannot be estimated from 1440" in wide.steps[0][1]
    assert "too many for memory" in wide.steps[1][1]


def test_empty_text_and_numbers_as_text_are_noted():
    frame = draw()
    notes = fit(frame.assign(arm=frame["arm"].where(frame["participant"] > 2, ""))).notes
    assert any("empty text counts as a level" in note for note in notes)
    frame["dose"] = (frame["participant"] % 12).astype(str)
    notes = fit(frame, "score ~ dose + arm*week").notes
    assert any("numbers written as text" in note for note in notes)


def test_a_residual_variance_does_not_become_negative():
    # the second visit copies the first: its own residual variance would be best below zero
    frame = draw(60, 3)
    first = frame["score"].where(frame["week"] == 4).groupby(frame["participant"]).transform("max")
    rng = np.random.default_rng(1)
    last = 2.5 * first + rng.normal(0, 0.1, len(frame))
    frame["score"] = np.where(frame["week"] == 8, last, frame["score"])
    result = fit(frame, random="1", covariance="heterogeneous independent", df="normal")
    assert any("residuals (variance(4)) is zero" in note for note in result.notes)
    diagonal = np.diag(result.covariance)
    assert diagonal == pytest.approx([0, 30.15113, 8.578936], abs=1e-4)
    # the maximum over positive variances, found by a simplex search from twelve places
    assert result.loglik == pytest.approx(-492.684535, abs=1e-5)


def test_missing_groups_of_clusters_are_counted():
    frame = draw()
    frame["group"] = np.where(frame["participant"] > 5, frame["arm"], None)
    result = fit(frame, cluster="therapist", cluster_by="group")
    assert result.counts["excluded: group missing"] == 24


@pytest.mark.parametrize(
    "formula", ["score ~ site*week + arm", "score ~ 0 + baseline + site*arm", "score ~ arm/week"]
)
def test_type_three_rows_are_those_of_sum_to_zero_coding(formula):
    # With thirty sites a sample of rows misses cells; here every cell of the factors is there once.
    frame = draw(120, 3).assign(site=lambda d: "s" + (d["participant"] // 2 % 30).astype(str))
    design = fit(frame, formula, df="normal", reference={}).design
    levels = {f.expression: f.levels for f in design.factors if f.categorical}
    names = list(levels)
    cells = pd.MultiIndex.from_product(levels.values(), names=names).to_frame(index=False)
    cells["baseline"] = np.random.default_rng(0).normal(size=len(cells))
    own = design.rows(cells, len(cells))
    kept = {(c.term, f) for c in design.columns for f, level in c.parts if level == 0}
    summed = np.ones_like(own)
    for j, column in enumerate(design.columns):
        for f, c in column.parts:
            factor = design.factors[f]
            if not factor.categorical:
                summed[:, j] *= cells[factor.expression]
                continue
            codes = factor.codes(cells)
            reference = 0 if (column.term, f) in kept else (codes == 0).astype(float)
            summed[:, j] *= (codes == c) - reference
    np.testing.assert_allclose(summed @ to_sum_coding(design), own, atol=1e-10)
