"""A simulated cluster-randomised study with sessions and diaries, from its files to its truth."""

from __future__ import annotations

import pytest

from ipt_outcomes.analyses.cross_lagged import cross_lagged
from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.diary import diary
from ipt_outcomes.analyses.lagged_effects import lagged_effects
from ipt_outcomes.analyses.sudden_gains import sudden_gains
from ipt_outcomes.analyses.therapists import therapists
from ipt_outcomes.ingest import gate, ingest_trial
from ipt_outcomes.ingest.release import release
from ipt_outcomes.simulate.group_study import write_group_study
from ipt_outcomes.study import load_study

from .conftest import pick


@pytest.fixture(scope="module")
def group_study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("groups")
    truth = write_group_study(folder, seed=11)
    study = load_study(folder / "config.yaml")
    read = release(ingest_trial(study, "groups", folder), study, "groups")
    gate(read.findings)
    return TrialData(study, "groups", read.scores, read.participants, read.process), truth


def holds(row, value):
    return row["lower"].item() < value < row["upper"].item()


def test_the_difference_between_randomised_groups(group_study):
    data, truth = group_study
    table = therapists(data)
    difference = pick(table, analysis="therapists", quantity="difference", visit="week_16",
                      arm="GIPT")  # fmt: skip
    assert holds(difference, truth["difference at week 16"])
    ignored = pick(table, analysis="therapists, ignored", arm="GIPT")
    assert difference["df"].item() <= ignored["df"].item()
    icc = pick(table, analysis="therapists", quantity="intraclass correlation")
    assert icc["lower"].item() <= truth["intraclass correlation of groups"] <= icc["upper"].item()
    counts = pick(table, quantity="count", contrast="groups")
    assert counts["estimate"].tolist() == [10, 10]


def test_sessions_and_diaries_hold_their_truth(group_study):
    data, truth = group_study
    lagged = pick(lagged_effects(data), analysis="lagged effects, alliance forward",
                  subgroup="within persons")  # fmt: skip
    assert holds(lagged, truth["lagged slope of symptoms on alliance"])
    panel = cross_lagged(data)
    panel = panel[panel["quantity"] == "slope"]
    forward = pick(panel, analysis="cross-lagged panel, alliance forward")
    assert holds(forward, truth["lagged slope of symptoms on alliance"])
    assert holds(pick(panel, analysis="cross-lagged panel, alliance back"), 0.0)
    moods = diary(data)
    same = pick(moods, analysis="diary, the same day", subgroup="within persons")
    assert holds(same, truth["same-day slope of mood on events"])
    later = pick(moods, analysis="diary, the next day", subgroup="within persons")
    assert holds(later, 0.0)  # events of the day before do nothing here
    assert "on the day of the outcome" in later["notes"].item()


def test_few_sudden_gains_where_none_were_planted(group_study):
    data, _ = group_study
    table = sudden_gains(data)
    share = pick(table, contrast="with a sudden gain", quantity="probability")
    assert share["estimate"].fillna(0.0).max() < 0.25
    assert set(share["arm"]) == {"GIPT", "SUP"}
