"""Adverse events, listed deaths, and the data of the change plot: what is counted, what is shared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.analyses.adverse_events import AdverseEventError
from ipt_outcomes.analyses.change_plot import DETERIORATED, change_plot_rows
from ipt_outcomes.analyses.disclosure import SUPPRESSED
from ipt_outcomes.analyses.response import response
from ipt_outcomes.analyses.response_data import baseline_scores, score_matrix
from ipt_outcomes.analyses.safety import safety
from ipt_outcomes.analyses.status import status_definitions
from ipt_outcomes.instruments import instrument, reliable_change
from ipt_outcomes.results import read, write_apart
from ipt_outcomes.study.contradictions import contradictions

from .conftest import pick
from .process_rows import with_process

PLAN = {"safety": {"adverse_events": {"term": "what", "serious": "serious", "severity": "grade"}}}


def events_of(data):
    own = data.participants[data.participants["arm"] == "MED"]["participant"].tolist()
    other = data.participants[data.participants["arm"] == "IPT"]["participant"].tolist()
    return pd.DataFrame(
        {
            "participant": [own[0], own[0], own[1], other[0]],
            "day": [10, 20, 30, 40],
            "what": ["nausea", "nausea", "suicide attempt", "headache"],
            "serious": [0.0, 0.0, 1.0, 0.0],
            "grade": [1.0, 2.0, 3.0, 1.0],
            "source_row": [2, 3, 4, 5],
        }
    )


def with_events(data, plan=PLAN, **files):
    """Give the events rows of the file; a count is a participant's, an event is a row."""
    data = with_process(data, plan, **{k: f.drop(columns="source_row") for k, f in files.items()})
    rows = []
    for name, frame in files.items():
        own = data.process[data.process["record"] == name].copy()
        key = frame.set_index(["participant", "day"])["source_row"]
        index = pd.MultiIndex.from_frame(own[["participant", "day"]])
        rows.append(own.assign(source_row=pd.array(key.reindex(index).to_numpy(), "Int64")))
    return replace(data, process=pd.concat(rows, ignore_index=True))


def test_events_are_counted_with_denominators_seriousness_and_exposure(reference_trial):
    table = safety(with_events(reference_trial, events=events_of(reference_trial)))
    n = reference_trial.participants["arm"].value_counts()
    any_ = pick(table, contrast="adverse event", arm="MED")
    assert pick(any_, quantity="count")["estimate"].item() == 2
    assert pick(any_, quantity="probability")["estimate"].item() == pytest.approx(2 / n["MED"])
    weeks = pick(table, contrast="adverse event: time at risk", arm="MED")["estimate"].item()
    assert weeks == 16 * n["MED"]
    assert pick(any_, quantity="rate")["estimate"].item() == pytest.approx(100 * 3 / weeks)
    serious = pick(table, contrast="serious adverse event", quantity="count").set_index("arm")
    assert serious["estimate"].to_dict() == {"IPT": 0, "IPT+MED": 0, "MED": 1}
    nausea = pick(table, contrast="adverse event: nausea", arm="MED", quantity="count")
    assert nausea["estimate"].item() == 1
    worst = pick(table, contrast="adverse event of severity 3", quantity="count")
    assert worst["estimate"].sum() == 1
    assert table["notes"].str.contains("shown however small").all()


def test_a_trial_without_any_event_says_none(reference_trial):
    frame = events_of(reference_trial)
    data = with_events(reference_trial, events=frame)
    table = safety(replace(data, process=data.process.iloc[:0]))
    none = pick(table, contrast="adverse event", quantity="count")
    assert none["estimate"].tolist() == [0, 0, 0]


def test_terms_that_are_no_category_are_refused(reference_trial):
    plan = {"safety": {"adverse_events": {"term": "grade"}}}
    with pytest.raises(AdverseEventError, match="grade is no category"):
        safety(with_events(reference_trial, plan, events=events_of(reference_trial)))


def test_seriousness_of_another_file_is_refused(reference_trial):
    frame = events_of(reference_trial)
    with pytest.raises(AdverseEventError, match=r"serious \(serious\) stands in another file"):
        safety(
            with_events(
                reference_trial,
                events=frame.drop(columns="serious"),
                other=frame[["participant", "day", "serious", "source_row"]],
            )
        )


