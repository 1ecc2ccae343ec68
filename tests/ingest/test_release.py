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

from .planted import PEOPLE as PLANTED
from .planted import VISITS, planted, row_of, set_person
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
    # The order differs, since before masking arms take part in it: the export's row tells who is who.
    before, after = (one.participants.sort_values("source_row", ignore_index=True)
                     for one in (plain, masked))  # fmt: skip
    assert before["arm"].value_counts().to_dict() == after["arm"].value_counts().to_dict()
    same = (before["arm"] == after["arm"]).mean()
    assert 0.1 < same < 0.6  # one in three by chance
    kept = before.columns.drop([*TREATMENT, "study_exit_reason", "participant"])
    pd.testing.assert_frame_equal(before[kept], after[kept])
    # treatment moves as one block: therapists stay in the arms that have them
    blocks = [
        frame[list(TREATMENT)].astype("object").fillna("").astype(str).agg("|".join, axis=1)
        for frame in (before, after)
    ]
    assert sorted(blocks[0]) == sorted(blocks[1])
    assert after["study_exit_reason"].isna().all()
    again = released(export, tmp_path, masked=True).participants
    pd.testing.assert_frame_equal(masked.participants, again)


def test_masked_findings_quote_no_arm(tmp_path):
    export = csv_long()
    export.cell(3, "arm", "2")
    plain, masked = released(export, tmp_path), released(export, tmp_path, masked=True)
    assert '"2", but "1"' in " ".join(plain.findings["found"])
    assert masked.findings["kind"].tolist() == plain.findings["kind"].tolist()
    assert not masked.findings["found"].str.contains('"2"').any()


ARM_BLOCK = ["arm", "therapist", "focus", "received", "sessions", "stop", "stop_reason"]
"""What moves when a participant of the planted trial was in another arm all along."""


def in_other_arms(export: Export, seed: int) -> Export:
    """Return the export had the arms been dealt out otherwise; people keep all that is their own."""
    order = random.Random(seed).sample(range(PLANTED), PLANTED)
    source = [list(row) for row in export.rows]
    for name in ARM_BLOCK:
        column = export.header.index(name)
        for person, other in enumerate(order):
            for visit in VISITS:
                row = source[row_of(other, visit) - 1]
                export.rows[row_of(person, visit) - 1][column] = row[column]
    return export


def with_mistakes_that_tell_arms() -> Export:
    """Return a trial whose findings would tell arms, were they quoted with their rows."""
    export = planted()
    columns = export.trial["columns"]
    columns["treatment_stop_day"] = columns.pop("treatment_stop_date")
    for person in range(PLANTED):
        set_person(export, person, "stop", "")
        set_person(export, person, "stop_reason", "")
    for person in (2, 5, 8):  # without psychotherapy
        set_person(export, person, "therapist", "T9")
        set_person(export, person, "sessions", "4")
        set_person(export, person, "focus", "2")
    set_person(export, 3, "therapist", "Anna-Lena Brunnenthal, 8953 Dietikon")
    set_person(export, 4, "therapist", "")
    set_person(export, 6, "sessions", "many")
    set_person(export, 7, "focus", "9")
    set_person(export, 9, "stop_reason", "better")
    set_person(export, 10, "stop", "21")
    set_person(export, 12, "received", "2")
    export.cell(row_of(15, "week_8"), "sessions", "3")
    return export


def plant_what_tells_nothing(export: Export) -> None:
    """Plant mistakes that are told with their rows: whose they are does not depend on an arm."""
    set_person(export, 13, "received", "8")
    for person, column in ((16, "arm"), (17, "received")):
        row = row_of(person, "week_8")
        export.cell(row, column, str(int(export.get(row, "arm")) % 3 + 1))
    export.cell(row_of(20, "week_8"), "hamd17", "77")
    set_person(export, 21, "age", "old")


def test_what_is_told_of_masked_data_is_the_same_whoever_was_in_which_arm(tmp_path):
    told = []
    for seed in (None, 1, 2, 3):
        export = with_mistakes_that_tell_arms()
        if seed is not None:
            in_other_arms(export, seed)
        plant_what_tells_nothing(export)
        found = release(export.ingest(tmp_path, checks=True), export.study(), "small", masked=True)
        own = found.participants.drop(columns=list(TREATMENT))
        told.append((found.findings, own, found.scores, found.counts, found.quality))
    findings, own, scores, counts, quality = told[0]
    assert len(findings) >= 14
    assert {"out of range", "not a number"} <= set(findings.loc[findings["row"].notna(), "kind"])
    for others in told[1:]:
        pd.testing.assert_frame_equal(others[0], findings)
        pd.testing.assert_frame_equal(others[1], own)  # in the same order, too
        pd.testing.assert_frame_equal(others[2], scores)
        assert others[3:] == (counts, quality)
    open_ = release(export.ingest(tmp_path, checks=True), export.study(), "small").findings  # fmt: skip
    assert len(open_) >= len(findings)
    assert open_["row"].notna().sum() > findings["row"].notna().sum() + 8


def test_masked_sessions_go_with_the_treatment_and_scores_stay(tmp_path):
    export = planted()
    export.trial["columns"]["session"] = "sessions"
    plain, masked = released(export, tmp_path), released(export, tmp_path, masked=True)
    validate_scores(masked.scores)
    kept = plain.scores.columns.drop(["session", "participant"])
    before, after = (one.scores.sort_values(["source_row", "outcome"], ignore_index=True)[kept]
                     for one in (plain, masked))  # fmt: skip
    pd.testing.assert_frame_equal(before, after)
    therapy = set(masked.participants.loc[masked.participants["therapist"].notna(), "participant"])
    with_sessions = masked.scores[masked.scores["session"].notna()]
    assert set(with_sessions["participant"]) == therapy
    assert masked.unscheduled["session"].isna().all()
