"""The page about the data: every finding at its place, no arm, nothing fetched, safe to open."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from ipt_outcomes.ingest import Findings
from ipt_outcomes.report.quality_page import groups, quality_html
from ipt_outcomes.study import load_study

from .page_reader import Element, read_page

ROOT = Path(__file__).resolve().parents[2]
COUNTS = {
    "file": "data/raw/export.csv", "format": "redcap", "rows": 1564, "blank_rows": 2,
    "participants": 240, "participants_without_arm": 0, "assessments": 1290, "scores": 2535,
    "scores_not_used": 3, "corrections_applied": 1, "assessments_kept_apart": {"unscheduled": 2},
    "scores_by_visit": {"bdi2": {"baseline": 240, "week_16": 120}, "hamd17": {"baseline": 236}},
}  # fmt: skip
QUALITY = {
    "items": {
        "bdi2": {
            "instrument": "BDI-II", "complete": 1200, "prorated": 30, "not_scored": 4,
            "reliability": {"visit": "baseline", "items": 21, "n": 231, "n_incomplete": 9,
                            "alpha": 0.912, "lower": 0.89, "upper": 0.93, "level": 0.95,
                            "omega": None, "notes": ["omega needs 3 items"]},
            "items": [{"item": 1, "answered": 1230, "missing": 4}],
        }
    },
    "anonymity": [{"k": 5, "participants": 240, "classes": 56, "smallest": 1, "recognisable": 69,
                   "by_column": {"age": 2}}],
}  # fmt: skip


def findings() -> pd.DataFrame:
    found = Findings("example", "data/raw/export.csv")
    found.add("error", "out of range", row=[17, 400], participant=["P0007", "P0009"],
              column="hamd17_total", found=['"77"', '"<b>=1+1</b>"'], expected="a number to 52",
              mend="Correct it.")  # fmt: skip
    found.add("warning", "another arm received", row=[8, 9, 10],
              participant=["P0001", "P0002", "P0003"], column="received_arm",
              found="another arm than the one randomised to", mend="Check it.")  # fmt: skip
    found.add("error", "contradiction", row=5, participant="P0004", column="arm",
              found='"1", but "2" in row 4', mend="Correct it.")  # fmt: skip
    found.add("note", "free", row=list(range(20, 40)), column="x", found="something", mend="")
    return found.table()


@pytest.fixture(scope="module")
def html() -> str:
    study = load_study(ROOT / "config.yaml", check_files=False)
    return quality_html(study=study, trial="example", findings=findings(), counts=COUNTS,
                        quality=QUALITY)  # fmt: skip


@pytest.fixture(scope="module")
def page(html: str) -> Element:
    return read_page(html)


def test_every_finding_stands_on_the_page(page: Element):
    text = page.text
    for words in ("row 17", "P0007", '"77"', "row 400", "Correct it.", "20 times"):
        assert words in text
    assert "3 errors to mend." in text


def test_what_a_participants_rows_repeat_stands_in_one():
    found = Findings("example", "data/raw/export.csv")
    found.add("error", "not a number", row=[7, 8, 9, 12, 30], column="age",
              participant=["P1", "P1", "P1", "P1", "P2"], found='"forty"', expected="a number",
              mend="Correct it.")  # fmt: skip
    found.add("error", "not a number", row=[40, 41], column="age", found='"forty"',
              expected="a number", mend="Correct it.")  # fmt: skip
    (group,) = groups(found.table())["error"]
    assert group.count == "7 times"
    assert [row["where"] for row in group.rows] == [
        "rows 7–9, 12", "row 30", "row 40", "row 41",
    ]  # fmt: skip


def test_no_arm_can_be_told(page: Element):
    text = " ".join(page.text.split())
    assert "3 participants, not named because that would tell arms" in text
    for name in ("P0001", "P0002", "P0003"):
        assert name not in text
    assert '"1", but "2"' not in text
    assert "two different entries" in text
    assert not re.search(r"\b(IPT \+ medication|Medication)\b", text)


def test_entries_are_escaped_and_nothing_is_fetched(html: str, page: Element):
    assert "<b>=1+1</b>" not in html
    for element in page.all():
        assert element.tag not in {"script", "iframe", "object", "embed", "base", "img"}
        for name in ("src", "href", "srcset", "action"):
            target = element.attributes.get(name)
            assert target is None or target.startswith(("#", "data:"))
    assert "http" not in html.replace("http-equiv", "")


def test_counts_stand_under_their_own_outcome(page: Element):
    (section,) = page.all("section", id="visits")
    rows = [[" ".join(c.text.split()) for c in row.all("th") + row.all("td")]
            for row in section.all("tr")]  # fmt: skip
    assert rows[0] == ["Visit", "HAM-D17", "BDI-II"]
    assert rows[1] == ["Baseline", "236 (98 %)", "240 (100 %)"]
    assert rows[5] == ["Week 16", "0 (0 %)", "120 (50 %)"]


def test_reliability_and_anonymity_are_told(page: Element):
    text = " ".join(page.text.split())
    assert "Cronbach's α 0.91 (95 % CI 0.89 to 0.93), McDonald's ω –. Omega needs 3 items." in text
    assert "69 of 240" in text
    assert "1,200 assessments completely, 30 prorated, 4 not scored" in text


def test_the_page_can_be_navigated(page: Element):
    ids = [str(element.attributes["id"]) for element in page.all(id=None)]
    assert len(ids) == len(set(ids))
    linked = {str(a.attributes["href"]) for nav in page.all("nav") for a in nav.all("a")}
    assert linked == {f"#{section.attributes['id']}" for section in page.all("section")}
    assert page.all("html")[0].attributes["lang"] == "en"


def test_of_a_long_list_the_rest_is_folded(page: Element):
    (folded,) = [d for d in page.all("details") if "Show 12 more" in d.text]
    assert "row 28" in folded.text
    assert "row 27" not in folded.text
    assert "row 27" in page.text


def test_groups_are_by_kind_and_most_frequent_first():
    made = groups(findings())
    assert [(g.title, len(g.rows)) for g in made["error"]] == [
        ("Out of range", 2),
        ("Contradiction", 1),
    ]
    assert made["note"][0].count == "20 times"