def test_deaths_are_listed_for_those_who_may_see_them(reference_trial, tmp_path):
    people = reference_trial.participants.copy()
    reason = [pd.NA] * len(people)
    reason[0] = "Died"
    people["study_exit_reason"] = pd.array(reason, "str")
    people.loc[people.index[0], "study_exit_day"] = 50
    data = with_process(
        replace(reference_trial, participants=people), {"safety": {"death_reasons": ["died"]}}
    )
    table = safety(data)
    listed = table[table["disclosure"] == "restricted"]
    assert listed["estimate"].tolist() == [50]
    assert listed["subgroup"].tolist() == [f"participant {people['participant'].iloc[0]}"]
    write_apart(table, shared=tmp_path / "s.parquet", restricted=tmp_path / "r.parquet")
    assert len(read(tmp_path / "r.parquet")) == 1
    shared = read(tmp_path / "s.parquet")
    assert set(shared["disclosure"]) == {"shared"}
    assert pick(shared, contrast="death", quantity="count")["estimate"].sum() == 1


def test_points_of_the_change_plot_are_restricted_and_their_twin_is_shared(reference_trial):
    plan = {"response": {"outcomes": {"hamd17": {"instrument": "HAM-D17"}}, "imputations": 2,
                         "bootstrap": 0}}  # fmt: skip
    data = with_process(reference_trial, plan)
    table = response(data)
    plot = table[table["analysis"] == "change of each participant"]
    points = plot[plot["disclosure"] == "restricted"]
    assert set(points["quantity"]) == {"score"}
    assert set(points["visit"]) == {"baseline", "week_16"}
    twin = plot[plot["disclosure"] == "shared"]
    assert set(twin["quantity"]) == {"count"}
    assert not twin["subgroup"].notna().any()
    # The registry's own function must put the same people into the same classes.
    matrix = score_matrix(data, "hamd17", "policy", [])
    known = reliable_change("HAM-D17", pd.Series(matrix.baseline), pd.Series(matrix.at("week_16")))
    first = points.drop_duplicates("subgroup").set_index("subgroup")["contrast"]
    for place, who in enumerate(matrix.participants):
        if pd.isna(known.status.iloc[place]):
            assert f"participant {who}" not in first.index
            continue
        found = first[f"participant {who}"]
        if bool(known.recovered.iloc[place]):
            assert found == "reliably improved and out of the clinical range"
        else:
            assert found.split(",")[0] == {
                "improved": "reliably improved",
                "no reliable change": "no reliable change",
                "deteriorated": "reliably deteriorated",
            }[known.status.iloc[place]]  # fmt: skip
    counted = first.value_counts()
    for name, group in twin.groupby("contrast"):
        if group["estimate"].notna().all():
            assert group["estimate"].sum() == counted.get(name, 0)


def test_small_classes_of_the_twin_are_suppressed_and_harms_are_not(reference_trial):
    plan = {"response": {"outcomes": {"hamd17": {"instrument": "HAM-D17"}}, "imputations": 2,
                         "bootstrap": 0}}  # fmt: skip
    scores = reference_trial.scores.copy()
    few = reference_trial.participants["participant"].iloc[::6]
    keep = scores["participant"].isin(few)
    data = replace(
        with_process(reference_trial, plan),
        scores=scores[keep].reset_index(drop=True),
        participants=reference_trial.participants[
            reference_trial.participants["participant"].isin(few)
        ].reset_index(drop=True),
    )
    matrix = score_matrix(data, "hamd17", "policy", [])
    definitions = status_definitions(
        data.study, "hamd17", data.study.analyses.response.outcomes["hamd17"],
        baseline_scores(data, "hamd17"),
    )  # fmt: skip
    found = list(
        change_plot_rows(matrix, definitions, instrument("HAM-D17"), "week_16",
                         {"disclosure": "shared"})
    )  # fmt: skip
    twin = [row for row in found if row["quantity"] == "count"]
    assert all(row["estimate"] is None or row["estimate"] == 0 or row["estimate"] >= 5
               for row in twin if row["contrast"] != DETERIORATED)  # fmt: skip
    assert any(SUPPRESSED in row["notes"] for row in twin)
    assert all(row["estimate"] is not None for row in twin if row["contrast"] == DETERIORATED)
    assert np.isfinite([row["estimate"] for row in found if row["quantity"] == "score"]).all()


def test_terms_without_labels_are_not_printed_as_somebody_typed_them(reference_trial):
    data = with_events(reference_trial, events=events_of(reference_trial))
    found = {".".join(key): problem for key, problem, _ in contradictions(data.study)}
    key = "trials.example.process.events.variables.what.labels"
    assert "however rare" in found[key]

    def labelled(content):
        variable = content["trials"]["example"]["process"]["events"]["variables"]["what"]
        variable["labels"] = {"1": "nausea"}

    fine = with_process(reference_trial, PLAN, labelled,
                        events=events_of(reference_trial).drop(columns="source_row"))  # fmt: skip
    assert key not in {".".join(key) for key, _, _ in contradictions(fine.study)}
