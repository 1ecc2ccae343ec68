"""The cross-lagged panel analysis: by session and by visit, its rows, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from ipt_outcomes.analyses.cross_lagged import cross_lagged
from ipt_outcomes.analyses.within_between import ProcessError
from ipt_outcomes.results import NOT_FITTED
from ipt_outcomes.simulate.process import PanelDesign, simulate_panel
from ipt_outcomes.study.contradictions import contradictions
from ipt_outcomes.study.process_analyses import CrossLaggedAnalysis

from .conftest import pick
from .process_rows import with_process

PAIRS = {"pairs": {"social": {"predictor": "functioning", "outcome": "symptoms"}}}


def trial_with_sessions(trial, design, seed, **plan):
    frame = simulate_panel(design, seed).rename(columns={"occasion": "session"})
    sessions = frame[["participant", "session", "functioning", "symptoms"]]
    data = with_process(trial, {"cross_lagged": {**PAIRS, **plan}}, sessions=sessions)
    people = data.participants.iloc[[0]].drop(columns=["participant", "arm"])
    own = frame[["participant", "arm"]].drop_duplicates()
    people = pd.concat([own.reset_index(drop=True), pd.concat([people] * len(own), ignore_index=True)],
                       axis=1)[data.participants.columns]  # fmt: skip
    return replace(data, participants=people.astype(data.participants.dtypes))


def test_rows_by_session(reference_trial):
    design = PanelDesign(occasions=5)
    table = cross_lagged(trial_with_sessions(reference_trial, design, 3))
    slopes = table[table["quantity"] == "slope"]
    assert slopes["analysis"].tolist() == [
        "cross-lagged panel, social forward",
        "cross-lagged panel, social back",
        "cross-lagged panel, social own past",
        "cross-lagged panel, social own past",
    ]
    assert slopes["contrast"].iloc[0] == "within persons: functioning → symptoms, the next occasion"
    assert set(slopes["subgroup"]) == {"within persons"}
    assert slopes["notes"].str.contains("not an effect").all()
    assert set(table["status"]) == {"exploratory"}
    forward = pick(slopes, analysis="cross-lagged panel, social forward")
    back = pick(slopes, analysis="cross-lagged panel, social back")
    assert forward["lower"].item() < -0.2 < forward["upper"].item()
    assert back["lower"].item() < 0.0 < back["upper"].item()
    assert forward["df"].item() == forward["n_arm"].item() - 2
    standardised = pick(table, quantity="effect size", subgroup="within persons")
    assert len(standardised) == 2
    assert (standardised["lower"] < standardised["upper"]).all()
    tests = table[table["quantity"] == "test"].set_index("contrast")
    assert tests.loc["no cross-lag in either direction", "df_numerator"] == 2
    assert tests.loc["the model against free covariances of all occasions", "df_numerator"] == 42
    assert tests.loc["participants differ in their trends", "df_numerator"] == 7
    spread = pick(table, quantity="standard deviation")
    assert spread["estimate"].tolist() == pytest.approx([4.0, 5.0], rel=0.3)


def test_free_lags_name_their_occasion(reference_trial):
    data = trial_with_sessions(reference_trial, PanelDesign(), 3, free_lags=True)
    table = cross_lagged(data)
    back = pick(table, analysis="cross-lagged panel, social back", quantity="slope")
    assert [text.rpartition(" ")[2] for text in back["contrast"]] == ["(2)", "(3)", "(4)"]
    assert not (table["contrast"] == "no cross-lag in either direction").any()
    assert pick(table, quantity="effect size", subgroup="within persons").empty


def test_sessions_that_few_had_are_left_out_and_counted(reference_trial):
    frame = simulate_panel(PanelDesign(occasions=6), 3)
    few = frame["participant"].isin(frame["participant"].unique()[:9])
    late = frame["occasion"] > 4
    sessions = frame[~late | few].rename(columns={"occasion": "session"})
    sessions = sessions[["participant", "session", "functioning", "symptoms"]]
    data = trial_with_sessions(reference_trial, PanelDesign(occasions=6), 3)
    thin = with_process(data, {"cross_lagged": PAIRS}, sessions=sessions)
    table = cross_lagged(thin)
    count = pick(table, quantity="count")["notes"].item()
    assert count.startswith("4 occasions")
    assert "sessions 5 and later left out: fewer than 20 participants" in count


def test_outcomes_at_visits_and_unequal_distances(reference_trial):
    visits = list(reference_trial.study.visits_of(reference_trial.trial))
    names = list(reference_trial.study.outcomes)
    frame = reference_trial.scores
    other = frame[frame["outcome"] == names[0]].copy()
    random = np.random.default_rng(5)
    other["score"] = other["score"] * 0.5 + random.normal(10, 3, len(other))
    bond = other.rename(columns={"score": "bond"})[["participant", "visit", "bond"]].dropna()
    pair = {"predictor": "bond", "outcome": names[0]}
    plan = {"pairs": {"p": pair}, "occasions": "visits"}
    data = with_process(reference_trial, {"cross_lagged": plan}, ratings=bond)
    keys = [key for key, _, _ in contradictions(data.study)]
    assert not [key for key in keys if "cross_lagged" in key]
    table = cross_lagged(data)
    count = pick(table, quantity="count")
    endpoint = data.study.estimands[data.study.primary_estimand].endpoint
    assert count["notes"].item().startswith(f"{visits.index(endpoint) + 1} occasions")
    assert "scores as observed" in count["notes"].item()
    whole = {**plan, "visits": [visits[0], visits[1], visits[-1]]}
    uneven = cross_lagged(with_process(reference_trial, {"cross_lagged": whole}, ratings=bond))
    assert uneven["notes"].str.contains("weeks apart").all()


def test_too_few_participants_are_an_error_with_its_remedy(reference_trial):
    design = PanelDesign(participants=24)
    data = trial_with_sessions(reference_trial, design, 3)
    with pytest.raises(ProcessError, match=r"need at least 26.*cross_lagged\.pairs\.social out"):
        cross_lagged(data)
    two = trial_with_sessions(reference_trial, PanelDesign(occasions=2), 3)
    with pytest.raises(ProcessError, match="at least 3 are needed"):
        cross_lagged(two)


def test_a_likelihood_without_a_maximum_leaves_a_row_that_says_so(reference_trial):
    # Symptoms that are functioning turned round: their joint covariance is singular.
    frame = simulate_panel(PanelDesign(), 3).rename(columns={"occasion": "session"})
    frame["symptoms"] = 100 - frame["functioning"]
    sessions = frame[["participant", "session", "functioning", "symptoms"]]
    data = trial_with_sessions(reference_trial, PanelDesign(), 3)
    table = cross_lagged(with_process(data, {"cross_lagged": PAIRS}, sessions=sessions))
    row = table[table["method"] == NOT_FITTED]
    assert row["analysis"].tolist() == ["cross-lagged panel, social"]
    assert row["notes"].str.startswith("not fitted: ").all()
    assert row["estimate"].isna().all()


def test_visits_belong_to_visits():
    with pytest.raises(ValidationError, match="visits belong to occasions: visits"):
        CrossLaggedAnalysis.model_validate({**PAIRS, "visits": ["a", "b", "c"]})


def test_series_that_the_study_does_not_have(reference_trial):
    plan = {"cross_lagged": {**PAIRS, "occasions": "visits", "visits": ["week_4", "week_5", "no"]}}
    problems = list(contradictions(with_process(reference_trial, plan).study))
    keys = [".".join(key) for key, _, _ in problems]
    assert "analyses.cross_lagged.pairs.social.predictor" in keys
    assert "analyses.cross_lagged.visits" in keys
