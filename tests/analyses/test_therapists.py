"""Therapists and groups: R's nlme, dense algebra, what is refused, what may be shared."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.clustered_models import ClusterModel, fit_clusters
from ipt_outcomes.analyses.therapists import TherapistError, therapists
from ipt_outcomes.frames import no_process
from ipt_outcomes.mixed import MixedModelError
from ipt_outcomes.results import ResultsError, estimates
from ipt_outcomes.simulate.clusters import ClusteredDesign, simulate_clusters

from .conftest import pick, planned

ROOT = Path(__file__).resolve().parents[2]
R = json.loads(
    (Path(__file__).parent / "reference" / "process" / "therapists.json").read_text("utf-8")
)


@pytest.fixture(scope="module")
def reference_rows():
    rows = pd.read_csv(ROOT / "tests" / "reference" / "reference_trial.csv")
    rows = rows[rows["score"].notna()]
    return rows.assign(
        course=rows["week"] / 16,
        visit=pd.Categorical(rows["week"], [4, 8, 12, 16], ordered=True),
        cluster=rows["therapist"].where(rows["arm"] != "MED", None),
    )


def with_plan(data, plan):
    return planned(data, therapists=plan)


@pytest.mark.parametrize("effect", ["growing", "constant"])
def test_same_results_as_nlme(reference_rows, effect):
    model = ClusterModel(effect, "MED", "common", ("site",), "satterthwaite")
    found = fit_clusters(reference_rows, model)
    expected = R[effect]
    assert found.fit.loglik == pytest.approx(expected["loglik"], abs=1e-6)
    contrast = found.fit.contrasts("arm", by="visit").set_index(["visit", "arm"])
    for arm, name in (("IPT", "IPT"), ("IPT+MED", "IPT_MED")):
        line = contrast.loc[(16, arm)]
        assert line["estimate"] == pytest.approx(expected[name]["estimate"], abs=1e-5)
        assert line["se"] == pytest.approx(expected[name]["se"], rel=1e-5)
    assert found.fit.icc(16)["icc"].item() == pytest.approx(expected["icc"], abs=1e-5)
    effects = found.fit.cluster_predictions(16).set_index("cluster")["effect"]
    for cluster, value in expected["effects"].items():
        assert effects[cluster.removeprefix("T")] == pytest.approx(value, abs=1e-5)


def test_prediction_errors_are_those_of_the_mixed_model_equations(reference_rows):
    model = ClusterModel("growing", "MED", "common", (), "satterthwaite")
    fit = fit_clusters(reference_rows, model).fit
    prepared = fit.prepared
    labels = prepared.clusters.labels
    sigma = fit.point.sigma[0]
    psi = fit.variance_components["estimate"].iloc[-1]
    kept = prepared.aliasing.kept
    selectors = prepared.design.selectors[:, :, kept]
    p, q = len(kept), len(labels)
    left = np.zeros((p + q, p + q))
    left[p:, p:] = np.eye(q) / psi
    course = np.array([4, 8, 12, 16]) / 16
    for i in range(len(prepared.seen)):
        at = np.flatnonzero(prepared.seen[i])
        x = np.array([prepared.design.z[i] @ selectors[a] for a in at])
        z = np.zeros((len(at), q))
        if prepared.clusters.member[i] >= 0:
            z[:, prepared.clusters.member[i]] = course[at]
        both = np.hstack([x, z])
        left += both.T @ np.linalg.solve(sigma[np.ix_(at, at)], both)
    errors = np.sqrt(np.diag(np.linalg.inv(left))[p:])
    np.testing.assert_allclose(fit.cluster_predictions(16)["se"], errors, rtol=1e-8)


def test_ends_of_the_profile_have_lost_the_quantile(reference_rows):
    from ipt_outcomes.mixed.profile import RestOfLikelihood, maximise, variance_interval
    from ipt_outcomes.mixed.threads import single_threaded

    fit = fit_clusters(reference_rows, ClusterModel("constant", "MED", "common")).fit
    place = len(fit.point.theta) - 1
    with single_threaded():
        ends = variance_interval(fit.likelihood, fit.point.theta, place, 0.95)
    assert 0 < ends.lower < fit.point.theta[-1] < ends.upper
    for end in (ends.lower, ends.upper):
        rest = RestOfLikelihood(fit.likelihood, place, end)
        point, _, _ = maximise(rest, np.delete(fit.point.theta, place))
        assert 2 * (point.f - fit.point.f) == pytest.approx(3.841459, abs=2e-3)


def test_rows_of_the_reference_trial(reference_trial):
    table = therapists(with_plan(reference_trial, {"residual": "common"}))
    main = pick(table, analysis="therapists", quantity="difference", visit="week_16", arm="IPT")
    assert main["estimate"].item() == pytest.approx(R["growing"]["IPT"]["estimate"], abs=1e-4)
    # Kenward-Roger's error is larger than the model's own, and df far below the participants'.
    assert main["se"].item() > R["growing"]["IPT"]["se"]
    assert main["df"].item() < 60
    ignored = pick(table, analysis="therapists, ignored", arm="IPT")
    assert ignored["se"].item() < main["se"].item()
    icc = table[table["quantity"] == "intraclass correlation"]
    assert len(icc) == 3
    assert icc["lower"].notna().all()
    assert icc["upper"].notna().all()
    variants = set(table["analysis"])
    assert {"therapists, effect by visit", "therapists, constant effect"} <= variants
    test = pick(table, quantity="test")
    assert 0 < test["p"].item() < 0.5


def test_no_variance_up_to_rounding_is_none(reference_trial):
    # dealt out anew like this, the log-likelihoods with and without therapists differ by 2e-13
    people = reference_trial.participants
    treated = people["therapist"].notna()
    dealt = np.random.default_rng(2).permutation(people.loc[treated, "therapist"].to_numpy())
    people = people.assign(therapist=people["therapist"].mask(treated))
    people.loc[treated, "therapist"] = dealt
    data = with_plan(replace(reference_trial, participants=people), {"residual": "common"})
    test = pick(therapists(data), quantity="test")
    assert test["statistic"].item() == 0
    assert test["p"].item() == 1


def test_single_therapists_are_restricted_and_their_twin_is_not(reference_trial):
    table = therapists(with_plan(reference_trial, {"residual": "common"}))
    single = table[table["analysis"] == "therapists, predicted effects"]
    assert set(single["disclosure"]) == {"restricted"}
    assert len(single) == reference_trial.participants["therapist"].nunique()
    shared = table[table["disclosure"] == "shared"]
    names = set(reference_trial.participants["therapist"].dropna())
    words = {word for column in shared for value in shared[column] for word in str(value).split()}
    assert not words & names
    assert len(shared[shared["contrast"].str.startswith("between the therapists", na=False)]) == 1


def test_an_intraclass_correlation_without_interval_is_refused():
    row = {"trial": "a", "analysis": "therapists", "analysis_set": "as randomised",
               "quantity": "intraclass correlation", "arm": "IPT", "estimate": 0.05, "method": "m",
               "status": "exploratory", "disclosure": "shared"}  # fmt: skip
    with pytest.raises(ResultsError, match="intraclass correlation without interval"):
        estimates([row])
    assert len(estimates([{**row, "lower": 0.0, "upper": 0.2, "level": 0.95}])) == 1


def test_labels_of_therapists_and_order_of_rows_do_not_matter(reference_rows):
    model = ClusterModel("growing", "MED", "common")
    first = fit_clusters(reference_rows, model).fit
    turned = reference_rows.sample(frac=1, random_state=1)
    turned = turned.assign(
        cluster=turned["cluster"].map(lambda c: f"x{c[::-1]}", na_action="ignore")
    )
    second = fit_clusters(turned, model).fit
    assert first.loglik == pytest.approx(second.loglik, abs=1e-9)


def test_too_few_therapists_are_an_error_with_its_remedy(reference_trial):
    people = reference_trial.participants.assign(therapist=pd.NA).astype({"therapist": "str"})
    data = replace(with_plan(reference_trial, {}), participants=people)
    with pytest.raises(TherapistError, match=r"0 therapists .* at least 2 .* columns.therapist"):
        therapists(data)


def test_groups_in_all_arms_have_degrees_of_freedom_of_groups():
    simulated = simulate_clusters(ClusteredDesign(clusters=6, size=8, icc=0.3, both_arms=True), 3)
    model = ClusterModel("growing", "control", "common")
    contrast = fit_clusters(simulated, model).fit.contrasts("arm", by="visit").iloc[-1]
    alone = fit_clusters(simulated, replace(model, effect=None)).fit.contrasts("arm", by="visit")
    assert contrast["df"] < 16 < 60 < alone["df"].iloc[-1]


def test_site_as_crossed_factor(reference_trial):
    table = therapists(
        with_plan(reference_trial, {"residual": "common", "treatment_by_site": True})
    )
    crossed = pick(table, analysis="therapists, treatment by site", arm="IPT")
    assert len(crossed) == 1
    assert crossed["df"].item() > 0


def test_training_and_fidelity(reference_trial):
    # A process variable that differs between participants of one therapist has two parts.
    people = reference_trial.participants
    random = np.random.default_rng(2)
    treated = people[people["therapist"].notna()]
    years = treated["therapist"].str[1:].astype(int).astype(float)
    named = {"training": years, "fidelity": years / 10 + random.normal(size=len(treated))}
    process = pd.concat(
        pd.DataFrame({"trial": "example", "participant": treated["participant"],
                      "record": "ratings", "variable": name, "value": value})
        for name, value in named.items()
    )  # fmt: skip
    full = no_process()
    process = process.reindex(columns=full.columns).astype(full.dtypes)
    plan = {"residual": "common", "predictors": ["training", "fidelity"]}
    table = therapists(replace(with_plan(reference_trial, plan), process=process))
    training = pick(table, analysis="therapists, training")
    assert training["subgroup"].tolist() == ["between therapists"]
    fidelity = pick(table, analysis="therapists, fidelity")
    assert fidelity["subgroup"].tolist() == ["between therapists", "within therapists"]
    assert fidelity["df"].iloc[0] < fidelity["df"].iloc[1]
    assert set(table[table["quantity"] == "slope"]["status"]) == {"exploratory"}
    assert training["notes"].str.contains("not an effect").all()


def test_an_effect_of_training_is_found():
    design = ClusteredDesign(clusters=40, size=8, icc=0.05, training_effect=-4.0, leaving=0.0)
    from ipt_outcomes.analyses.cluster_predictors import slopes

    simulated = simulate_clusters(design, 5)
    treated = simulated[simulated["cluster"].notna()]
    found = list(
        slopes(treated.assign(predictor=treated["training"]),
               ClusterModel("growing", "control"), "training", {"notes": None}, "therapist")
    )  # fmt: skip
    assert len(found) == 1
    assert found[0]["lower"] < -4.0 < found[0]["upper"] < 0


def test_questions_that_the_fit_cannot_answer(reference_rows):
    by_visit = fit_clusters(reference_rows, ClusterModel("by-visit", "MED", "common")).fit
    with pytest.raises(MixedModelError, match="one variance per group of clusters"):
        by_visit.icc(16, interval="profile")
    with pytest.raises(MixedModelError, match="visit 17 is not among 4, 8, 12, 16"):
        by_visit.cluster_predictions(17)
    alone = fit_clusters(reference_rows, ClusterModel(None, "MED", "common")).fit
    with pytest.raises(MixedModelError, match="has no clusters"):
        alone.cluster_predictions(16)
