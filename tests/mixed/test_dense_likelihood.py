"""The engine equals a dense, direct evaluation of likelihood, derivatives and adjustments."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ipt_outcomes.mixed import mixed_model
from ipt_outcomes.mixed.catalogue import covariance_name
from ipt_outcomes.mixed.kenward_roger import adjusted_covariance
from ipt_outcomes.mixed.model import build_likelihood, build_structure
from ipt_outcomes.mixed.prepare import prepare
from ipt_outcomes.mixed.source import Source
from ipt_outcomes.mixed.specification import Specification

T = 3
LAG = np.abs(np.subtract.outer(np.arange(T), np.arange(T)))
WEEKS = np.array([4.0, 8.0, 12.0])


def full(theta):
    out = np.zeros((T, T), theta.dtype)
    rows, cols = np.tril_indices(T)
    out[rows, cols] = theta
    out[cols, rows] = theta
    return out


def scaled(theta, correlation):
    deviation = np.sqrt(theta[:T])
    return np.outer(deviation, deviation) * correlation


def by_lag(values):
    return np.concatenate([np.ones(1, values.dtype), values])[LAG]


def ante(rho):
    out = np.eye(T, dtype=rho.dtype)
    for a in range(T):
        for b in range(a):
            out[a, b] = out[b, a] = np.prod(rho[b:a])
    return out


def ar(rho):
    return np.array([[rho ** int(lag) for lag in row] for row in LAG])


STRUCTURES = {
    "us": (6, full),
    "cs": (2, lambda t: t[0] * np.ones((T, T)) + t[1] * np.eye(T)),
    "csh": (4, lambda t: scaled(t, by_lag(np.repeat(t[3:], T - 1)))),
    "toep": (3, lambda t: t[LAG]),
    "toeph": (5, lambda t: scaled(t, by_lag(t[3:]))),
    "ar1": (2, lambda t: t[0] * ar(t[1])),
    "ar1h": (4, lambda t: scaled(t, ar(t[3]))),
    "ad": (3, lambda t: t[0] * ante(t[1:])),
    "adh": (5, lambda t: scaled(t, ante(t[3:]))),
    "sp_exp": (2, lambda t: t[0] * np.exp(-4.0 * LAG / t[1])),
}
FORMULA = "score ~ baseline + arm*week"


def fit(frame, **request):
    # reference coding as in the dense design: MED first
    return mixed_model(
        FORMULA, frame, participant="participant", visit="week", reference={"arm": "MED"}, **request
    )


def order(result):
    """Columns of the dense design in the order of the engine's coefficients."""
    names = ["Intercept", "baseline", "arm[IPT]", "week[8]", "week[12]"]
    names += ["arm[IPT]:week[8]", "arm[IPT]:week[12]"]
    return [names.index(n) for n in result.design.names]


def close(a, b, tolerance=1e-8):
    scale = np.abs(b).max()
    np.testing.assert_allclose(np.asarray(a) / scale, np.asarray(b) / scale, atol=tolerance, rtol=0)


def compare(result, made, dense, theta_away):
    """Hold likelihood, gradient and curvature at and away from the maximum, and the adjustments."""
    columns = order(result)
    X = made.X[:, columns]
    likelihood = result.likelihood
    for theta in (theta_away, result.point.theta):
        direct = dense(X, made.y, made.V, theta)
        point = likelihood.at(np.asarray(theta, float))
        likelihood.differentiate(point)
        assert -point.f == pytest.approx(direct.loglik(), rel=1e-10)
        size = np.sqrt(np.abs(np.diag(direct.hessian("expected"))))
        np.testing.assert_allclose(point.gradient / size, direct.gradient() / size, atol=1e-8)
        scale = np.outer(size, size)
        for kind in ("observed", "expected"):
            close(likelihood.hessian(point, kind) / scale, direct.hessian(kind) / scale)
    close(result.fixed.beta, direct.beta)
    close(result.fixed.phi, direct.phi)
    omega = np.linalg.inv(direct.hessian())
    if result.specification.df.startswith("kenward"):
        linear = result.specification.df.endswith("linear")
        close(result.fixed.vcov, direct.kenward_roger(omega, second=not linear))
    df = result.coefficients["df"].to_numpy()
    close(df, [direct.satterthwaite(c, omega) for c in np.eye(len(columns))])


@pytest.mark.parametrize("code", STRUCTURES)
def test_structured_covariance_and_second_order_kenward_roger(
    code, small_trial, dense_design, dense
):
    k, sigma = STRUCTURES[code]
    made = dense_design(small_trial, covariance=lambda t, own: sigma(t), n_within=k)
    result = fit(small_trial, covariance=code)
    compare(result, made, dense, result.point.theta * np.linspace(1.1, 0.9, k))


def test_full_maximum_likelihood(small_trial, dense_design, dense):
    made = dense_design(small_trial, covariance=lambda t, own: full(t), n_within=6)
    result = fit(small_trial, df="satterthwaite", reml=False)
    direct = dense(made.X[:, order(result)], made.y, made.V, result.point.theta)
    assert result.loglik == pytest.approx(direct.loglik(reml=False), rel=1e-10)


def by_arm(theta, own):
    return full(theta[:6] if own["arm"] == "IPT" else theta[6:])


def test_grouped_by_arm(small_trial, dense_design, dense):
    made = dense_design(small_trial, covariance=by_arm, n_within=12)
    result = fit(small_trial, covariance="us", covariance_by="arm")
    compare(result, made, dense, result.point.theta * np.linspace(0.95, 1.05, 12))


