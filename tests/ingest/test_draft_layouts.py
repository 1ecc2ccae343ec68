"""Drafts for exports of data systems and other programs read the scores that they should."""

from __future__ import annotations

import re

import pytest

from ipt_outcomes.draft import draft_config

from .data_files import DATA_FILES
from .layouts import LAYOUTS
from .small_trial import FORMATS, csv_long
from .test_draft import ingested, same_scores

MADE = {
    **{name: FORMATS[name] for name in ("redcap", "redcap labels", "long", "wide",
       "long with semicolons and decimal commas", "long, day first")},
    **{name: DATA_FILES[name] for name in ("SPSS", "SPSS, wide", "Stata", "SAS", "SAS transport",
       "Parquet", "Excel, all text")},
    **{name: LAYOUTS[name] for name in ("REDCap, classic", "ADaM", "SDTM", "participants apart")},
}  # fmt: skip


def with_any_decision(text: str) -> str:
    """Return a draft with its decisions filled in by the first thing that can be right."""
    roles = iter(["primary", *["secondary"] * 9])

    def answer(match: re.Match[str]) -> str:
        key, question = match[1], match[2]
        choices = re.search(r"\(([^)]*)\)$", question)
        found = {
            "role": lambda: next(roles),
            "range": lambda: "[0, 63]",
            "psychotherapy": lambda: "none",
            "medication": lambda: "none",
            "phase": lambda: "treatment",
            "dates": lambda: question.split(" ")[0],
        }.get(key, lambda: (choices[1] if choices else "").split(", ")[-1])()
        return f"{key}: {found}    # decided"

    return re.sub(r"(\w+): DECIDE    # decide: (.*)", answer, text)


def test_a_catalog_gives_the_labels_of_a_data_set(tmp_path):
    DATA_FILES["SAS with a catalog"]().write(tmp_path)
    paths = [tmp_path / "data/raw" / name for name in ("trial.sas7bdat", "formats.sas7bcat")]
    text = draft_config(paths, tmp_path).text
    assert "catalog: data/raw/formats.sas7bcat" in text
    assert 'label: "IPT, with tablets"' in text


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    return csv_long().ingest(tmp_path_factory.mktemp("expected"))


@pytest.mark.parametrize("name", MADE)
def test_a_draft_reads_the_scores(name, expected, tmp_path):
    export = MADE[name]()
    export.write(tmp_path)
    raw = tmp_path / "data/raw"
    files = getattr(export, "files", None)
    paths = [tmp_path / file for file in files] if files else [
        path for path in sorted(raw.iterdir()) if path.stem != "dictionary"
    ]  # fmt: skip
    paths += [path for path in raw.iterdir() if path.stem == "dictionary"]
    draft = draft_config(paths, tmp_path)
    _, result = ingested(tmp_path, with_any_decision(draft.text))
    assert same_scores(result, expected)
