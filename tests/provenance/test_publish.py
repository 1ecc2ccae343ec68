"""What a bundle holds, and when it is not made: privacy, disclosure, missing results."""

from __future__ import annotations

import hashlib
import io
import json
import shutil

import pandas as pd
import pytest

from ipt_outcomes.frames import PARTICIPANT_COLUMNS
from ipt_outcomes.provenance.archive import unzipped
from ipt_outcomes.provenance.bundle import PublishError, publish
from ipt_outcomes.provenance.disclosure_check import disclosure_findings
from ipt_outcomes.provenance.shared_data import Frames, SharingError, anonymised, stand_in
from ipt_outcomes.results import read
from ipt_outcomes.study import load_study


def test_twice_made_is_byte_identical_and_holds_nothing_restricted(published, tmp_path):
    again = publish(published.folder, tmp_path / "again.zip")
    assert again.path.read_bytes() == published.bundle.read_bytes()
    assert again.sha256 == hashlib.sha256(published.bundle.read_bytes()).hexdigest()
    assert not any("restricted" in name for name in published.files)
    people = pd.read_parquet(io.BytesIO(published.files["data/example/participants.parquet"]))
    assert people["source_row"].isna().all()
    assert people["participant"].str.fullmatch(r"N\d{3}").all()
    graph = json.loads(published.files["ro-crate-metadata.json"])["@graph"]
    root = next(entity for entity in graph if entity["@id"] == "./")
    assert len(root["conformsTo"]) == 3
    assert {part["@id"] for part in root["hasPart"]} == set(published.files) - {
        "ro-crate-metadata.json"
    }


def test_synthetic_stand_in_has_the_structure_and_none_of_the_data(published):
    study = load_study(published.folder / "config.yaml")
    estimates = read(published.folder / "results" / "shared" / "estimates.parquet")
    made = stand_in(study, "example", estimates)
    real = Frames.read(published.folder / "results" / "restricted" / "example")
    assert list(made.scores.columns) == list(real.scores.columns)
    assert set(PARTICIPANT_COLUMNS) <= set(made.participants.columns)
    assert made.participants["arm"].value_counts().to_dict() == (
        real.participants["arm"].value_counts().to_dict()
    )
    seen = [f.scores.groupby("visit")["score"].count() for f in (made, real)]
    assert (seen[0] - seen[1]).abs().max() <= 3
    means = [f.scores.groupby("visit")["score"].mean() for f in (made, real)]
    assert (means[0] - means[1]).abs().max() < 2
    again = stand_in(study, "example", estimates)
    pd.testing.assert_frame_equal(made.scores, again.scores)


def test_recognisable_participants_are_refused_with_their_number(published):
    study = load_study(published.folder / "config.yaml")
    frames = Frames.read(published.folder / "results" / "restricted" / "example")
    privacy = study.privacy.model_copy(
        update={"quasi_identifiers": ["age", "site", "problem_area"]}
    )
    policy = study.publication.model_copy(update={"data": "anonymised"})
    with pytest.raises(SharingError, match=r"\d+ of 240 participants share their age, site"):
        anonymised(frames, policy, privacy)
    less = policy.model_copy(update={"withhold": ["age", "problem_area", "process"]})
    shared = anonymised(frames, less, privacy)
    assert shared.participants["characteristic_age"].isna().all()
    assert shared.participants["area_grief"].isna().all()
    assert shared.participants["site"].notna().all()
    with pytest.raises(SharingError, match=r"known are .*site"):
        anonymised(frames, policy.model_copy(update={"withhold": ["sight"]}), privacy)
    with pytest.raises(SharingError, match="arm cannot be left out"):
        anonymised(frames, policy.model_copy(update={"withhold": ["arm"]}), privacy)
    assert len(anonymised(frames, study.publication, privacy).participants) == 240  # simulated


def test_breaches_of_disclosure_are_found(published, tmp_path):
    rows = read(published.folder / "results" / "shared" / "estimates.parquet")
    assert disclosure_findings(rows, [], ["P0001"], 5) == []
    counts = rows.index[(rows["analysis"] == "baseline") & (rows["quantity"] == "count")]
    means = rows.index[rows["quantity"] == "mean"]
    bad = rows.copy()
    bad.loc[counts[0], "estimate"] = 3.0
    bad.loc[means[0], "n_arm"] = 2
    bad.loc[means[1], "disclosure"] = "restricted"
    page = tmp_path / "page.html"
    page.write_text("<p>P0001</p>", "utf-8")
    found = "\n".join(disclosure_findings(bad, [page], ["P0001"], 5))
    for words in ("a count of 3", "describes 2 participants", "marked restricted",
                  "participant number P0001"):  # fmt: skip
        assert words in found


def test_left_overs_of_an_earlier_configuration_are_not_published(published, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(published.folder, folder)
    shared = folder / "results" / "shared"
    for name in ("example/figures/time_to_response.csv", "old_trial/figures/flow.csv"):
        (shared / name).parent.mkdir(parents=True, exist_ok=True)
        (shared / name).write_text("x\n", "utf-8")
    assert unzipped(publish(folder, tmp_path / "x.zip").path).keys() == published.files.keys()


def test_publish_refuses_and_says_what_to_do(published, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(published.folder, folder)
    table = folder / "results" / "shared" / "example" / "tables" / "baseline.csv"
    text = table.read_text("utf-8")
    table.write_text(text + "P0001,1\n", "utf-8")
    with pytest.raises(PublishError, match="participant number P0001"):
        publish(folder, tmp_path / "x.zip")
    table.write_text(text, "utf-8")
    config = folder / "config.yaml"
    whole = config.read_text("utf-8")
    config.write_text(whole[: whole.index("publication:")], "utf-8")
    with pytest.raises(PublishError, match="no section publication"):
        publish(folder, tmp_path / "x.zip")
    config.write_text(whole, "utf-8")
    (folder / "results" / "shared" / "estimates.parquet").unlink()
    with pytest.raises(PublishError, match="run `snakemake` first"):
        publish(folder, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()
