"""Strategies by hand, by type of event, and where a conclusion turns; what a long step tells."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.imputation import (
    ImputationError,
    ancova,
    draws,
    impute,
    incomplete_trial,
    stream,
    tipping_line,
)
from ipt_outcomes.imputation.example import small_trial


def test_every_strategy_by_hand(by_arm):
    """Conditional means of one participant, written out from the fitted means and covariance."""
    trial = by_arm
    drawn = draws(trial, "bootstrap", 2, rng=stream(1, "by hand"))
    who = next(i for i in range(len(trial.participants))
               if trial.starts.start[i] == 2 and trial.arms[trial.arm[i]] == "IPT")  # fmt: skip
    y = trial.y[who]
    assert np.isfinite(y[:2]).all()
    baseline = trial.covariates().loc[who, "baseline"]
    means = drawn.fit.means("arm", by="week", at={"baseline": baseline})
    own, other = (means.loc[means["arm"] == a, "estimate"].to_numpy() for a in ("IPT", "MED"))
    place = drawn.fit.prepared.groups.index
    S, R = drawn.sigma[0, place("IPT")], drawn.sigma[0, place("MED")]

    def later(mean, before, C):
        return mean + (y[:2] - before) @ np.linalg.solve(C[:2, :2], C[:2, 2:])

    want = {
        "MAR": later(own[2:], own[:2], S),
        "JR": later(other[2:], own[:2], R),
        "CR": later(other[2:], other[:2], R),
        "CIR": later(own[1] + other[2:] - other[1], own[:2], R),
        "LMCF": later(own[[1, 1]], own[:2], S),
    }
    for strategy, values in want.items():
        found = impute(drawn, strategy).first()
        found = found.loc[found["participant"] == trial.participants[who], "value"]
        assert found.to_numpy() == pytest.approx(values, rel=1e-8), strategy


def test_strategies_by_type_of_event(small, small_drawn):
    by_kind = {"no benefit": "JR", "moved away": "MAR"}
    found = impute(small_drawn, by_kind).first().set_index(["participant", "visit"])["value"]
    kinds = {small.participants[e.row]: e.kind for e in small.starts.events}
    one = {
        kind: impute(small_drawn, name).first().set_index(["participant", "visit"])["value"]
        for kind, name in by_kind.items()
    }
    for place, value in found.items():
        assert value == pytest.approx(one[kinds[place[0]]][place])
    assert set(kinds.values()) == set(by_kind)
    with pytest.raises(ImputationError, match=r"no event is of the type died; types .* no benefit"):
        impute(small_drawn, {"died": "JR"})


def test_other_strategies_find_their_own_starts():
    frame = pd.DataFrame({"id": np.repeat(np.arange(8), 3), "week": np.tile([4, 8, 16], 8),
                          "arm": np.repeat(["IPT", "MED"] * 4, 3), "score": 1.0 * np.arange(24)})  # fmt: skip
    events = pd.DataFrame({"participant": [0, 0], "type": ["new medication", "stopped"],
                           "visit": [8, 16], "strategy": ["MAR", "JR"]})  # fmt: skip
    trial = incomplete_trial(frame, "score ~ arm*week", participant="id", visit="week", arm="arm",
                             reference="MED", events=events)  # fmt: skip
    assert (trial.starts.start[0], trial.starts.strategy[0]) == (2, "JR")
    assert trial.with_strategy("CR").starts.start[0] == 1
    turned = trial.with_strategy({"new medication": "CIR", "stopped": "MAR"})
    assert (turned.starts.start[0], turned.starts.strategy[0]) == (1, "CIR")


def test_a_conclusion_that_turns_within_one_step_changes_twice():
    imputed = impute(draws(small_trial(120)), "MAR")
    fine = tipping_line(imputed, ancova(), arm="IPT", visit=16, deltas=np.arange(0, 81))
    coarse = tipping_line(imputed, ancova(), arm="IPT", visit=16, deltas=[0, 80])
    assert coarse.table["conclusion"].tolist() == [-1, 1]
    assert len(coarse.contour) == 2
    assert coarse.contour["delta"].to_numpy() == pytest.approx(fine.contour["delta"], abs=1e-6)
    assert coarse.tip(1) == pytest.approx(fine.tip(1), abs=1e-6)


def test_long_steps_tell_how_far_they_are(small, monkeypatch, caplog):
    from ipt_outcomes.imputation import drawing, progress

    monkeypatch.setattr(progress, "SECONDS", 0.0)
    monkeypatch.setattr(drawing, "REFITS", 40)
    with caplog.at_level(logging.INFO, logger="ipt_outcomes"):
        in_parts = draws(small)
    told = [record.getMessage() for record in caplog.records]
    assert "refits of the imputation model: 40 of 80" in told
    monkeypatch.undo()
    assert in_parts.beta == pytest.approx(draws(small).beta, rel=1e-10)
