"""Areas: six exploratory contrasts, nothing of an area with few participants, no false moderation."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from ipt_outcomes.analyses.area_errors import adjusted_difference, draw_kappas, error_matrix
from ipt_outcomes.analyses.area_pooling import given_tau, pool_areas
from ipt_outcomes.analyses.multiplicity import holm
from ipt_outcomes.analyses.problem_areas import ProblemAreaError, problem_areas
from ipt_outcomes.study import Study

from .conftest import REFERENCE, example_config

AREAS = ("grief", "role_disputes", "role_transitions", "interpersonal_deficits")


def of_focus(table):
    return table[table["analysis"] == "problem areas"]


def test_six_contrasts_at_the_endpoint(reference_trial):
    table = of_focus(problem_areas(reference_trial))
    pairs = table[table["quantity"] == "difference"]
    assert {frozenset(p) for p in zip(pairs["arm"], pairs["reference"], strict=True)} == {
        frozenset(pair) for pair in combinations(AREAS, 2)
    }
    assert set(pairs["visit"]) == {"week_16"}
    assert set(table["status"]) == {"exploratory"}
    assert table["notes"].str.contains("not randomised").all()
    expected = multipletests(pairs["p"].to_numpy(float), method="holm")[1]
    np.testing.assert_allclose(pairs["p_adjusted"].to_numpy(float), expected)


def test_contrasts_agree_with_the_means(reference_trial):
    table = of_focus(problem_areas(reference_trial))
    means = table[(table["quantity"] == "mean") & (table["visit"] == "week_16")].set_index("arm")[
        "estimate"
    ]
    for pair in table[table["quantity"] == "difference"].to_dict("records"):
        assert pair["estimate"] == pytest.approx(means[pair["arm"]] - means[pair["reference"]])


def test_arms_without_areas_are_not_used(reference_trial):
    changed = reference_trial.scores.copy()
    med = set(reference_trial.participants.query("arm == 'MED'")["participant"])
    changed.loc[changed["participant"].isin(med), "score"] += 5
    before = problem_areas(reference_trial)["estimate"].to_numpy(float)
    after = problem_areas(replace(reference_trial, scores=changed))["estimate"].to_numpy(float)
    np.testing.assert_array_equal(before, after)


def test_a_small_area_is_withheld(reference_trial):
    people = reference_trial.participants.copy()
    grief = people.index[people["problem_area"] == "grief"]
    people.loc[grief[3:], "problem_area"] = "role_disputes"
    table = of_focus(problem_areas(replace(reference_trial, participants=people)))
    of = table[(table["arm"] == "grief") | (table["reference"] == "grief")]
    assert of["estimate"].isna().all()
    assert of["notes"].str.contains("fewer than 5").all()
    assert (table[table["estimate"].notna()]["quantity"] == "difference").sum() == 3


def test_areas_that_cannot_be_compared(reference_trial):
    people = reference_trial.participants.copy()
    people.loc[people["problem_area"].notna(), "problem_area"] = "grief"
    with pytest.raises(ProblemAreaError, match="fewer than two have 5 participants"):
        problem_areas(replace(reference_trial, participants=people))


def test_holm_ignores_missing_values():
    np.testing.assert_allclose(holm([0.01, np.nan, 0.03]), [0.02, np.nan, 0.03])
    assert holm([]).size == 0


def with_areas(data, **plan):
    content = data.study.model_dump(mode="json")
    content["analyses"]["problem_areas"] |= plan
    return replace(data, study=Study.model_validate(content))


def with_flags(data, seed=4):
    """Everyone treated by a therapist also has flags: the focus, and each other one in four."""
    people = data.participants.copy()
    random = np.random.default_rng(seed)
    rated = people["problem_area"].notna()
    for area in AREAS:
        flag = (people["problem_area"] == area) | (random.random(len(people)) < 0.25)
        people[f"area_{area}"] = flag.astype("boolean").where(rated)
    return replace(data, participants=people)


def test_trajectories_equal_lme4(reference_trial):
    # stored: lmer(score ~ baseline + week * problem_area + (week | participant)) of all arms
    stored = json.loads((REFERENCE / "growth_and_therapists.json").read_text("utf-8"))["fits"][
        "random_slope_by_problem_area"
    ]["satterthwaite"]
    raw = pd.read_csv(REFERENCE / "reference_trial.csv").drop_duplicates("participant")
    names = {"role_dispute": "role_disputes", "role_transition": "role_transitions",
             "deficits": "interpersonal_deficits"}  # fmt: skip
    area = raw.set_index("participant")["problem_area"].replace(names)
    people = reference_trial.participants.copy()
    people["problem_area"] = people["participant"].map(area).astype("str")
    data = with_areas(replace(reference_trial, participants=people), arms=["IPT", "IPT+MED", "MED"])
    found = problem_areas(data)
    found = found[found["quantity"] == "slope"].set_index("arm")["estimate"]
    theirs = dict(zip(stored["names"], stored["estimate"], strict=True))
    same = {f"problem_area{old}": new for old, new in {**names, "grief": "grief"}.items()}
    base = next(new for old, new in same.items() if old not in theirs)
    assert found[base] == pytest.approx(theirs["week"], rel=1e-5)
    compared = 0
    for old, new in same.items():
        key = next((k for k in theirs if set(k.split(":")) == {"week", old}), None)
        if key is not None:
            assert found[new] - found[base] == pytest.approx(theirs[key], abs=1e-5)
            compared += 1
    assert compared == 3


def test_flags_are_compared_together_and_counted(reference_trial):
    table = problem_areas(with_flags(reference_trial))
    flags = table[table["analysis"] == "problem areas, flags"]
    assert set(flags["arm"]) == set(AREAS)
    people = with_flags(reference_trial).participants
    seen = reference_trial.scores.query("visit == 'week_16' and score.notna()")["participant"]
    at = people[people["participant"].isin(seen) & people["area_grief"].notna()]
    n = flags.set_index("arm").loc["grief", ["n_arm", "n_reference"]].tolist()
    assert n == [int(at["area_grief"].sum()), int((~at["area_grief"]).sum())]
    expected = multipletests(flags["p"].to_numpy(float), method="holm")[1]
    np.testing.assert_allclose(flags["p_adjusted"].to_numpy(float), expected)
    number = table[table["analysis"] == "problem areas, number of areas"]
    assert len(number) == 1
    assert number["unit"].item() == "points per area"


def test_an_effect_of_a_flag_is_recovered(reference_trial):
    data = with_flags(reference_trial)
    flagged = data.participants.query("area_grief == True")["participant"]
    scores = data.scores.copy()
    later = scores["participant"].isin(flagged) & (scores["visit"] != "baseline")
    scores.loc[later, "score"] += 7
    before, after = (
        problem_areas(one).query("analysis == 'problem areas, flags'").set_index("arm")["estimate"]
        for one in (data, replace(data, scores=scores))
    )
    assert after["grief"] - before["grief"] == pytest.approx(7, abs=1e-6)
    assert after["role_disputes"] == pytest.approx(before["role_disputes"], abs=1e-6)


def test_pooled_areas_equal_metafor_and_shrink(clinical_reference):
    stored = clinical_reference["area_pooling"]
    estimates, covariance = np.array(stored["yi"]), np.array(stored["V"])
    pooled = pool_areas(estimates, covariance, scale=4.0)
    assert pooled.restricted**2 == pytest.approx(stored["tau2"], rel=1e-4)
    means, covariances, _ = given_tau(estimates, covariance, np.sqrt(stored["tau2"]))
    np.testing.assert_allclose(means, stored["blup"], rtol=1e-5)
    np.testing.assert_allclose(np.sqrt(np.diag(covariances)), stored["blup_se"], rtol=1e-5)
    spread = [pooled.linear(np.eye(4)[j], 0.95)[0] for j in range(4)]
    assert np.ptp(spread) < np.ptp(estimates)


def test_pooling_agrees_with_brute_force():
    estimates, covariance, scale = np.array([8.0, 12.0, 9.0]), np.eye(3), 3.0
    random = np.random.default_rng(2)
    # draws from the prior (a wide one for the mean), weighted by the likelihood
    n = 400_000
    tau, mu = abs(random.normal(0, scale, n)), random.normal(10, 30, n)
    theta = mu[:, None] + tau[:, None] * random.normal(size=(n, 3))
    spread = np.sqrt(1 + tau**2)
    log = stats.norm.logpdf(estimates, mu[:, None], spread[:, None]).sum(1)
    weight = np.exp(log - log.max())
    shrink = (tau**2 / (1 + tau**2))[:, None]
    theta = mu[:, None] + shrink * (estimates - mu[:, None])  # conditional means are enough
    expected = (weight[:, None] * theta).sum(0) / weight.sum()
    pooled = pool_areas(estimates, covariance, scale)
    found = [pooled.linear(np.eye(3)[j], 0.95)[0] for j in range(3)]
    np.testing.assert_allclose(found, expected, atol=0.05)


def test_equal_areas_are_not_called_equal_beyond_doubt():
    pooled = pool_areas(np.array([10.0, 10.0, 10.0, 10.0]), np.eye(4), scale=4.0)
    mean, sd, lower, upper = pooled.linear(np.array([1.0, -1.0, 0.0, 0.0]), 0.95)
    assert pooled.restricted == 0
    assert mean == pytest.approx(0, abs=1e-9)
    assert lower < -0.5 < 0.5 < upper
    assert 0 < sd < np.sqrt(2)


def test_the_assumed_errors_give_back_the_kappa():
    shares, kappa = np.array([0.2, 0.35, 0.3, 0.15]), 0.82
    matrix = error_matrix(shares, kappa)
    np.testing.assert_allclose(matrix.sum(axis=1), 1)
    agreed = (shares[:, None] * matrix**2).sum()
    rated = shares @ matrix
    chance = (rated**2).sum()
    assert (agreed - chance) / (1 - chance) == pytest.approx(kappa)


def test_the_dilution_by_wrong_areas_is_undone():
    # raters err by the matrix, independently of the outcome: rated differences are sqrt(kappa) x
    random = np.random.default_rng(5)
    shares, means, kappa = np.array([0.3, 0.7]), np.array([4.0, 10.0]), 0.64
    true = random.choice(2, 400_000, p=shares)
    matrix = error_matrix(shares, kappa)
    rated = (random.random(len(true)) > matrix[true, 0]).astype(int)
    y = means[true]
    observed = y[rated == 1].mean() - y[rated == 0].mean()
    found, _, _ = adjusted_difference(observed, 0, 99, np.full(9, kappa), kappa, 0.95, random)
    assert found == pytest.approx(6.0, abs=0.05)


def test_few_recordings_make_kappa_uncertain():
    shares, random = np.array([0.25] * 4), np.random.default_rng(6)
    few, many = (np.std(draw_kappas(0.82, shares, n, 20000, random)) for n in (18, 1800))
    assert few == pytest.approx(np.sqrt(0.865 * 0.135 / 18) / 0.75, rel=0.15)
    assert many < few / 8


def test_misclassification_widens_and_prints_its_matrix(reference_trial):
    table = problem_areas(with_areas(reference_trial, misclassification={}))
    own = table[table["analysis"] == "problem areas, misclassification"]
    matrix = own[own["quantity"] == "probability"]
    assert len(matrix) == 16
    assert matrix.groupby("subgroup")["estimate"].sum().to_numpy() == pytest.approx(1)
    pairs = own[own["quantity"] == "difference"].set_index(["arm", "reference"])
    plain = of_focus(table).query("quantity == 'difference'").set_index(["arm", "reference"])
    ratio = (pairs["estimate"] / plain["estimate"]).to_numpy(float)
    np.testing.assert_allclose(ratio, 1 / np.sqrt(0.82))
    assert ((pairs["upper"] - pairs["lower"]) > (plain["upper"] - plain["lower"])).all()
    assert pairs["notes"].str.contains("errors do not depend on the outcome").all()
    again = problem_areas(with_areas(reference_trial, misclassification={}))
    pd.testing.assert_frame_equal(table, again)


def test_moderation_is_refused_unless_rated_before_randomisation():
    content = example_config()
    content["analyses"]["problem_areas"]["moderation"] = True
    with pytest.raises(ValueError, match="moderation by problem area is refused"):
        Study.model_validate(content)


def test_moderation_is_refused_unless_rated_in_every_arm(reference_trial):
    plan = {"rated": "before-randomisation", "moderation": True, "arms": ["IPT", "IPT+MED", "MED"]}
    with pytest.raises(ProblemAreaError, match="nobody has one in MED"):
        problem_areas(with_areas(reference_trial, **plan))


def test_moderation_where_it_can_be_asked(reference_trial):
    people = reference_trial.participants.copy()
    people["problem_area"] = [AREAS[k % 2] for k in range(len(people))]
    plan = {"rated": "before-randomisation", "moderation": True, "arms": ["IPT", "IPT+MED", "MED"]}
    table = problem_areas(with_areas(replace(reference_trial, participants=people), **plan))
    own = table[table["analysis"] == "problem areas, moderation"]
    assert (own["quantity"] == "test").sum() == 1
    within = own[own["subgroup"].fillna("").str.contains("problem area: ")]
    difference = within[within["subgroup"].str.contains("against")]
    assert len(within) == 2 * 2 + 2
    assert len(difference) == 2


def test_trajectories_that_cannot_be_fitted_stop_nothing(reference_trial, monkeypatch):
    import ipt_outcomes.mixed as engine

    whole, fitted = problem_areas(reference_trial), engine.mixed_model

    def without_random(*arguments, **options):
        if "random" in options:
            raise engine.ConvergenceError(["the random slope did not converge"])
        return fitted(*arguments, **options)

    monkeypatch.setattr(engine, "mixed_model", without_random)
    table = problem_areas(reference_trial)
    (own,) = table[table["quantity"] == "slope"].to_dict("records")
    assert "not fitted: " in own["notes"]
    assert "the random slope did not converge" in own["notes"]
    pd.testing.assert_frame_equal(of_focus(table), of_focus(whole))
