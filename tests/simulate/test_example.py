"""The committed example is what the code makes, and its truth is near what a trial finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ipt_outcomes.ingest import ingest_trial
from ipt_outcomes.mixed import mixed_model
from ipt_outcomes.simulate import TrialDesign, simulate_trial
from ipt_outcomes.simulate.__main__ import main
from ipt_outcomes.simulate.example import SEED, example_files, write_example
from ipt_outcomes.study import load_study

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "data" / "example"


def test_committed_files_are_what_the_code_makes():
    for name, text in example_files().items():
        assert (FOLDER / name).read_bytes() == text.encode(), (
            f"data/example/{name} is out of date: run python -m ipt_outcomes.simulate"
        )


def test_seed_is_the_one_fixed_in_advance():
    assert json.loads((FOLDER / "truth.json").read_text())["seed"] == SEED == 20261122


def test_readme_says_that_the_data_are_simulated_and_describes_every_column():
    readme = (FOLDER / "README.md").read_text()
    assert "All data in this folder are simulated" in readme
    header = (FOLDER / "redcap_export.csv").read_text().splitlines()[0]
    assert [c for c in header.split(",") if f"`{c}`" not in readme] == []


def test_writing_twice_gives_the_same_bytes(tmp_path):
    first = {path.name: path.read_bytes() for path in write_example(tmp_path / "a", 3, 500)}
    second = {path.name: path.read_bytes() for path in write_example(tmp_path / "b", 3, 500)}
    assert first == second
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(first)


def test_the_truth_does_not_depend_on_the_size_of_the_trial():
    truths = [
        json.loads(example_files(TrialDesign(participants=n), 3, 300)["truth.json"])
        for n in (60, 120)
    ]
    assert truths[0]["differences"] == truths[1]["differences"]


def test_command_line_names_the_files_that_it_wrote(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ipt_outcomes.simulate.example.PEOPLE", 300)
    with pytest.raises(SystemExit):
        main(["--seed", "not a number"])
    monkeypatch.setattr(
        "ipt_outcomes.simulate.__main__.write_example",
        lambda folder, seed: write_example(folder, seed, 300),
    )
    main(["--folder", str(tmp_path), "--seed", "4"])
    assert str(tmp_path / "redcap_export.csv") in capsys.readouterr().out


@pytest.mark.parametrize("estimand", ["treatment-policy", "hypothetical"])
@pytest.mark.parametrize("outcome", ["hamd17", "bdi2"])
def test_estimates_from_the_example_lie_near_the_committed_truth(estimand, outcome):
    trial = simulate_trial(TrialDesign(), SEED)
    fit = mixed_model(
        "score ~ baseline*visit + arm*visit + site",
        trial.model_rows(outcome, estimand),
        participant="participant",
        visit="visit",
        covariance="unstructured",
        df="satterthwaite",
        reference={"arm": "MED"},
    )
    found = fit.contrasts("arm", by="visit", reference="MED").astype({"visit": "str"})
    truth = {
        (row["arm"], row["visit"]): row["estimate"]
        for row in json.loads((FOLDER / "truth.json").read_text())["differences"]
        if row["estimand"] == estimand and row["outcome"] == outcome
    }
    assert len(found) == 10
    for row in found.itertuples():
        assert abs(row.estimate - truth[row.arm, row.visit]) < 4 * row.se


def test_the_projects_reader_finds_what_was_simulated():
    study = load_study(ROOT / "config.yaml", check_files=False)
    read = ingest_trial(study, "example", ROOT)
    trial = simulate_trial(TrialDesign(), SEED)
    # What the simulation has on purpose: people who got another arm, gaps, forms left open.
    assert set(read.findings["kind"]) == {
        "another arm received", "gap between visits", "recognisable participants",
        "unfinished forms",
    }  # fmt: skip
    assert not (read.findings["severity"] == "error").any()
    drawn = trial.scores()
    drawn["participant"] = drawn["participant"].astype("str")
    both = read.scores.merge(drawn, on=["participant", "outcome", "visit"], validate="1:1")
    assert len(both) == len(drawn) == len(read.scores)
    assert both["score_x"].equals(both["score_y"])
    people = trial.participants()
    for column in ("arm", "received_arm", "therapist", "sessions_attended", "problem_area",
                   "treatment_stop_day", "study_exit_day", "area_grief"):  # fmt: skip
        expected = people[column].astype(object).where(people[column].notna(), None).tolist()
        found = read.participants[column]
        assert found.astype(object).where(found.notna(), None).tolist() == expected, column
