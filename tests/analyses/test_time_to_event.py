"""Curves, restricted means, hazards and proportionality against R's survival; refusals; rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ipt_outcomes.analyses.event_rows import EventRows
from ipt_outcomes.analyses.event_times import EventTimes, RelapseError, relapse, stopping_treatment
from ipt_outcomes.analyses.hazards import HazardError, fit_hazards
from ipt_outcomes.analyses.response_data import score_matrix
from ipt_outcomes.analyses.status import StatusDefinition, StatusError
from ipt_outcomes.analyses.survival_curves import KaplanMeier
from ipt_outcomes.analyses.time_to_event import CONDITIONED, time_to_event
from ipt_outcomes.figures import draw_figure
from ipt_outcomes.instruments.criteria import Criterion
from ipt_outcomes.results import NOT_FITTED
from ipt_outcomes.study import Study
from ipt_outcomes.study.clinical import Relapse, TimeToEventAnalysis
from ipt_outcomes.study.contradictions import contradictions
from ipt_outcomes.tables import make_table

from .conftest import pick, planned, without_ends
from .reference_values import R, participants

PLAN = {
    "outcomes": {"hamd17": {"instrument": "HAM-D17"}},
    "stopping_treatment": True,
    "leaving_the_study": True,
}
RELAPSE = {"hamd17": {"among": "responders", "criterion": {"at_least": 14}}}


@pytest.fixture
def followed(reference_trial):
    """The reference trial with days of stopping and leaving, and week 12 as its endpoint."""
    random = np.random.default_rng(7)
    content = reference_trial.study.model_dump(mode="json", exclude_none=True)
    content["analyses"]["time_to_event"] = {**PLAN, "relapse": RELAPSE}
    for estimand in content["estimands"].values():
        estimand["endpoint"] = "week_12"
    people = reference_trial.participants.copy()
    stop = np.where(random.random(len(people)) < 0.3, random.integers(3, 80, len(people)), -1)
    leave = np.where((stop > 0) & (random.random(len(people)) < 0.5), stop + 5, -1)
    for column, day in (("treatment_stop_day", stop), ("study_exit_day", leave)):
        people[column] = pd.array([d if d > 0 else pd.NA for d in day], "Int64")
    return replace(reference_trial, study=Study.model_validate(content), participants=people)


@pytest.fixture
def curves():
    people = participants()
    return {arm: KaplanMeier(g["time"], g["status"]) for arm, g in people.groupby("arm")}


@pytest.mark.parametrize("arm", list("ABC"))
def test_curves_equal_survfit(curves, arm):
    stored = R["kaplan_meier"][f"arm={arm}"]
    for place, when in enumerate(stored["time"]):
        point = curves[arm].at(when)
        found = (point.survival, point.se, point.lower, point.upper, point.at_risk)
        expected = [stored[k][place] for k in ("survival", "se", "lower", "upper", "at_risk")]
        assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("arm", list("ABC"))
def test_restricted_means_equal_survfit(curves, arm):
    stored = R["restricted_mean"]
    place = stored["arm"].index(arm)
    found = curves[arm].restricted_mean(16)
    assert found.mean == pytest.approx(stored["mean"][place], rel=1e-9)
    assert found.greenwood == pytest.approx(stored["se"][place], rel=1e-9)
    # Kaplan & Meier's factor, which survfit leaves out
    assert found.se**2 == pytest.approx(found.greenwood**2 * found.events / (found.events - 1))


def test_the_variance_of_a_restricted_mean_of_whole_observation_is_the_samples():
    """Without censoring the restricted mean is a mean, and its variance s²/n."""
    time = np.array([1.0, 2.5, 4.0, 5.5, 7.0, 9.0])
    found = KaplanMeier(time, np.ones(6)).restricted_mean(10)
    assert found.mean == pytest.approx(time.mean())
    assert found.se == pytest.approx(time.std(ddof=1) / np.sqrt(6))
    assert found.df == 5
    other = KaplanMeier(time[:4] * 2, np.ones(4)).restricted_mean(12)
    welch = stats.ttest_ind(time, time[:4] * 2, equal_var=False)
    value, se, df = found.minus(other)
    assert value / se == pytest.approx(welch.statistic)
    assert df == pytest.approx(welch.df)


@pytest.fixture
def fitted():
    people = participants()
    x = np.column_stack([people["arm"] == "A", people["arm"] == "B", people["severity"]])
    return fit_hazards(
        people["time"].to_numpy(float), people["status"].to_numpy(bool), x.astype(float)
    )


def test_hazard_ratios_equal_coxph(fitted):
    stored = R["cox"]
    np.testing.assert_allclose(fitted.coefficients, stored["coefficients"], rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(fitted.covariance)), stored["se"], rtol=1e-6)


def test_proportionality_equals_cox_zph(fitted):
    stored = R["zph"]
    for place, columns in enumerate(([0, 1], [2], None)):
        test = fitted.proportionality(columns)
        assert test.df == stored["df"][place]
        assert test.statistic == pytest.approx(stored["chisq"][place], rel=1e-6)
        assert test.p == pytest.approx(stored["p"][place], rel=1e-6)


def test_a_curve_without_events_and_one_that_reaches_zero():
    quiet = KaplanMeier([3, 5, 8], [0, 0, 0])
    assert quiet.at(5).survival == 1
    assert quiet.at(5).lower is None
    assert quiet.restricted_mean(8).mean == 8
    assert quiet.restricted_mean(8).se == 0
    with pytest.raises(ValueError, match="nobody was followed to 9"):
        quiet.restricted_mean(9)
    over = KaplanMeier([1, 2, 3], [1, 1, 1])
    assert over.at(3).survival == 0
    assert over.restricted_mean(10).mean == pytest.approx(2)
    with pytest.raises(ValueError, match="known times"):
        KaplanMeier([], [])


def test_separation_is_refused():
    time = np.arange(1.0, 21)
    with pytest.raises(HazardError, match=r"did not converge|no finite|no solution"):
        fit_hazards(time, time > 10, (time > 10).astype(float)[:, None] * 1.0)


# --- relapse -------------------------------------------------------------------------------------


def test_relapse_without_conditioning_is_refused_by_the_configuration():
    with pytest.raises(ValueError, match="needs its conditioning"):
        Relapse(criterion={"at_least": 14})
    with pytest.raises(ValueError, match="who was well"):
        TimeToEventAnalysis(
            relapse={"hamd17": Relapse(among="responders", criterion={"at_least": 14})}
        )


def test_relapse_without_conditioning_is_refused_by_the_analysis(followed):
    matrix = score_matrix(followed, "hamd17", "policy", None)
    relapsed = StatusDefinition("relapse", Criterion(at_least=14), "", True)
    with pytest.raises(RelapseError, match="needs its conditioning"):
        relapse(followed, matrix, None, relapsed, "week_12")


def test_relapse_without_follow_up_is_refused(followed):
    matrix = score_matrix(followed, "hamd17", "policy", None)
    well = StatusDefinition("response", Criterion(percent=50), "", True)
    with pytest.raises(RelapseError, match="needs a visit after week_16"):
        relapse(followed, matrix, well, well, "week_16")


def test_every_row_of_relapse_says_among_whom(followed):
    table = time_to_event(followed)
    own = pick(table, analysis="relapse among responders")
    assert len(own)
    assert set(own["subgroup"]) == {"responders at Week 12"}
    assert set(own["quantity"]) == {"survival", "count"}  # one follow-up visit holds no times
    assert own["notes"].str.contains("one assessment only").all()
    assert own["notes"].str.contains(CONDITIONED, regex=False).all()
    matrix = score_matrix(followed, "hamd17", "policy", None)
    well = (matrix.at("week_12") <= matrix.baseline / 2) & ~np.isnan(matrix.at("week_16"))
    counts = pick(own, quantity="count", contrast="at risk at week 4")
    for a, arm in enumerate(matrix.arms):
        found = pick(counts, arm=arm)
        n = int((well & (matrix.arm == a)).sum())
        assert found["estimate"].item() == n or (n < 5 and found["estimate"].isna().item())


# --- rows ----------------------------------------------------------------------------------------


def test_response_is_counted_at_visits(followed):
    table = pick(time_to_event(followed), analysis="time to response")
    assert table["notes"].str.contains("known at visits only").all()
    matrix = score_matrix(followed, "hamd17", "policy", None)
    responded = matrix.scores[:, 1:4] <= matrix.baseline[:, None] / 2
    a = matrix.arms.index("IPT+MED")
    own = (matrix.arm == a) & (~np.isnan(matrix.scores[:, 1:4])).any(axis=1)
    first = pick(table, quantity="survival", arm="IPT+MED", visit="week_4")
    share = 1 - responded[own, 0].sum() / own.sum()
    if first["estimate"].notna().item():
        assert first["estimate"].item() == pytest.approx(share)
    assert first["n_arm"].isna().item() or first["n_arm"].item() == own.sum()


def test_stopping_counts_all_and_hides_none(followed):
    table = pick(time_to_event(followed), analysis="time to stopping treatment")
    assert table["notes"].str.contains("shown however small").all()
    curve = pick(table, quantity="survival")
    assert curve["estimate"].notna().all()
    people = followed.participants
    for arm in followed.arms:
        own = people[people["arm"] == arm]
        last = pick(curve, arm=arm, visit="week_12")["estimate"].item()
        stopped = (own["treatment_stop_day"].astype("Float64") <= 84).fillna(False).mean()
        assert last == pytest.approx(1 - stopped)  # nobody leaves before stopping here


def test_who_left_without_stopping_is_followed_until_then(followed):
    people = followed.participants.copy()
    people["treatment_stop_day"] = pd.array([pd.NA] * len(people), "Int64")
    people["study_exit_day"] = pd.array([70] + [pd.NA] * (len(people) - 1), "Int64")
    people["treatment_stop_reason"] = pd.array(
        [pd.NA, "moved"] + [pd.NA] * (len(people) - 2), "str"
    )
    times = stopping_treatment(followed, people, "week_12")
    assert not times.event.any()
    assert times.weeks[0] == 10
    assert set(times.weeks[1:]) == {12.0}
    assert times.left_out == {"stopped on an unknown day": 1}


def test_hazard_ratios_turn_with_the_reference(followed):
    table = pick(time_to_event(followed), analysis="time to leaving the study")
    ratios = pick(table, quantity="hazard ratio").set_index("arm")
    content = followed.study.model_dump(mode="json", exclude_none=True)
    content["reference_arm"] = "IPT"
    turned = time_to_event(replace(followed, study=Study.model_validate(content)))
    other = pick(turned, analysis="time to leaving the study", quantity="hazard ratio", arm="MED")
    assert other["estimate"].item() == pytest.approx(1 / ratios.loc["IPT", "estimate"], rel=1e-6)
    assert other["upper"].item() == pytest.approx(1 / ratios.loc["IPT", "lower"], rel=1e-6)


def test_the_order_of_rows_does_not_matter(followed):
    shuffled = replace(
        followed,
        scores=followed.scores.sample(frac=1, random_state=1).reset_index(drop=True),
        participants=followed.participants.sample(frac=1, random_state=2).reset_index(drop=True),
    )
    first = time_to_event(followed).set_index("id")["estimate"].sort_index()
    second = time_to_event(shuffled).set_index("id")["estimate"].sort_index()
    pd.testing.assert_series_equal(first, second, rtol=1e-8)


def test_crossing_hazards_are_said(followed):
    random = np.random.default_rng(1)
    arm = np.repeat([0, 1], 150)
    weeks = np.where(arm == 0, 3 * random.weibull(4, 300) + 5, random.exponential(8, 300))
    times = EventTimes(np.arange(300), arm, weeks, weeks < 20, ((8.0, None),), {}, by_visit=False)
    where = {
        "trial": "t",
        "analysis": "a",
        "analysis_set": "s",
        "status": "exploratory",
        "disclosure": "shared",
    }
    rows_ = EventRows(times, ["A", "B"], {"A": "A", "B": "B"}, "event", where, 0.95, True)
    ratio, *tests = rows_.hazard_ratios(np.empty((300, 0)))
    assert "not proportional" in ratio["notes"]
    assert tests[0]["p"] < 0.001


def test_relapse_without_follow_up_leaves_a_row_and_the_other_events_stand(reference_trial):
    # the configuration alone shows it, unless another of its trials has follow-up
    plan = {"outcomes": {"hamd17": {"instrument": "HAM-D17"}}, "leaving_the_study": True,
            "relapse": {"hamd17": {"among": "responders", "criterion": {"at_least": 14}}}}  # fmt: skip
    data = planned(reference_trial, time_to_event=plan)
    table = time_to_event(data)
    assert {"time to response", "time to leaving the study"} <= set(table["analysis"])
    (row,) = table[table["analysis"] == "relapse"].to_dict("records")
    assert row["method"] == NOT_FITTED
    assert row["notes"].startswith("not possible: relapse needs a visit after week_16")
    found = [problem for _, problem, _ in contradictions(data.study)]
    assert any("relapse needs follow-up" in problem for problem in found)


def test_nothing_named_is_refused(followed):
    content = followed.study.model_dump(mode="json", exclude_none=True)
    content["analyses"]["time_to_event"] = {}
    with pytest.raises(StatusError, match="names no event"):
        time_to_event(replace(followed, study=Study.model_validate(content)))


def test_who_is_not_recorded_to_leave_has_no_curve(followed):
    """Without a column for the day nobody leaves: no curve at 100 %, but a row that says why."""
    data = without_ends(followed)
    table = time_to_event(data)
    for name in ("stopping treatment", "leaving the study"):
        row = pick(table, analysis=f"time to {name}")
        assert len(row) == 1
        assert row["estimate"].isna().all()
        assert row["notes"].item() == (
            f"not recorded: the export has no column for the day of {name}"
        )
    about = {"study": data.study, "estimates": table, "trial": data.trial}
    notes = [str(note) for note in make_table("time_to_event", **about).footnotes]
    assert any(note.startswith("Time to leaving the study: not recorded") for note in notes)
    drawing = draw_figure("time_to_events", **about)
    assert not drawing.data["event"].str.contains("leaving|stopping").any()
    # Nothing else may be asked for.
    only = planned(data, time_to_event={"leaving_the_study": True})
    assert time_to_event(only)["notes"].str.startswith("not recorded").tolist() == [True]
