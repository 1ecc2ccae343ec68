"""Growth: lme4's slopes and likelihoods, phases, durability, sessions, sustained response."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.growth import _variances, growth
from ipt_outcomes.analyses.growth_data import GrowthError
from ipt_outcomes.study import Study
from ipt_outcomes.study.contradictions import contradictions

from .conftest import example_config
from .simulated import stored_trial

PHASES = {"initial": 4, "middle": 12, "termination": 16}


def weekly(**plan):
    return stored_trial("weekly", "CM", {"growth": {"phases": PHASES, **plan}})


@pytest.fixture(scope="module")
def table():
    return growth(weekly())


def test_slopes_equal_lme4(table, clinical_reference):
    # lmerTest: piecewise fixed effects, random intercept and slope within treatment
    stored = clinical_reference["growth"]
    theirs = dict(
        zip(stored["names"], zip(stored["estimate"], stored["se"], stored["df"], strict=True),
            strict=True)
    )  # fmt: skip
    own = table[table["analysis"] == "growth"]
    slopes = own[(own["quantity"] == "slope") & (own["arm"] == "CM")]
    gaps = own[own["quantity"] == "difference"]
    for k, phase in enumerate([*PHASES, "follow_up"]):
        for rows, name in ((slopes, phase), (gaps, f"{phase}:ipt")):
            found = rows.iloc[k]
            estimate, se, df = theirs[name]
            assert found["estimate"] == pytest.approx(estimate, abs=1e-5)
            assert found["se"] == pytest.approx(se, rel=1e-5)
            assert found["df"] == pytest.approx(df, rel=1e-3)


def test_the_curve_has_the_slopes_between_its_ends_and_one_start(table):
    own = table[table["analysis"] == "growth, curve"]
    slopes = table[(table["analysis"] == "growth") & (table["quantity"] == "slope")]
    for arm, curve in own.groupby("arm"):
        weeks = curve["subgroup"].str.removeprefix("week ").astype(float).to_numpy()
        assert weeks[:4].tolist() == [0.0, 4.0, 12.0, 16.0]
        steps = np.diff(curve["estimate"].to_numpy(float)) / np.diff(weeks)
        assert steps == pytest.approx(slopes.loc[slopes["arm"] == arm, "estimate"].to_numpy(float))
    start = own[own["subgroup"] == "week 0"]
    assert start["estimate"].nunique() == start["se"].nunique() == 1


def test_curves_are_compared_as_lme4_does(table, clinical_reference):
    own = table[table["analysis"] == "growth, comparison of curves"].set_index("contrast")
    for curve, loglik in clinical_reference["growth_comparison"].items():
        found = own.loc[f"{curve}: log-likelihood", "estimate"]
        assert found == pytest.approx(loglik, abs=1e-4)
    ratio = own.loc["piecewise against linear: likelihood ratio"]
    loglik = clinical_reference["growth_comparison"]
    assert ratio["statistic"] == pytest.approx(
        2 * (loglik["piecewise"] - loglik["linear"]), abs=1e-3
    )
    assert ratio["df"] == 4


def test_a_variance_near_zero_has_no_interval():
    components = pd.DataFrame(
        {"parameter": ["variance(a)", "variance(b)"], "estimate": [1e-6, 9.0], "se": [0.4, 3.0]}
    )
    fit = SimpleNamespace(specification=SimpleNamespace(level=0.95), variance_components=components)
    near, apart = _variances(fit, {})
    assert "lower" not in near
    assert "too near zero" in near["notes"]
    assert 0 < apart["lower"] < 9 < apart["upper"]


def test_variances_have_intervals_above_zero(table):
    own = table[(table["analysis"] == "growth") & (table["quantity"] == "variance")]
    assert len(own) == 3
    assert own["lower"].gt(0).all()
    assert own["lower"].lt(own["estimate"]).all()


def test_the_other_arm_is_the_reference_plus_the_difference(table):
    own = table[table["analysis"] == "growth"]
    slope = own[own["quantity"] == "slope"].set_index(["arm", "subgroup"])["estimate"]
    gap = own[own["quantity"] == "difference"].set_index("subgroup")["estimate"]
    for phase, value in gap.items():
        assert slope["IPT", phase] - slope["CM", phase] == pytest.approx(value)


def test_changes_after_the_endpoint(table):
    own = table[table["analysis"] == "growth, durability"]
    assert set(own["visit"]) == {"week_20", "week_24", "week_28"}
    by = own[own["visit"] == "week_28"].set_index(["arm", "contrast"])["estimate"]
    between = by["IPT", "IPT minus Management, change, Week 28 minus Week 16"]
    alone = by["IPT", "change, Week 28 minus Week 16"] - by["CM", "change, Week 28 minus Week 16"]
    assert between == pytest.approx(alone)


def test_sessions_as_the_axis():
    data = weekly(time="sessions")
    table = growth(data)
    own = table[(table["analysis"] == "growth") & (table["quantity"] == "slope")]
    assert set(own["unit"]) == {"points per session"}
    assert len(own) == 3 * 2  # no follow-up: it has no session numbers
    late = (data.scores["week"] > 16).sum()
    assert own["notes"].str.contains(f"{late} scores without a session number left out").all()


def test_sessions_equal_weeks_when_they_are_weekly():
    sessions = growth(weekly(time="sessions"))
    data = weekly()
    scores = data.scores[data.scores["week"] <= 16].reset_index(drop=True)
    weeks = growth(replace(data, scores=scores))
    of = [
        t[(t["analysis"] == "growth") & (t["quantity"] == "slope")]["estimate"].to_numpy(float)
        for t in (sessions, weeks)
    ]
    np.testing.assert_allclose(*of, rtol=1e-8)


def test_without_session_numbers_the_axis_is_refused():
    data = weekly(time="sessions")
    scores = data.scores.assign(session=pd.array([pd.NA] * len(data.scores), "Int64"))
    with pytest.raises(GrowthError, match="no assessment has a session number"):
        growth(replace(data, scores=scores))


@pytest.mark.parametrize(
    ("visits", "message"),
    [
        (["baseline", "week_16"], "scores at three times or more up to week 16, found 2"),
        (["baseline", "week_8", "week_16"], "3 phases need more than 3 times"),
    ],
)
def test_too_few_assessments_for_the_phases(visits, message):
    data = weekly()
    scores = data.scores[data.scores["visit"].isin(visits)].reset_index(drop=True)
    with pytest.raises(GrowthError, match=message):
        growth(replace(data, scores=scores))


def test_phases_must_follow_each_other():
    with pytest.raises(ValueError, match="one after the other"):
        weekly(phases={"middle": 12, "initial": 4})
    with pytest.raises(ValueError, match="take it out of phases"):
        weekly(phases={"initial": 4, "follow_up": 28})


def test_sustained_response_needs_its_definition():
    content = example_config()
    content["analyses"]["growth"]["sustained"] = "bdi2"
    del content["analyses"]["response"]["outcomes"]["bdi2"]
    problems = list(contradictions(Study.model_validate(content)))
    assert any("what counts as response on bdi2 is not said" in what for _, what, _ in problems)


def test_sustained_response_counts_everyone_randomised():
    response = {"outcomes": {"hamd": {"response": {"percent": 50}}}, "imputations": 5,
                "bootstrap": 0}  # fmt: skip
    data = stored_trial(
        "weekly", "CM", {"growth": {"phases": PHASES, "sustained": "hamd"}, "response": response}
    )
    scores = data.scores.pivot_table(index="participant", columns="visit", values="score")
    after = ["week_16", "week_20", "week_24", "week_28"]
    whole = scores[["baseline", *after]].dropna()
    kept = data.scores["participant"].isin(whole.index) & data.scores["visit"].isin(
        ["baseline", "week_4", "week_8", *after]
    )
    people = data.participants[data.participants["participant"].isin(whole.index)]
    data = replace(data, scores=data.scores[kept].reset_index(drop=True),
                   participants=people.reset_index(drop=True))  # fmt: skip
    content = data.study.model_dump(mode="json")
    content["analyses"]["growth"]["phases"] = {"treatment": 16}
    table = growth(replace(data, study=Study.model_validate(content)))
    own = table[(table["analysis"] == "sustained response")]
    shares = own[own["quantity"] == "probability"].set_index("arm")
    hit = (whole[after].le(whole["baseline"] / 2, axis=0)).all(axis=1)
    arm = people.set_index("participant")["arm"]
    expected = hit.groupby(arm.reindex(whole.index)).agg(["mean", "sum", "size"])
    for name, row in expected.iterrows():
        hidden = any(0 < n < 5 for n in (row["sum"], row["size"] - row["sum"]))
        if not hidden and "suppressed" not in shares.loc[name, "notes"]:
            assert shares.loc[name, "estimate"] == pytest.approx(row["mean"])
    assert own["notes"].str.contains("of everyone randomised").all()
