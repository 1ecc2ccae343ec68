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
    blocks = [
        frame[list(TREATMENT)].astype(str).fillna("").agg("|".join, axis=1)
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
