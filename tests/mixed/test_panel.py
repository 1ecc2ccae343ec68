"""Cross-lagged panel models: against lavaan, against their own derivatives, and what must not matter."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.mixed import MixedModelError
from ipt_outcomes.mixed.cross_lagged import CrossLagged
from ipt_outcomes.mixed.panel import cross_lagged_panel
from ipt_outcomes.simulate.process import PanelDesign, simulate_panel

REFERENCE = Path(__file__).parent / "reference"
LAVAAN = json.loads((REFERENCE / "panel.json").read_text("utf-8"))
MISSING = pd.read_csv(REFERENCE / "panel_missing.csv")
COMPLETE = pd.read_csv(REFERENCE / "panel_complete.csv")
REGRESSIONS = {"xx": "x -> x", "yx": "y -> x", "xy": "x -> y", "yy": "y -> y"}
NAMES = {
    "vkx": "variance(level of x)",
    "ckxy": "covariance(level of x, level of y)",
    "vky": "variance(level of y)",
    **REGRESSIONS,
    # The R script writes "yx" for the regression of x on y before, "xy" for that of y on x.
    **{f"{label}{t}": f"{name} ({t})" for t in (2, 3, 4) for label, name in REGRESSIONS.items()},
    "v1x": "the first occasion: variance(x)",
    "c1": "the first occasion: covariance(x, y)",
    "v1y": "the first occasion: variance(y)",
    "vex": "the innovations: variance(x)",
    "ce": "the innovations: covariance(x, y)",
    "vey": "the innovations: variance(y)",
}


def fit(frame, x="alliance", y="symptoms", **form):
    return cross_lagged_panel(
        frame, participant="participant", occasion="occasion", x=x, y=y, **form
    )


FORMS = {
    "one_group": (MISSING, {"reml": False}),
    "by_arm": (MISSING, {"reml": False, "group": "arm"}),
    "free_lags": (MISSING, {"reml": False, "group": "arm", "free_lags": True}),
    # The Wishart likelihood of complete data is the restricted likelihood.
    "wishart": (COMPLETE, {"reml": True}),
}


@pytest.mark.parametrize("case", FORMS)
def test_estimates_and_errors_of_lavaan(case):
    frame, form = FORMS[case]
    ours, theirs = fit(frame, **form), LAVAAN[case]
    table = ours.parameters.set_index("parameter")
    assert len(theirs["estimate"]) == len(table)
    for label, value in theirs["estimate"].items():
        assert table.loc[NAMES[label], "estimate"] == pytest.approx(value, rel=1e-5), label
        assert table.loc[NAMES[label], "se"] == pytest.approx(theirs["se"][label], rel=1e-5), label
    if case != "wishart":
        assert ours.loglik == pytest.approx(theirs["loglik"], abs=1e-6)
    if "group" not in form:  # lavaan's alternative has covariances of its own in each group
        free = ours.against_free_covariances()
        assert free.df == theirs["df"]
        assert free.statistic == pytest.approx(theirs["chisq"], abs=1e-6)


def test_likelihood_ratio_of_a_cross_lag_is_lavaans():
    ours = fit(MISSING, reml=False, group="arm").test("y -> x")
    difference = 2 * (LAVAAN["by_arm"]["loglik"] - LAVAAN["by_arm_held"]["loglik"])
    assert ours.df == 1
    assert ours.statistic == pytest.approx(difference, abs=1e-6)


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"trends": True, "times": [0, 1, 2, 5]},
        {"free_lags": True, "free_innovations": True, "held": {"x -> y (3)": 0.3}},
    ],
)
def test_derivatives_of_the_covariance(form):
    structure = CrossLagged(["1", "2", "3", "4"], **form)
    k, h = structure.parameters, 1e-6
    theta = np.random.default_rng(k).normal(0, 0.4, k)
    for value, slope in ((structure.sigma, structure.first), (structure.first, structure.second)):
        numeric = [(value(theta + h * e) - value(theta - h * e)) / (2 * h) for e in np.eye(k)]
        np.testing.assert_allclose(slope(theta), np.array(numeric), atol=1e-8)


def test_the_covariance_is_that_of_the_process():
    form = {"trends": True}
    structure = CrossLagged(["1", "2", "3"], **form)
    draw = np.random.default_rng(3)
    root = np.tril(draw.normal(size=(4, 4)))
    psi, first, new = (
        root @ root.T,
        np.array([[2, 0.5], [0.5, 1]]),
        np.array([[1, -0.3], [-0.3, 2]]),
    )
    A = np.array([[0.4, 0.1], [-0.2, 0.5]])
    lower = np.tril_indices
    theta = np.concatenate([psi[lower(4)], A.ravel(), first[lower(2)], new[lower(2)]])
    W = {(0, 0): first}
    for t in (1, 2):
        W[t, t] = A @ W[t - 1, t - 1] @ A.T + new
    W[1, 0] = A @ first
    W[2, 0], W[2, 1] = A @ A @ first, A @ W[1, 1]
    for t, s in ((1, 0), (2, 0), (2, 1)):
        W[s, t] = W[t, s].T
    Z = [np.hstack([np.eye(2), c * np.eye(2)]) for c in (-0.5, 0.0, 0.5)]
    expected = np.block([[Z[t] @ psi @ Z[s].T + W[t, s] for s in range(3)] for t in range(3)])
    np.testing.assert_allclose(structure.sigma(theta)[0], expected, atol=1e-12)


def test_interval_is_what_the_likelihood_ratio_would_not_reject():
    ours = fit(MISSING, group="arm")
    found = ours.regression("x -> y")
    for end in (found["lower"], found["upper"]):
        from scipy import stats

        root = np.sqrt(ours.rise({"x -> y": end}))
        assert root == pytest.approx(stats.t.ppf(0.975, found["df"]), abs=1e-4)
    assert found["lower"] < found["estimate"] < found["upper"]
    assert found["df"] == 150 - 2


def test_names_of_series_units_and_order_of_rows_do_not_matter():
    ours = fit(MISSING, group="arm")
    turned = fit(MISSING.sample(frac=1, random_state=1), "symptoms", "alliance", group="arm")
    assert turned.loglik == pytest.approx(ours.loglik, abs=1e-8)
    forward = ours.regression("x -> y")
    assert turned.regression("y -> x") == pytest.approx(forward, rel=1e-4)
    rescaled = fit(MISSING.assign(alliance=100 * MISSING["alliance"] + 7), group="arm")
    assert rescaled.regression("x -> y")["estimate"] == pytest.approx(forward["estimate"] / 100)
    assert rescaled.standardised("x -> y") == pytest.approx(ours.standardised("x -> y"), rel=1e-5)
    assert rescaled.deviation(0)[0] == pytest.approx(100 * ours.deviation(0)[0])


def test_everybody_twice_gives_the_same_from_the_same_sums():
    once = fit(MISSING, group="arm", reml=False)
    again = MISSING.assign(participant=MISSING["participant"] + 1000)
    twice = fit(pd.concat([MISSING, again]), group="arm", reml=False)
    assert len(twice.panel.statistics.n) == len(once.panel.statistics.n)
    assert twice.loglik == pytest.approx(2 * once.loglik)
    np.testing.assert_allclose(twice.theta, once.theta, rtol=1e-6)
    np.testing.assert_allclose(twice.omega, once.omega / 2, rtol=1e-5)


def test_standardised_regressions_are_those_of_series_at_rest():
    ours = fit(COMPLETE)
    A = ours.structure.transition(ours.theta)[-1]
    W = np.zeros((2, 2))
    for _ in range(200):  # let the process run until it has come to rest
        W = A @ W @ A.T + ours.structure.innovation(ours.theta)
    value, se = ours.standardised("x -> y")
    assert value == pytest.approx(A[1, 0] * np.sqrt(W[0, 0] / W[1, 1]), rel=1e-9)
    assert 0 < se < 0.3


def test_means_of_complete_data_are_observed_means():
    means = fit(COMPLETE, group="arm").means
    wide = COMPLETE.groupby(["arm", "occasion"])["symptoms"].mean()
    own = means[means["series"] == "y"].set_index(["group", "occasion"])["estimate"]
    assert own["IPT", "3"] == pytest.approx(wide["IPT", 3])


def test_no_stable_part_ends_at_the_boundary_and_says_so():
    design = PanelDesign(participants=120, level_sd=(0.01, 0.01))
    frame = simulate_panel(design, 4)
    ours = fit(frame, "functioning", "symptoms", group="arm")
    assert ours.at_boundary
    assert "covariance of the stable parts is singular" in ours.notes[0]
    values = np.linalg.eigvalsh(ours.structure.stable(ours.theta))
    assert values.min() > -1e-8
    found = ours.regression("x -> y")
    assert found["lower"] < -0.2 < found["upper"]


def test_differences_in_trend_are_found_and_can_be_modelled():
    frame = simulate_panel(PanelDesign(occasions=6, trend_sd=8.0), 2)
    plain = fit(frame, "functioning", "symptoms", group="arm")
    assert plain.against_trends().p < 1e-6
    # Trends of their own pass for regressions on the past.
    assert plain.regression("x -> x")["lower"] > 0.3
    trends = fit(frame, "functioning", "symptoms", group="arm", trends=True)
    assert trends.regression("x -> x")["lower"] < 0.3 < trends.regression("x -> x")["upper"]
    assert trends.deviation(2)[0] == pytest.approx(8.0, rel=0.25)
    none = simulate_panel(PanelDesign(occasions=5), 2)
    assert fit(none, "functioning", "symptoms", group="arm").against_trends().p > 0.05


def test_unstable_series_are_told_and_not_standardised():
    lags = ((1.25, 0.0), (0.0, 0.3))
    frame = simulate_panel(PanelDesign(occasions=5, lags=lags, level_sd=(1.0, 5.0)), 5)
    ours = fit(frame, "functioning", "symptoms", group="arm")
    assert ours.largest_root > 1
    assert not ours.can_be_standardised
    assert any("unstable" in note for note in ours.notes)


@pytest.mark.parametrize(
    ("change", "form", "said"),
    [
        (lambda f: f[f["occasion"] < 3], {}, "2 occasions hold something.*at least 3"),
        (lambda f: f[f["participant"] < 20], {}, "19 persons were seen.*need at least 26"),
        (lambda f: f[f["occasion"] < 4], {"trends": True}, "3 occasions cannot tell trends"),
        (lambda f: pd.concat([f, f.head(2)]), {}, "2 rows repeat an occasion"),
        (lambda f: f.drop(columns="symptoms"), {}, "column 'symptoms' is missing"),
        (lambda f: f.assign(symptoms="high"), {}, "numbers are expected"),
        (lambda f: f, {"times": [0.0, 1.0]}, "2 times are given for 4 occasions"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_the_reason(change, form, said):
    with pytest.raises(MixedModelError, match=said):
        fit(change(COMPLETE), **form)


def test_a_regression_that_the_model_does_not_have():
    with pytest.raises(MixedModelError, match="no regressions of the model: z -> y; it has x -> x"):
        fit(COMPLETE).test("z -> y")