def random_slope(theta, own):
    Z = np.column_stack([np.ones(T), WEEKS])
    G = np.array([[theta[0], theta[1]], [theta[1], theta[2]]])
    residual = theta[3] if own["arm"] == "IPT" or len(theta) == 4 else theta[4]
    return Z @ G @ Z.T + residual * np.eye(T)


def therapists(loading, psi):
    """Z Ψ Z' of all rows: the same therapist (never in the other arm) at two positions in time."""

    def add(theta, frame, position):
        label = frame["therapist"].to_numpy()
        same = (label[:, None] == label) & frame["therapist"].notna().to_numpy()
        over_time = loading @ psi(theta) @ loading.T
        return np.where(same, over_time[np.ix_(position, position)], 0)

    return add


def each(theta):
    return theta[0] * np.ones((T, T)) + theta[1] * np.eye(T)


CLUSTERS = {
    "intercept": ({}, np.ones((T, 1)), lambda t: t.reshape(1, 1)),
    "by visit": ({}, np.eye(T), each),
    "by visit, one variance each": (
        {"cluster_covariance": "heterogeneous compound symmetry"},
        np.eye(T),
        lambda t: scaled(t, by_lag(np.repeat(t[3:], T - 1))),
    ),
    "slope": ({}, WEEKS[:, None], lambda t: t.reshape(1, 1)),
}


def compare_at(spec, code, frame, made, dense, theta):
    """Hold a likelihood against the dense one at a place away from any maximum."""
    prepared = prepare(spec, Source(frame), {"arm": "MED"})
    likelihood = build_likelihood(prepared, build_structure(prepared, covariance_name(code)))
    names = SimpleNamespace(design=prepared.design)
    direct = dense(made.X[:, order(names)], made.y, made.V, theta)
    point = likelihood.at(theta)
    likelihood.differentiate(point)
    assert -point.f == pytest.approx(direct.loglik(), rel=1e-11)
    size = np.sqrt(np.diag(direct.hessian("expected")))
    scale = np.outer(size, size)
    close(point.gradient / size, direct.gradient() / size)
    for kind in ("observed", "expected"):
        close(likelihood.hessian(point, kind) / scale, direct.hessian(kind) / scale)
    omega = np.linalg.inv(direct.hessian("expected"))
    second = likelihood.weighted_second(point, omega, mmrm=False)
    close(adjusted_covariance(likelihood, point, omega, second), direct.kenward_roger(omega))


@pytest.mark.parametrize("effect", CLUSTERS)
@pytest.mark.parametrize("code", ["us", "ar1h"])
def test_therapists_on_top(effect, code, small_trial, dense_design, dense):
    extra, loading, psi = CLUSTERS[effect]
    k, sigma = STRUCTURES[code]
    made = dense_design(
        small_trial,
        covariance=lambda t, own: sigma(t),
        n_within=k,
        cluster=therapists(loading, psi),
    )
    request = {"cluster": "therapist", "cluster_effect": effect.split(",")[0], **extra}
    where = {"cluster_where": "arm != 'MED'"}
    spec = Specification(FORMULA, "participant", "week", **request, **where)
    base = {"us": [20.0, 8, 22, 7, 9, 25], "ar1h": [20.0, 22, 25, 0.45]}[code]
    own = {"intercept": [3.0], "by visit": [2.0, 1.5], "slope": [0.05]}
    tail = own.get(effect, [2.0, 2.5, 3.0, 0.4])
    compare_at(spec, code, small_trial, made, dense, np.array([*base, *tail]))


def test_random_slope_with_residual_variance_by_arm(small_trial, dense_design, dense):
    # the maximum lies on the boundary, where other derivatives rule; here the place is chosen
    made = dense_design(small_trial, covariance=random_slope, n_within=5)
    request = {"random": "1 + week", "covariance": "independent", "covariance_by": "arm"}
    spec = Specification(FORMULA, "participant", "week", **request)
    compare_at(spec, "id", small_trial, made, dense, np.array([9.0, 0.2, 0.05, 4.0, 6.0]))


def test_therapists_and_residuals_with_variances_by_arm(small_trial, dense_design, dense):
    # every therapist works in both arms, with an effect of his own in each
    frame = small_trial.assign(therapist="T" + (small_trial["participant"] // 2 % 5).astype(str))

    def in_either_arm(theta, frame, position):
        label = (frame["arm"] + frame["therapist"]).to_numpy()
        variance = np.where(frame["arm"] == "IPT", theta[0], theta[1])
        times = WEEKS[position]
        return np.where(label[:, None] == label, variance * np.outer(times, times), 0)

    made = dense_design(frame, covariance=by_arm, n_within=12, cluster=in_either_arm)
    spec = Specification(
        FORMULA, "participant", "week", covariance_by="arm", cluster="therapist",
        cluster_effect="slope", cluster_by="arm",
    )  # fmt: skip
    theta = np.array([20.0, 8, 22, 7, 9, 25, 15, 4, 18, 5, 6, 19, 0.05, 0.02])
    compare_at(spec, "us", frame, made, dense, theta)


def test_weights_within_participants(small_trial, dense_design, dense):
    frame = small_trial.assign(w=1.0 + 0.5 * (np.arange(len(small_trial)) % 3))
    made = dense_design(frame, covariance=lambda t, own: full(t), n_within=6, weights="w")
    result = fit(frame, weights="w")
    compare(result, made, dense, result.point.theta * np.linspace(0.95, 1.05, 6))


def test_weights_constant_within_participants(small_trial, dense_design, dense):
    frame = small_trial.assign(w=1.0 + 0.5 * (small_trial["participant"] % 3))
    made = dense_design(frame, covariance=lambda t, own: full(t), n_within=6, weights="w")
    result = fit(frame, weights="w")
    compare(result, made, dense, result.point.theta * np.linspace(0.95, 1.05, 6))
