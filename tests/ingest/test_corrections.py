"""Corrections count when somebody reviewed them and when they fit; the export stays as it is."""

from __future__ import annotations

import pytest

from ipt_outcomes.ingest.corrections import COLUMNS

from .small_trial import Export, csv_long, csv_wide, redcap

HEAD = ",".join(COLUMNS)


def corrected(export: Export, folder, *lines: str, head: str = HEAD):
    export.trial["corrections"] = "data/raw/corrections.csv"
    path = export.write(folder)
    before = path.read_bytes()
    (folder / "data/raw/corrections.csv").write_text("\n".join([head, *lines]), "utf-8")
    result = export.ingest(folder)
    assert path.read_bytes() == before
    return result


def kinds(result) -> list[tuple[str, str, int | None]]:
    table = result.findings
    return [(s, k, int(r)) for s, k, r in zip(table["severity"], table["kind"], table["row"],
                                              strict=True)]  # fmt: skip


def test_a_score_is_corrected_and_listed(tmp_path):
    plain = csv_long().ingest(tmp_path / "plain")
    result = corrected(
        csv_long(), tmp_path, "9,week_4_arm_1,hamd,15,17,digits swapped,MK,2026-11-25"
    )
    assert kinds(result) == [("note", "corrected", 3)]
    finding = result.findings.iloc[0]
    assert (finding["column"], finding["found"]) == ("hamd", '"15", corrected to "17"')
    assert "row 2 of data/raw/corrections.csv" in finding["mend"]
    assert result.counts["corrections_applied"] == 1
    changed = plain.scores["score"].ne(result.scores["score"]) & plain.scores["score"].notna()
    assert result.scores.loc[changed, ["participant", "visit", "score"]].values.tolist() == [
        ["9", "week_4", 17.0]
    ]


@pytest.mark.parametrize(
    ("export", "line", "row"),
    [
        (csv_wide, "11,,age,,44,found in the form,MK,2026-11-25", 4),
        (redcap, "11,baseline_arm_1,age,,44,found in the form,MK,2026-11-25", 10),
    ],
)
def test_an_empty_cell_is_filled(export, line, row, tmp_path):
    result = corrected(export(), tmp_path, line)
    assert ("note", "corrected", row) in kinds(result)
    people = result.participants.set_index("participant")
    assert people.loc["11", "characteristic_age"] == 44


def test_an_entry_can_be_emptied_before_it_is_an_error(tmp_path):
    export = csv_long()
    export.cell(3, "hamd", "99")
    result = corrected(export, tmp_path, "9,week_4_arm_1,hamd,99,,not assessed,MK,2026-11-25")
    assert kinds(result) == [("note", "corrected", 3)]


@pytest.mark.parametrize(
    ("line", "column", "said"),
    [
        ("9,week_4_arm_1,hamd,14,17,x,MK,2026-11-25", "from", "another entry in the export"),
        ("9,week_9,hamd,15,17,x,MK,2026-11-25", "visit", "no row of this participant"),
        ("77,week_4_arm_1,hamd,15,17,x,MK,2026-11-25", "participant", "not in the export"),
        ("9,week_4_arm_1,hamd_total,15,17,x,MK,2026-11-25", "column", "no column hamd_total"),
    ],
)
def test_a_correction_that_does_not_fit_is_an_error(line, column, said, tmp_path):
    result = corrected(csv_long(), tmp_path, line)
    assert kinds(result) == [("error", "correction does not fit", 2)]
    finding = result.findings.iloc[0]
    assert (finding["column"], finding["file"]) == (column, "data/raw/corrections.csv")
    assert said in finding["found"]
    assert result.counts["corrections_applied"] == 0


@pytest.mark.parametrize(
    ("line", "lacking"),
    [
        ("9,week_4_arm_1,hamd,15,17,x,,2026-11-25", "reviewed_by"),
        ("9,week_4_arm_1,hamd,15,17,x,MK,", "reviewed_on"),
        ("9,week_4_arm_1,hamd,15,17,x,MK,yesterday", "reviewed_on"),
        ("9,week_4_arm_1,hamd,15,17,,MK,2026-11-25", "reason"),
    ],
)
def test_nothing_is_corrected_without_a_review(line, lacking, tmp_path):
    result = corrected(csv_long(), tmp_path, line)
    assert kinds(result) == [("error", "correction not reviewed", 2)]
    assert lacking in result.findings["found"].iloc[0]


def test_two_corrections_of_one_entry_are_an_error(tmp_path):
    lines = [
        "9,week_4_arm_1,hamd,15,17,x,MK,2026-11-25",
        "9,week_4_arm_1,hamd,15,18,x,MK,2026-11-25",
    ]
    found = kinds(corrected(csv_long(), tmp_path, *lines))
    assert ("error", "correction does not fit", 3) in found


@pytest.mark.parametrize("content", ["", "a,b\n1,2", HEAD + '\n9,week_4_arm_1,"hamd'])
def test_a_file_that_is_no_list_of_corrections(content, tmp_path):
    export = csv_long()
    export.trial["corrections"] = "data/raw/corrections.csv"
    export.write(tmp_path)
    (tmp_path / "data/raw/corrections.csv").write_text(content, "utf-8")
    assert set(export.ingest(tmp_path).findings["kind"]) == {"corrections cannot be read"}


def test_a_name_in_a_corrected_entry_is_not_quoted(tmp_path):
    export = csv_long()
    export.cell(3, "site", "Anna Muster")
    result = corrected(export, tmp_path, "9,week_4_arm_1,site,Anna Muster,Genève,x,MK,2026-11-25")
    assert kinds(result) == [("note", "corrected", 3)]
    assert "Muster" not in result.findings.to_csv()
