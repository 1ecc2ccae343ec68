"""What is written under results: pseudonyms, an order of the data, arms masked when asked for."""

from __future__ import annotations

import dataclasses
import random

import numpy as np
import pandas as pd
import pytest

from ipt_outcomes.frames import validate_participants, validate_scores
from ipt_outcomes.ingest.blinding import TREATMENT
from ipt_outcomes.ingest.release import release
from ipt_outcomes.study.pseudonym_key import KEY_VARIABLE, PseudonymError, key_mark, pseudonym_key

from .small_trial import PEOPLE, Export, csv_long, redcap

KEY = "0123456789abcdef0123456789abcdef"
PERSON = ["treatment_stop_day", "site", "characteristic_age"]


def released(export: Export, folder, **options):
    return release(export.ingest(folder), export.study(), "small", **options)


def renamed(names: dict[str, str]) -> Export:
    people = [dataclasses.replace(p, name=names[p.name]) for p in PEOPLE]
    return csv_long(tuple(people))


@pytest.mark.parametrize("seed", range(5))
def test_no_frame_depends_on_a_study_number_or_its_order(tmp_path, seed):
    names = [p.name for p in PEOPLE]
    others = [f"{n}" for n in random.Random(seed).sample(range(100, 999), len(names))]
    export = renamed(dict(zip(names, others, strict=True)))
    blocks = [export.rows[start : start + 3] for start in range(1, len(export.rows), 3)]
    random.Random(seed).shuffle(blocks)
    export.rows = [export.header, *(row for block in blocks for row in block)]
    first, second = released(csv_long(), tmp_path / "a"), released(export, tmp_path / "b")
    for name in ("scores", "participants"):
        one, other = getattr(first, name), getattr(second, name)
        pd.testing.assert_frame_equal(
            one.drop(columns="source_row"), other.drop(columns="source_row")
        )


def test_the_frames_hold_the_same_people(tmp_path):
    raw = csv_long().ingest(tmp_path)
    for options in ({}, {"key": KEY}):
        given = release(raw, csv_long().study(), "small", **options)
        validate_scores(given.scores)
        validate_participants(given.participants)
        # the row of the export tells who is who
        merged = raw.scores.merge(given.scores, on=["source_row", "outcome"], suffixes=("", "_new"))
        merged = merged[merged["source_row"].notna()]
        assert len(merged) == raw.scores["source_row"].notna().sum()
        np.testing.assert_array_equal(merged["score"], merged["score_new"])
        assert merged.groupby("participant")["participant_new"].nunique().max() == 1
        assert given.scores["score"].notna().sum() == raw.scores["score"].notna().sum()
        assert not set(given.participants["participant"]) & set(raw.participants["participant"])


def test_numbers_without_a_key_and_digests_with_one(tmp_path):
    plain = released(csv_long(), tmp_path)
    assert plain.participants["participant"].tolist() == [f"P000{n}" for n in range(1, 7)]
    keyed = released(csv_long(), tmp_path, key=KEY).participants["participant"]
    assert keyed.str.fullmatch("H[0-9a-f]{16}").all()
    by_redcap = released(redcap(), tmp_path, key=KEY).participants["participant"]
    assert keyed.tolist() == by_redcap.tolist()
    other = released(csv_long(), tmp_path, key=KEY[::-1]).participants["participant"]
    assert not set(keyed) & set(other)


def test_the_key_is_long_and_leaves_no_trace_but_a_mark():
    assert pseudonym_key({KEY_VARIABLE: KEY}) == KEY
    assert pseudonym_key({KEY_VARIABLE: ""}) is None
    with pytest.raises(PseudonymError, match="5 characters"):
        pseudonym_key({KEY_VARIABLE: "short"})
    assert key_mark(KEY) != key_mark(KEY[::-1])
    assert key_mark(None) == "numbered"


def test_findings_name_no_study_number(tmp_path):
    export = csv_long(tuple(dataclasses.replace(p, name=f"case{n}x") for n, p in enumerate(PEOPLE)))
    export.rows.append(list(export.rows[2]))
    export.rows[-1][export.header.index("hamd")] = "7"
    export.cell(5, "bdi", "many")
    for row in (8, 9, 10):
        export.cell(row, "arm", "")
    findings = released(export, tmp_path).findings
    assert {"duplicated participant and visit", "not a number", "no arm"} <= set(findings["kind"])
    text = findings.to_csv()
    assert not any(f"case{n}x" in text for n in range(len(PEOPLE)))


def test_masked_arms_keep_their_sizes_and_tell_nothing(tmp_path):
    people = tuple(
        dataclasses.replace(PEOPLE[n % 6], name=str(n), age=str(20 + n)) for n in range(60)
    )
    export = csv_long(people)
    plain, masked = released(export, tmp_path), released(export, tmp_path, masked=True)
    validate_participants(masked.participants)
    before, after = plain.participants, masked.participants
    assert before["arm"].value_counts().to_dict() == after["arm"].value_counts().to_dict()
    same = (before["arm"] == after["arm"]).mean()
    assert 0.1 < same < 0.6  # one in three by chance
    kept = before.columns.drop([*TREATMENT, "study_exit_reason"])
    pd.testing.assert_frame_equal(before[kept], after[kept])
    # treatment moves as one block: therapists stay in the arms that have them
    blocks = [
        frame[list(TREATMENT)].astype("object").fillna("").astype(str).agg("|".join, axis=1)
        for frame in (before, after)
    ]
    assert sorted(blocks[0]) == sorted(blocks[1])
    assert after["study_exit_reason"].isna().all()
    again = released(export, tmp_path, masked=True).participants
    pd.testing.assert_frame_equal(after, again)


def test_masked_findings_quote_no_arm(tmp_path):
    export = csv_long()
    export.cell(3, "arm", "2")
    plain, masked = released(export, tmp_path), released(export, tmp_path, masked=True)
    assert '"2", but "1"' in " ".join(plain.findings["found"])
    assert masked.findings["kind"].tolist() == plain.findings["kind"].tolist()
    assert not masked.findings["found"].str.contains('"2"').any()
