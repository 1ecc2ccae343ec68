"""What must hold whatever the data: strategies, deltas, draws, pooling, streams."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.imputation import (
    Distribution,
    analyse,
    ancova,
    delta,
    delta_of_rows,
    draws,
    each,
    first_missed,
    impute,
    incomplete_trial,
    pool,
    responders,
    rubin,
    stream,
    tipping_line,
    tipping_surface,
)
from ipt_outcomes.imputation.example import small_trial

FORMULA = "change ~ arm + week + baseline*week + arm*week"


@pytest.fixture(scope="module")
def trial():
    return small_trial(80)


@pytest.fixture(scope="module")
def drawn(trial):
    return draws(trial)


def values(drawn, strategy):
    return impute(drawn, strategy).first().set_index(["participant", "visit"])


def test_reference_arm_is_the_same_under_every_strategy(drawn):
    mar = values(drawn, "MAR")
    for strategy in ("JR", "CR", "CIR"):
        found = values(drawn, strategy)
        own = found["arm"] == "MED"
        assert found.loc[own, "value"].to_numpy() == pytest.approx(mar.loc[own, "value"].to_numpy())


def test_order_of_the_strategies(drawn):
    # Copy increments keeps what jump to reference loses at once, missing at random loses nothing.
    treated = values(drawn, "MAR")["arm"] == "IPT"
    mar, cir, jr = (values(drawn, s).loc[treated, "value"] for s in ("MAR", "CIR", "JR"))
    assert mar.mean() < cir.mean() < jr.mean()
    assert (cir < jr).all()


def test_own_strategy_is_called_with_the_fits(trial):
    def halfway(own: Distribution, reference: Distribution, start: int) -> Distribution:
        mean = own.mean.copy()
        mean[..., start:] = 0.5 * (own.mean[..., start:] + reference.mean[..., start:])
        return Distribution(mean, own.covariance)

    # Own means stand before the event in all three, so the conditional means average too.
    drawn = draws(trial)
    half = impute(drawn, halfway).first()["value"].to_numpy()
    both = [impute(drawn, s).first()["value"].to_numpy() for s in ("MAR", "JR")]
    assert half == pytest.approx(0.5 * (both[0] + both[1]))


def test_covariance_by_arm(rows, stored):
    events = pd.DataFrame(stored["ice"])
    common = {"participant": "participant", "visit": "week", "arm": "arm", "reference": "MED"}
    trial = incomplete_trial(rows, FORMULA, events=events, covariance_by_arm=True, **common)
    drawn = draws(trial)
    assert drawn.sigma.shape[1:] == (2, 4, 4)
    assert not np.allclose(drawn.sigma[0, 0], drawn.sigma[0, 1])
    # Under MAR each arm is as if it were analysed alone, baseline's slope apart; CR takes the
    # reference arm's covariance, so both are complete and differ.
    mar, cr = (impute(drawn, s).first()["value"] for s in ("MAR", "CR"))
    assert np.isfinite(mar).all()
    assert not np.allclose(mar, cr)


def test_joined_covariance_agrees_before_and_regresses_as_the_reference():
    from ipt_outcomes.imputation.strategies import jump_to_reference

    rng = np.random.default_rng(1)
    A, B = rng.normal(size=(2, 4, 6))
    own = Distribution(np.zeros((1, 1, 4)), (A @ A.T)[None])
    other = Distribution(np.zeros((1, 1, 4)), (B @ B.T)[None])
    C, S, R = (d.covariance[0] for d in (jump_to_reference(own, other, 2), own, other))
    assert C[:2, :2] == pytest.approx(S[:2, :2])
    assert np.linalg.solve(C[:2, :2], C[:2, 2:]) == pytest.approx(
        np.linalg.solve(R[:2, :2], R[:2, 2:])
    )
    left = C[2:, 2:] - C[2:, :2] @ np.linalg.solve(C[:2, :2], C[:2, 2:])
    want = R[2:, 2:] - R[2:, :2] @ np.linalg.solve(R[:2, :2], R[:2, 2:])
    assert left == pytest.approx(want)
    assert np.linalg.eigvalsh(C)[0] > 0


def test_relabelled_and_shuffled_data_give_the_same_numbers(rows, stored):
    events = pd.DataFrame(stored["ice"])
    common = {"participant": "participant", "visit": "week", "arm": "arm", "reference": "MED"}
    one = incomplete_trial(rows, FORMULA, events=events, **common)
    mixed = rows.sample(frac=1, random_state=3)
    two = incomplete_trial(mixed, FORMULA, events=events.sample(frac=1, random_state=4), **common)
    tables = [pool(analyse(impute(draws(t)), ancova(["baseline"]))) for t in (one, two)]
    for column in ("estimate", "se"):
        assert tables[0][column].to_numpy() == pytest.approx(tables[1][column].to_numpy(), rel=1e-7)


def test_shifted_scores_shift_the_means_only(rows, stored):
    events = pd.DataFrame(stored["ice"])
    common = {"participant": "participant", "visit": "week", "arm": "arm", "reference": "MED"}
    moved = rows.assign(change=rows["change"] + 100)
    one, two = (
        pool(analyse(impute(draws(incomplete_trial(f, FORMULA, events=events, **common))),
                     ancova(["baseline"])))
        for f in (rows, moved)
    )  # fmt: skip
    gap = two["estimate"] - one["estimate"]
    assert gap[one["quantity"] == "mean"].to_numpy() == pytest.approx(100.0)
    assert gap[one["quantity"] == "difference"].to_numpy() == pytest.approx(0.0, abs=1e-6)


def test_delta_by_arm_visit_and_time_since_the_event(trial):
    amounts = delta(trial, per_visit_since_event={"IPT": 2.0}, visit={16: 1.0})
    assert (amounts[~trial.missing] == 0).all()
    early = next(i for i in range(80) if trial.starts.start[i] == 1 and trial.arm[i] == 1)
    assert amounts[early].tolist() == [0.0, 2.0, 5.0]
    table = pd.DataFrame(
        {"participant": [trial.participants[early]], "visit": [12], "delta": [4.0]}
    )
    assert delta_of_rows(trial, table)[early].tolist() == [0.0, 4.0, 0.0]


def test_several_events_of_one_participant():
    frame = pd.DataFrame({"id": np.repeat(np.arange(8), 3), "week": np.tile([4, 8, 16], 8),
                          "arm": np.repeat(["IPT", "MED"] * 4, 3), "score": 1.0 * np.arange(24)})  # fmt: skip
    events = pd.DataFrame(
        {"participant": [0, 0, 2], "type": ["medication", "stopped", "stopped"],
         "day": [60, 30, 200], "strategy": ["CR", "JR", "JR"]}
    )  # fmt: skip
    trial = incomplete_trial(
        frame, "score ~ arm*week", participant="id", visit="week", arm="arm", reference="MED",
        events=events, visit_days={4: 28, 8: 56, 16: 112},
    )  # fmt: skip
    assert trial.starts.start.tolist() == [1] + [3] * 7
    assert trial.starts.strategy[0] == "JR"
    assert trial.starts.counts == {"events": 3, "events decided by an earlier one": 1,
                                   "events after the last visit": 1}  # fmt: skip


def test_gaps_before_the_event_are_missing_at_random(trial):
    y = trial.y.copy()
    late = next(i for i in range(80) if trial.starts.start[i] == 2 and trial.arm[i] == 1)
    y[late, 0] = np.nan
    from dataclasses import replace

    gapped = draws(replace(trial, y=y))
    jump, mar = (impute(gapped, s).first().set_index(["participant", "visit"])["value"]
                 for s in ("JR", "MAR"))  # fmt: skip
    name = trial.participants[late]
    assert jump[(name, 8)] == pytest.approx(mar[(name, 8)])
    assert jump[(name, 16)] != pytest.approx(mar[(name, 16)])


def test_streams_do_not_depend_on_how_many_are_drawn(trial):
    few = draws(trial, "bootstrap", 5, rng=stream(1, "a"))
    many = draws(trial, "bootstrap", 9, rng=stream(1, "a"))
    assert np.array_equal(few.weights, many.weights[:6])


@pytest.mark.parametrize("method", ["approximate bayes", "posterior", "bootstrapped imputation"])
def test_random_methods_agree_with_conditional_means(trial, drawn, method):
    exact = pool(analyse(impute(drawn, "MAR"), ancova(visits=[16]))).iloc[0]
    found = draws(trial, method, 150, rng=stream(1, method))
    row = pool(analyse(impute(found, "MAR"), ancova(visits=[16]))).iloc[0]
    assert abs(row["estimate"] - exact["estimate"]) < 4 * row["mcse"]
    assert row["se"] == pytest.approx(exact["se"], rel=0.2)


def test_blocks_do_not_change_the_numbers(trial, monkeypatch):
    from ipt_outcomes.imputation import imputing

    found = draws(trial, "approximate bayes", 6, rng=stream(1, "blocks"))
    whole = pool(analyse(impute(found), ancova()))
    monkeypatch.setattr(imputing, "BLOCK", 2 * trial.y.size)
    again = impute(found)
    assert len(list(again.blocks())) == 3
    pd.testing.assert_frame_equal(pool(analyse(again, ancova())), whole)


def test_percentile_bootstrap(trial):
    found = analyse(impute(draws(trial, "bootstrap", 200, rng=stream(1, "p"))), ancova())
    normal, percentile = pool(found), pool(found, interval="percentile")
    assert (normal["estimate"] == percentile["estimate"]).all()
    width = [(t["upper"] - t["lower"]).to_numpy() for t in (normal, percentile)]
    assert width[0] == pytest.approx(width[1], rel=0.2)
    assert percentile["p"].between(0, 1).all()


def test_rubin_by_hand():
    # Barnard & Rubin (1999): m = 3, within 1, between 1, complete-data df 20.
    table = rubin(np.array([[1.0], [2.0], [3.0]]), np.ones((3, 1)), np.array([20.0]), 0.95)
    row = table.iloc[0]
    total, share = 1 + 4 / 3, (4 / 3) / (1 + 4 / 3)
    old, seen = 2 / share**2, 20 * 21 / 23 * (1 - share)
    assert row["se"] == pytest.approx(np.sqrt(total))
    assert row["df"] == pytest.approx(old * seen / (old + seen))
    assert row["mcse"] == pytest.approx(np.sqrt(1 / 3))


def test_each_gives_what_ancova_gives(trial):
    import statsmodels.formula.api as smf

    def by_hand(frame):
        fit = smf.ols("score ~ C(arm, Treatment('MED')) + baseline", frame[frame["week"] == 16])
        fit = fit.fit()
        return {"difference": (fit.params.iloc[1], fit.bse.iloc[1], fit.df_resid)}

    found = draws(trial, "approximate bayes", 5, rng=stream(1, "each"))
    mine = pool(analyse(impute(found), each(by_hand, "by hand"))).iloc[0]
    ours = pool(analyse(impute(found), ancova(visits=[16]))).iloc[0]
    for column in ("estimate", "se", "df", "p"):
        assert mine[column] == pytest.approx(ours[column], rel=1e-8)


def test_surface_is_what_is_found_point_by_point(trial, drawn):
    for found in (drawn, draws(trial, "approximate bayes", 20, rng=stream(1, "surface"))):
        imputed = impute(found, "MAR")
        surface = tipping_surface(imputed, ancova(visits=[16]), arm="IPT", visit=16,
                                  deltas=[-3, 0, 7], reference_deltas=[0, 4])  # fmt: skip
        for row in surface.table.to_dict("records"):
            amounts = delta(trial, arm={"IPT": row["delta"], "MED": row["reference_delta"]})
            direct = pool(analyse(imputed, ancova(visits=[16]), amounts)).iloc[0]
            for column in ("estimate", "se", "lower", "p"):
                assert row[column] == pytest.approx(direct[column], rel=1e-8)


def test_at_the_tipping_point_the_interval_ends_at_zero(trial, drawn):
    imputed = impute(drawn, "MAR")
    line = tipping_line(imputed, ancova(), arm="IPT", visit=16, deltas=np.arange(-5, 26))
    tip = line.tip(1)
    assert tip is not None
    amounts = delta(trial, arm={"IPT": tip})
    row = pool(analyse(imputed, ancova(visits=[16]), amounts)).iloc[0]
    assert min(abs(row["lower"]), abs(row["upper"])) < 1e-5


def test_tipping_of_responders(trial):
    imputed = impute(draws(trial, "approximate bayes", 20, rng=stream(1, "r")), "MAR")
    criterion = responders(at_most=10, visits=[16])
    line = tipping_line(imputed, criterion, arm="IPT", visit=16, deltas=np.arange(0, 31, 5))
    assert not line.exact
    assert line.table["estimate"].is_monotonic_decreasing
    half = responders(reduced_by=0.5, baseline="baseline", visits=[16])
    table = pool(analyse(imputed, half))
    assert table["estimate"].abs().max() <= 1


def test_first_missed_of_nobody_seen():
    assert first_missed(np.zeros((1, 3), bool)).tolist() == [0]
