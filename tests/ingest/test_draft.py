"""A draft names what the export says, marks what it guesses, and runs once the rest is decided."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pandas as pd
import pyreadstat
import pytest
import yaml

from ipt_outcomes.cli import main
from ipt_outcomes.draft import DraftError, draft_config
from ipt_outcomes.ingest import ingest_trial
from ipt_outcomes.study import ConfigError, load_study

ROOT = Path(__file__).resolve().parents[2]
TRIALS = Path(os.environ.get("IPT_TRIALS") or ROOT.parent / "shared" / "trials")
EXAMPLE = [ROOT / "data/example/redcap_export.csv", ROOT / "data/example/redcap_dictionary.csv"]


def decided(text: str, **answers: list[str]) -> str:
    """Return a draft with its decisions filled in: key, answers in the order of the lines."""
    lines = []
    for line in text.splitlines():
        if ": DECIDE" in line:
            key = line.partition(":")[0].strip()
            line = line.replace("DECIDE", answers[key].pop(0), 1)
        lines.append(line)
    assert not any(answers.values()), "an answer that no line asked for"
    return "\n".join(lines)


def ingested(folder: Path, text: str):
    """Return the study of a draft, and what it reads; the draft has to run."""
    path = folder / "config.yaml"
    path.write_text(text, "utf-8")
    study = load_study(path)
    (trial,) = study.trials
    result = ingest_trial(study, trial, folder)
    assert (result.findings["severity"] != "error").all(), result.findings.to_dict("records")
    return study, result


def real(name: str, tmp_path: Path) -> Path:
    source = TRIALS / name
    if not source.is_file():
        pytest.skip("no real trials: set IPT_TRIALS to the folder that holds them")
    return Path(shutil.copy(source, tmp_path))


def same_scores(one, other) -> bool:
    """Tell whether two readings hold the same scores, whatever the outcomes are called."""
    columns = ["participant", "visit", "score"]

    def listed(result):
        seen = result.scores.dropna(subset="score")[columns]
        return seen.sort_values(columns).reset_index(drop=True)

    return listed(one).equals(listed(other))


def test_the_example(tmp_path):
    paths = [Path(shutil.copy(path, tmp_path)) for path in EXAMPLE]
    draft = draft_config(paths, tmp_path)
    assert [one.key for one in draft.decisions] == ["reference_arm", "role", "role", "endpoint"]
    answers = {"reference_arm": ["Medication+clinical_management"],
               "role": ["primary", "secondary"], "endpoint": ["week_16"]}  # fmt: skip
    _, result = ingested(tmp_path, decided(draft.text, **answers))
    by_hand = ingest_trial(load_study(ROOT / "config.yaml"), "example", ROOT)
    assert same_scores(result, by_hand)
    for column in ("site", "therapist", "problem_area", "area_grief", "characteristic_age",
                   "treatment_stop_day", "study_exit_reason", "sessions_attended"):  # fmt: skip
        assert result.participants[column].equals(by_hand.participants[column]), column
    content = yaml.safe_load(draft.text)
    assert content["outcomes"]["hamd17"]["range"] == [0, 52]
    assert content["trials"]["redcap_export"]["codes"]["visit"]["end_of_study_arm_1"] == "none"
    assert content["visits"]["week_40"]["phase"] == "follow-up"


def test_beat_the_blues(tmp_path):
    path = real("beat_the_blues/btheb_wide.csv", tmp_path)
    draft = draft_config([path], tmp_path)
    assert [one.key for one in draft.decisions] == ["endpoint"]
    study, result = ingested(tmp_path, decided(draft.text, endpoint=["month_8"]))
    assert study.reference_arm == "TAU"
    assert study.arms["BtheB"].psychotherapy == "CBT"
    assert study.outcomes["bdi"].range == (0, 63)
    assert [study.visits[name].week for name in study.visits_of("btheb_wide")] == [
        0, 8.7, 13.0, 21.7, 34.8,
    ]  # fmt: skip
    counts = result.scores.groupby("visit")["score"].count()
    assert counts[["baseline", "month_2", "month_3", "month_5", "month_8"]].tolist() == [
        100, 97, 73, 58, 52,
    ]  # fmt: skip


def test_reisby(tmp_path):
    path = real("reisby/riesby_long.csv", tmp_path)
    draft = draft_config([path], tmp_path)
    text = decided(
        draft.text, psychotherapy=["none", "none"], medication=["imipramine", "imipramine"],
        reference_arm=["endog_0"], range=["[0, 52]"], endpoint=["week_5"],
    )  # fmt: skip
    study, result = ingested(tmp_path, text)
    assert result.counts["participants"] == 66
    assert result.counts["scores"] == 375
    assert "check: no column is called like an arm" in draft.text
    assert "HAM-D17 or HAM-D21 or HAM-D24" in draft.text
    assert study.visits["week_5"].week == 5


def without_a_baseline_visit(folder: Path, **columns: int) -> str:
    rows = [
        {"subject": n, "treatment": "AB"[n % 2], **{k: v + n for k, v in columns.items()},
         "month": month, "bdi": 30 - month + n % 7}
        for n in range(20) for month in (2, 3, 5)
    ]  # fmt: skip
    path = folder / "export.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return draft_config([path], folder).text


@pytest.mark.parametrize("column", ["bdi.pre", "baseline_bdi"])
def test_a_baseline_beside_the_visits_is_a_decision(tmp_path, column):
    (line,) = [
        line
        for line in without_a_baseline_visit(tmp_path, **{column: 20}).splitlines()
        if "phase: DECIDE" in line
    ]
    assert "baseline only if treatment had not begun at Month 2" in line
    assert f"seems to be {column}, the same in all rows" in line


def test_the_first_visit_is_a_baseline_to_check(tmp_path):
    text = without_a_baseline_visit(tmp_path, age=20)
    assert "week: 0    # check: no visit is called a baseline; this is the first" in text
    assert "phase: baseline    # check: only if treatment had not begun" in text


def spss(folder: Path, *, with_email: bool = False) -> Path:
    """Write a trial as SPSS saves it: labels, user-missing values, items."""
    rows = []
    for number in range(1, 41):
        for week in (0, 8, 16):
            items = [(number + week // 8 + place) % 4 for place in range(9)]
            rows.append(
                {"subjid": float(number), "group": float(1 + number % 2), "week": float(week),
                 "madrs_total": 99.0 if number == 3 and week == 16 else 30.0 - week + number % 5,
                 **{f"phq_{place + 1}": float(item) for place, item in enumerate(items)},
                 "sex": float(1 + number % 2),}
            )  # fmt: skip
            if with_email:
                rows[-1]["email"] = f"p{number}@example.org"
    path = folder / "trial.sav"
    pyreadstat.write_sav(
        pd.DataFrame(rows), path,
        variable_value_labels={"group": {1: "IPT", 2: "Waiting list"}, "sex": {1: "F", 2: "M"}},
        column_labels={"madrs_total": "MADRS total score", "group": "Randomised group"},
        missing_ranges={"madrs_total": [99]},
    )  # fmt: skip
    return path


def test_spss(tmp_path):
    draft = draft_config([spss(tmp_path)], tmp_path)
    content = yaml.safe_load(draft.text)
    columns = content["trials"]["trial"]["columns"]
    assert columns["participant"] == "subjid"
    assert columns["arm"] == "group"
    assert columns["items"] == {"phq": "phq_{1..9}"}
    assert content["reference_arm"] == "Waiting_list"
    assert content["outcomes"]["madrs"]["range"] == [0, 60]
    text = decided(draft.text, role=["primary", "secondary"], endpoint=["week_16"])
    study, result = ingested(tmp_path, text)
    madrs = result.scores[result.scores["outcome"] == "madrs"]
    assert madrs["score"].count() == 40 * 3 - 1
    assert study.arms["IPT"].psychotherapy == "IPT"


def test_direct_identifiers_are_named_and_play_no_part(tmp_path):
    text = draft_config([spss(tmp_path, with_email=True)], tmp_path).text
    assert "# Export again without these, which look like direct identifiers: email" in text
    assert "email" not in str(yaml.safe_load(text))


def test_what_is_undecided_does_not_run(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(draft_config([spss(tmp_path)], tmp_path).text, "utf-8")
    with pytest.raises(ConfigError, match=r"role: has still to be decided\. Write primary"):
        load_study(path)


def test_the_command_writes_once_and_lists_the_decisions(tmp_path, capsys):
    export, out = spss(tmp_path), tmp_path / "study/config.yaml"
    assert main(["init", str(export), "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "To decide, before the study can run (3):" in said
    before = out.read_bytes()
    assert b"../trial.sav" in before
    assert main(["init", str(export), "--out", str(out)]) == 1
    assert "exists and is left as it is" in capsys.readouterr().err
    assert out.read_bytes() == before
    assert sorted(path.name for path in out.parent.iterdir()) == ["config.yaml"]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot be opened"),
        (b"", "an empty file"),
        (b"\x1f\x8b\x08", "a compressed file"),
        (b"a,b\n,\n,\n", "no column has an entry in every row"),
        (b"id,arm\n1,A\n2,B\n", "no column holds numbers that change"),
    ],
)
def test_no_draft_is_made_of_what_is_no_export(content, expected, tmp_path):
    path = tmp_path / "export.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DraftError, match=expected):
        draft_config([path], tmp_path)
