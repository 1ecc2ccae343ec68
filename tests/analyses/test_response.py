"""Statuses, their rows, what is suppressed, and invariants."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ipt_outcomes.analyses.disclosure import SMALLEST
from ipt_outcomes.analyses.number_needed import nnt_from_d, number_needed
from ipt_outcomes.analyses.proportions import wilson
from ipt_outcomes.analyses.response import response
from ipt_outcomes.analyses.response_bootstrap import pooled_bootstrap
from ipt_outcomes.analyses.response_data import score_matrix
from ipt_outcomes.analyses.standardisation import standardised_risks
from ipt_outcomes.analyses.status import (
    DETERIORATION,
    IMPROVEMENT,
    RESPONSE,
    StatusDefinition,
    StatusError,
    status_definitions,
)
from ipt_outcomes.instruments import instrument, reliable_change, remission
from ipt_outcomes.instruments import response as instrument_response
from ipt_outcomes.instruments.criteria import Criterion
from ipt_outcomes.study import Study
from ipt_outcomes.study.clinical import OutcomeStatus, ReliableChangeRule
from ipt_outcomes.study.contradictions import contradictions

PLAN = {
    "outcomes": {
        "hamd17": {
            "instrument": "HAM-D17",
            "response": {"percent": 50},
            "remission": {"at_most": 7},
        }
    },
    "imputations": 8,
    "bootstrap": 10,
    "threshold_step": 25,
}


def with_plan(data, change=None, **parts):
    content = data.study.model_dump(mode="json", exclude_none=True)
    content["analyses"]["response"] = {**PLAN, **parts}
    if change is not None:
        change(content)
    return replace(data, study=Study.model_validate(content))


def rows(table, **where):
    for name, value in where.items():
        table = table[table[name].isna() if value is None else table[name] == value]
    return table


@pytest.fixture(scope="module")
def analysed(request):
    data = with_plan(request.getfixturevalue("module_trial"))
    return data, response(data)


@pytest.fixture(scope="module")
def module_trial():
    from .conftest import reference_trial

    return reference_trial.__wrapped__()


# --- statuses ------------------------------------------------------------------------------------


def test_statuses_are_those_of_the_registry():
    random = np.random.default_rng(1)
    before, after = pd.Series(random.integers(10, 40, 400)), pd.Series(random.integers(0, 45, 400))
    plan = OutcomeStatus(instrument="HAM-D17")
    definitions = {d.name: d for d in status_definitions(_study("hamd17"), "hamd17", plan, before)}
    hamd = instrument("HAM-D17")
    change = reliable_change(hamd, before, after)
    for name, expected in (
        ("response", instrument_response(hamd, before, after)),
        ("remission", remission(hamd, after)),
        (IMPROVEMENT, change.status == "improved"),
        (DETERIORATION, change.status == "deteriorated"),
    ):
        found = definitions[name].holds(before, after)
        np.testing.assert_array_equal(found, expected.to_numpy(bool))
    assert "0.789" in definitions[DETERIORATION].words
    assert "Trajković" in definitions[DETERIORATION].words
    assert "inter-rater" not in definitions[DETERIORATION].words


def _study(outcome, higher_is="worse"):
    from types import SimpleNamespace

    return SimpleNamespace(instruments={}, outcomes={outcome: SimpleNamespace(higher_is=higher_is)})


def test_a_scale_where_higher_is_better_turns_round():
    better = StatusDefinition(RESPONSE, Criterion(points=5), "", higher_is_worse=False)
    worse = StatusDefinition(DETERIORATION, Criterion(points=5), "", False, benefit=False)
    assert better.holds([10, 10, 10], [15, 14, 5]).tolist() == [True, False, False]
    assert worse.holds([10, 10, 10], [15, 6, 5]).tolist() == [False, False, True]


def test_a_direction_that_contradicts_the_instrument_is_refused():
    with pytest.raises(StatusError, match="higher is better in config"):
        status_definitions(
            _study("x", "better"), "x", OutcomeStatus(instrument="HAM-D17"), pd.Series([1.0, 2.0])
        )


def test_reliable_change_without_a_source_is_refused():
    with pytest.raises(ValueError, match="give the source"):
        ReliableChangeRule(sd=7.5, reliability=0.88)
    with pytest.raises(ValueError, match="need the instrument"):
        OutcomeStatus(reliable_change=ReliableChangeRule(sd="sample"))
    with pytest.raises(ValueError, match="exactly one"):
        OutcomeStatus(response={"percent": 50, "at_most": 7})


def test_an_unknown_criterion_is_named():
    plan = OutcomeStatus(instrument="HAM-D17", remission="nobody")
    with pytest.raises(StatusError, match="called nobody; it has default, tdcrp"):
        status_definitions(_study("x"), "x", plan, pd.Series([1.0, 2.0]))


def test_a_study_names_outcomes_that_it_does_not_have(reference_trial):
    data = with_plan(
        reference_trial,
        lambda c: c["analyses"]["response"]["outcomes"].update(bdi9=PLAN["outcomes"]["hamd17"]),
        adjust_for=["horoscope"],
    )
    found = [(".".join(key), problem) for key, problem, _ in contradictions(data.study)]
    assert ("analyses.response.outcomes.bdi9", "bdi9 does not stand under outcomes.") in found
    assert any(key == "analyses.response.adjust_for" for key, _ in found)


# --- rows ----------------------------------------------------------------------------------------


def test_missing_as_failure_is_plain_counting(analysed):
    data, table = analysed
    own = rows(table, analysis="response, missing counted as failure", quantity="probability")
    matrix = score_matrix(data, "hamd17", "policy", None)
    events = matrix.at("week_16") <= matrix.baseline / 2  # NaN compares as False
    for a, arm in enumerate(matrix.arms):
        expected = events[matrix.arm == a].mean()
        assert rows(own, arm=arm)["estimate"].item() == pytest.approx(expected)
        assert rows(own, arm=arm)["n_arm"].item() == (matrix.arm == a).sum()
    assert own["notes"].str.contains("missing counted as without response").all()


def test_contrasts_agree_with_the_standardised_probabilities(analysed):
    _, table = analysed
    own = rows(table, analysis="response, observed only")
    p = rows(own, quantity="standardised probability").set_index("arm")["estimate"]
    for arm in ("IPT", "IPT+MED"):
        of = {
            q: rows(own, quantity=q, arm=arm)["estimate"].item()
            for q in ("risk difference", "risk ratio", "odds ratio")
        }
        a, b = p[arm], p["MED"]
        assert of["risk difference"] == pytest.approx(a - b)
        assert of["risk ratio"] == pytest.approx(a / b)
        assert of["odds ratio"] == pytest.approx(a / (1 - a) / (b / (1 - b)))


def test_numbers_needed_are_reciprocals_and_say_where_they_come_from(analysed):
    _, table = analysed
    numbers = table[table["quantity"].str.startswith("number needed")]
    assert len(numbers)
    assert numbers["notes"].str.contains("from the risk difference").all()
    keys = ["analysis", "estimand", "arm"]
    for key, group in numbers.groupby(keys):
        difference = rows(
            table, quantity="risk difference", **dict(zip(keys, key, strict=True))
        ).iloc[0]
        sign = -1 if key[0].startswith("deterioration") else 1
        ends = sorted((sign * difference["lower"], sign * difference["upper"]))
        if ends[0] <= 0 <= ends[1]:
            assert set(group["quantity"]) == {"number needed to benefit", "number needed to harm"}
            assert np.isinf(group["upper"]).all()
            assert group["notes"].str.contains("split at infinity").all()
        else:
            assert len(group) == 1
            assert sorted([1 / abs(e) for e in ends]) == pytest.approx(
                [group["lower"].item(), group["upper"].item()]
            )


def test_reliable_change_prints_what_it_rests_on(analysed):
    _, table = analysed
    change = table[table["analysis"].str.startswith(("reliable", "deterioration"))]
    assert change["notes"].str.contains("SD 5.04").all()
    assert change["notes"].str.contains("reliability 0.789").all()


def test_everything_is_exploratory_unless_prespecified(analysed):
    data, table = analysed
    assert set(table["status"]) == {"exploratory"}
    confirmatory = response(with_plan(data, status="confirmatory", bootstrap=0))
    own = rows(confirmatory, status="confirmatory")
    assert set(own["quantity"]) == {"risk difference"}
    assert set(own["analysis"]) == {"response"}
    assert set(own["estimand"]) == {"policy"}


def test_small_cells_are_hidden_with_what_gives_them_back(analysed):
    _, table = analysed
    for (analysis, _, _), group in table[table["analysis"] != "responder curve"].groupby(
        ["analysis", "estimand", "outcome"]
    ):
        if analysis.startswith("deterioration"):
            assert group["notes"].str.contains("shown however small").all()
            continue
        shares = rows(group, quantity="probability")
        small = (shares["estimate"] * shares["n_arm"]).round().astype("Float64")
        assert not small.between(1, SMALLEST - 1).any()
        if analysis.endswith("by visit"):
            hidden = set(shares.loc[shares["estimate"].isna(), "visit"])
            ratios = rows(group, quantity="odds ratio")
            assert ratios.loc[ratios["visit"].isin(hidden), "estimate"].isna().all()
            assert ratios.loc[~ratios["visit"].isin(hidden), "estimate"].notna().any()
            continue
        if shares["estimate"].isna().any():
            rest = group[~group["quantity"].str.contains("difference|number needed")]
            assert rest["estimate"].isna().all()
            assert group.loc[group["quantity"] == "risk difference", "estimate"].notna().all()


def test_the_curve_falls_and_meets_the_response(analysed):
    _, table = analysed
    curve = rows(table, analysis="responder curve", arm="IPT")
    shown = curve["estimate"].dropna().to_numpy(float)
    assert (np.diff(shown) <= 1e-12).all()
    half = rows(curve, subgroup="improved by 50 % or more")["estimate"].item()
    assert half == pytest.approx(
        rows(table, analysis="response", quantity="probability", estimand="policy", arm="IPT")[
            "estimate"
        ].item()
    )


def test_odds_ratios_by_visit_count_observed_participants(analysed):
    data, table = analysed
    own = rows(table, analysis="response by visit", arm="IPT", visit="week_16",
               quantity="odds ratio")  # fmt: skip
    matrix = score_matrix(data, "hamd17", "policy", None)
    seen = ~np.isnan(matrix.at("week_16")) & (matrix.arm == 0)
    assert own["n_arm"].item() == seen.sum()
    assert own["estimate"].item() > 0
    share = rows(table, analysis="response by visit", arm="IPT", visit="week_16",
                 quantity="probability")  # fmt: skip
    half = matrix.at("week_16")[seen] <= matrix.baseline[seen] / 2
    assert share["estimate"].item() == pytest.approx(half.mean())
    # Wilson's interval: Newcombe (1998), Statistics in Medicine 17:857, method 3.
    assert [share["lower"].item(), share["upper"].item()] == pytest.approx(
        wilson(float(half.mean()), int(seen.sum()))
    )


def test_the_order_of_rows_does_not_matter_and_the_seed_does(analysed):
    data, table = analysed
    shuffled = replace(
        data,
        scores=data.scores.sample(frac=1, random_state=1).reset_index(drop=True),
        participants=data.participants.sample(frac=1, random_state=2).reset_index(drop=True),
    )
    again = response(shuffled).set_index("id")["estimate"]
    expected = table.set_index("id")["estimate"]
    pd.testing.assert_series_equal(again.sort_index(), expected.sort_index(), rtol=1e-9)
    other = response(with_plan(data, lambda c: c["study"].update(seed=1), bootstrap=0))
    own = rows(other, analysis="response", quantity="risk difference", estimand="policy", arm="IPT")
    same = rows(
        table, analysis="response", quantity="risk difference", estimand="policy", arm="IPT"
    )
    assert own["estimate"].item() != same["estimate"].item()


def test_without_missing_scores_all_handlings_agree(module_trial):
    scores = module_trial.scores.copy()
    scores["score"] = scores["score"].fillna(
        scores.groupby("visit")["score"].transform("median").round()
    )
    table = response(with_plan(replace(module_trial, scores=scores), bootstrap=0))
    for quantity in ("risk difference", "odds ratio"):
        values = [
            rows(
                table, analysis=f"response{kind}", quantity=quantity, estimand="policy", arm="IPT"
            )["estimate"].item()
            for kind in ("", ", missing counted as failure", ", observed only")
        ]
        assert values[0] == pytest.approx(values[1]) == pytest.approx(values[2])


def test_a_trial_without_the_outcome_is_told(module_trial):
    data = with_plan(module_trial)
    plan = data.study.analyses.response.model_copy(
        update={"outcomes": {"phq9": OutcomeStatus(instrument="PHQ-9")}}
    )
    analyses = data.study.analyses.model_copy(update={"response": plan})
    with pytest.raises(StatusError, match="none of the outcomes"):
        response(replace(data, study=data.study.model_copy(update={"analyses": analyses})))


# --- parts ---------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_standardisation_does_not_depend_on_order_or_names(seed):
    random = np.random.default_rng(seed)
    n = 90
    y, z = (random.random(n) < 0.5).astype(float), random.normal(size=(n, 2))
    arm = np.repeat([0, 1, 2], n // 3)
    fit = standardised_risks(y, arm, z, ["a", "b", "c"])
    order = random.permutation(n)
    turned = standardised_risks(y[order], 2 - arm[order], 3 + 5 * z[order], ["c", "b", "a"])
    np.testing.assert_allclose(turned.risks[::-1], fit.risks, rtol=1e-7)
    np.testing.assert_allclose(turned.covariance[::-1, ::-1], fit.covariance, rtol=1e-6, atol=1e-12)
    failures = standardised_risks(1 - y, arm, z, ["a", "b", "c"])
    np.testing.assert_allclose(failures.risks, 1 - fit.risks, rtol=1e-7)


def test_an_arm_without_events_has_a_difference_but_no_ratio():
    y = np.r_[np.zeros(30), np.repeat([0.0, 1.0], 15)]
    fit = standardised_risks(y, np.repeat([0, 1], 30), np.arange(60.0)[:, None], ["a", "b"])
    assert not fit.adjusted
    assert fit.risk_difference("a", "b").value == -0.5
    assert fit.risk_difference("a", "b").variance > 0
    assert fit.risk_ratio("a", "b") is None
    assert fit.odds_ratio("a", "b") is None


def test_what_cannot_be_standardised_is_refused():
    with pytest.raises(ValueError, match="fewer than two participants in b"):
        standardised_risks([0, 1, 1], [0, 0, 1], np.empty((3, 0)), ["a", "b"])
    with pytest.raises(ValueError, match="complete"):
        standardised_risks([0, 1, np.nan, 1], [0, 0, 1, 1], np.empty((4, 0)), ["a", "b"])


@given(st.floats(-0.9, 0.9), st.floats(0.001, 0.5))
def test_the_pieces_of_a_number_needed_hold_its_reciprocal(difference, half):
    pieces = number_needed(difference, difference - half, difference + half)
    for piece in pieces:
        assert piece.lower <= piece.upper
        if piece.estimate is not None:
            assert piece.lower <= piece.estimate * (1 + 1e-9)
            assert piece.estimate <= piece.upper * (1 + 1e-9)
    assert pieces[0].split == (difference - half <= 0 <= difference + half)


def test_numbers_needed_at_the_edges():
    assert [p.estimate for p in number_needed(0.0, -0.1, 0.1)] == [None, None]
    assert nnt_from_d(0) == math.inf
    assert nnt_from_d(-0.63) == pytest.approx(-nnt_from_d(0.63))
    with pytest.raises(ValueError, match="not a standardised difference"):
        nnt_from_d(math.nan)


def test_the_bootstrap_variance_recovers_its_components():
    random = np.random.default_rng(5)
    found = []
    for _ in range(300):
        between = random.normal(0, 2, (200, 1))
        pooled = pooled_bootstrap(between + random.normal(0, 3, (200, 2)))
        found.append(pooled.se**2)
    # the variance of the estimator itself is the between part, plus what B and M leave
    assert np.mean(found) == pytest.approx(4 * (1 + 1 / 200) + 9 / 400, rel=0.1)
    assert pooled_bootstrap(np.array([[1.0, np.nan], [2.0, 3.0]])) is None
