"""The one-stage model: its likelihood by brute force, its agreement with two stages, refusals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize

from ipt_outcomes.results import estimates
from ipt_outcomes.synthesis.effects import make_effects
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.one_stage import one_stage
from ipt_outcomes.synthesis.pooling import random_effects


def trials(n=40, k=6, tau=1.5, visits=("week_8", "week_16"), seed=3):
    rng = np.random.default_rng(seed)
    frames = {}
    for j in range(k):
        arm = np.where(np.arange(n) % 2, "IPT", "TAU")
        baseline, person, u = rng.normal(20, 4, n), rng.normal(0, 3, n), rng.normal(0, tau)
        frames[f"T{j}"] = pd.concat([
            pd.DataFrame({
                "participant": np.arange(n), "arm": arm, "baseline": baseline,
                "visit": pd.Categorical([visit] * n, visits, ordered=True),
                "score": 4 + j + 0.4 * baseline - (3 + u) * (arm == "IPT") + person
                + rng.normal(0, 4, n),
            }) for visit in visits
        ], ignore_index=True)  # fmt: skip
    return frames


def test_one_visit_equals_the_dense_restricted_likelihood():
    frames = trials(n=24, visits=("week_16",))
    found = one_stage(frames, arm="IPT", reference="TAU")
    data = pd.concat([f.assign(trial=t) for t, f in frames.items()])
    dummies = pd.get_dummies(data["trial"]).to_numpy(float)
    x = (data["arm"] == "IPT").to_numpy(float)
    X = np.column_stack([dummies, dummies * data[["baseline"]].to_numpy(), x])
    Z, y = dummies * x[:, None], data["score"].to_numpy()

    def minus(log_theta):
        s2, t2 = np.exp(log_theta)
        W = np.linalg.inv(s2 * np.eye(len(y)) + t2 * Z @ Z.T)
        A = X.T @ W @ X
        r = y - X @ np.linalg.solve(A, X.T @ W @ y)
        return (-np.linalg.slogdet(W)[1] + np.linalg.slogdet(A)[1] + r @ W @ r) / 2

    best = minimize(
        minus, [2.5, 0.5], method="Nelder-Mead", options={"xatol": 1e-8, "fatol": 1e-10}
    )
    s2, t2 = np.exp(best.x)
    W = np.linalg.inv(s2 * np.eye(len(y)) + t2 * Z @ Z.T)
    beta = np.linalg.solve(X.T @ W @ X, X.T @ W @ y)
    assert found.tau2 == pytest.approx(t2, rel=1e-4)
    assert found.differences["estimate"].iloc[0] == pytest.approx(beta[-1], rel=1e-5)


def test_one_and_two_stages_agree_for_large_trials():
    frames = trials(n=400, visits=("week_16",))
    one = one_stage(frames, arm="IPT", reference="TAU")
    effects = []
    for trial, frame in frames.items():
        X = np.column_stack([np.ones(len(frame)), frame["baseline"], frame["arm"] == "IPT"])
        X = X.astype(float)
        b, rss, *_ = np.linalg.lstsq(X, frame["score"], rcond=None)
        v = rss[0] / (len(frame) - 3) * np.linalg.inv(X.T @ X)[2, 2]
        effects.append((trial, b[2], np.sqrt(v)))
    two = random_effects(
        make_effects(
            "md", dict(zip(("trial", "estimate", "se"), zip(*effects, strict=True), strict=True))
        )
    )
    line = one.differences.iloc[0]
    assert line["estimate"] == pytest.approx(two.pooled.estimate, rel=0.01)
    assert line["se"] == pytest.approx(two.pooled.se, rel=0.05)
    assert one.tau2 == pytest.approx(two.heterogeneity.tau2, rel=0.1)
    assert line["df"] == pytest.approx(5, abs=1.5)


def test_rows_of_the_estimates_table():
    frames = trials()
    frames["T0"] = pd.concat([frames["T0"], frames["T0"].assign(arm="CBT", participant=99)])
    frames["T1"].loc[0, "score"] = np.nan
    found = one_stage(frames, arm="IPT", reference="TAU")
    about = {"trial": "all", "outcome": "hamd17", "analysis_set": "as randomised",
             "estimand": "treatment_policy", "unit": "points", "status": "exploratory",
             "disclosure": "shared"}  # fmt: skip
    table = estimates(found.rows(about))
    assert table["visit"].tolist()[:2] == ["week_8", "week_16"]
    assert table["quantity"].tolist() == ["difference", "difference", "variance"]
    assert found.left_out == {"another arm": 80, "score or baseline missing": 1}
    assert "6 trials" in table["notes"].iloc[0]
    assert table["n_arm"].iloc[0] == 120
    assert 0.5 < np.sqrt(found.tau2) < 4


def test_what_keeps_trials_apart_is_said_at_once():
    frames = trials(k=3)
    frames["T0"] = frames["T0"].assign(arm="TAU")
    frames["T1"] = frames["T1"][frames["T1"]["visit"] == "week_8"]
    frames["T2"] = frames["T2"].drop(columns="baseline")
    with pytest.raises(SynthesisError) as caught:
        one_stage(frames, arm="IPT", reference="TAU")
    assert len(caught.value.findings) == 3
    unordered = {t: f.assign(visit=f["visit"].astype(str)) for t, f in trials(k=2).items()}
    with pytest.raises(SynthesisError, match="without an order"):
        one_stage(unordered, arm="IPT", reference="TAU")
    with pytest.raises(SynthesisError, match="at least two"):
        one_stage({"a": trials()["T0"]}, arm="IPT", reference="TAU")
