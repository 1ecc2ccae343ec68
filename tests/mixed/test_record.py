"""A recorded fit, opened again, answers as it did, without a search for the maximum."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.mixed import MixedModelError, mixed_model, record_of, reopen


@pytest.fixture(scope="module")
def trial() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    n, weeks = 60, [4, 8, 12]
    frame = pd.DataFrame({"id": np.repeat(np.arange(n), 3), "week": np.tile(weeks, n)})
    frame["arm"] = np.where(frame["id"] % 3 == 0, "MED", "IPT")
    frame["therapist"] = np.where(frame["arm"] == "IPT", "T" + (frame["id"] % 7).astype(str), None)
    frame["score"] = (
        20 + np.repeat(rng.normal(0, 4, n), 3) - frame["week"] * 0.4 + rng.normal(0, 3, 3 * n)
    )
    return frame.drop(frame.index[rng.choice(3 * n, 20, replace=False)])


FITS = {
    "unstructured": {"visit": "week"},
    "sandwich after a step": {
        "visit": "week", "covariance": "ar1", "df": "satterthwaite", "standard_errors": "CR2"
    },
    "random slope on the boundary": {"random": "1 + week"},
    "own covariance of each arm": {"visit": "week", "covariance": "csh", "covariance_by": "arm"},
    "therapists in one arm": {
        "visit": "week", "cluster": "therapist", "cluster_where": "arm != 'MED'"
    },
}  # fmt: skip


@pytest.mark.parametrize("kind", FITS)
def test_the_same_answers_from_the_record(trial, kind, monkeypatch):
    reference = {"arm": "MED"}
    formula = "score ~ arm*week" if kind != "random slope on the boundary" else "score ~ week*arm"
    fit = mixed_model(formula, trial, participant="id", reference=reference, **FITS[kind])
    text = json.dumps(record_of(fit, reference))
    again = reopen(json.loads(text), trial)
    assert again.steps == fit.steps
    assert again.notes == fit.notes
    assert again.convergence == fit.convergence
    pd.testing.assert_frame_equal(again.coefficients, fit.coefficients, rtol=1e-10)
    contrasts = [one.contrasts("arm", reference="MED") for one in (fit, again)]
    pd.testing.assert_frame_equal(*contrasts, rtol=1e-10)
    pd.testing.assert_frame_equal(again.anova(), fit.anova(), rtol=1e-10)


def test_opening_never_searches(trial, monkeypatch):
    record = record_of(mixed_model("score ~ arm*week", trial, participant="id", visit="week"))
    monkeypatch.setattr("ipt_outcomes.mixed.maximum.maximise", None)
    assert len(reopen(record, trial).means("arm")) == 2


def test_other_rows_are_refused(trial):
    record = record_of(mixed_model("score ~ arm*week", trial, participant="id", visit="week"))
    other = trial.assign(score=trial["score"].where(trial.index != trial.index[3], 21.0))
    with pytest.raises(MixedModelError, match="not the rows"):
        reopen(record, other)


def test_another_version_is_refused(trial):
    record = record_of(mixed_model("score ~ arm*week", trial, participant="id", visit="week"))
    with pytest.raises(MixedModelError, match="version 0"):
        reopen({**record, "version": 0}, trial)
