"""What is particular to REDCap: labels, the data dictionary, repeating rows."""

from __future__ import annotations

import pytest

from ipt_outcomes.ingest.dictionary import parse_choices, read_dictionary
from ipt_outcomes.ingest.findings import Findings
from ipt_outcomes.ingest.trial import read_export

from .small_trial import Export, dictionary_rows, redcap, redcap_labels


def found(result, severity="error") -> list[tuple[str, str, int, str]]:
    table = result.findings[result.findings["severity"] == severity]
    columns = (table[name] for name in ("kind", "file", "row", "column"))
    return list(zip(*columns, strict=True))


FILE, DICTIONARY = "data/raw/export.csv", "data/raw/dictionary.csv"


def without_dictionary(export: Export) -> Export:
    export.dictionary = None
    export.trial["export"].pop("dictionary")
    return export


@pytest.mark.parametrize("raw_heads", [True, False])
def test_labels_without_a_dictionary_are_one_error(raw_heads, tmp_path):
    result = without_dictionary(redcap_labels(raw_heads=raw_heads)).ingest(tmp_path)
    assert result.findings["kind"].tolist() == ["labels without dictionary"]
    assert "trials.small.export.dictionary" in result.findings["mend"].iloc[0]


def test_codes_need_no_dictionary(tmp_path):
    whole = redcap().ingest(tmp_path)
    result = without_dictionary(redcap()).ingest(tmp_path)
    assert result.findings.empty
    assert result.scores.equals(whole.scores)
    # labels of a column without configured meanings are known to the dictionary alone
    assert result.participants["site"].tolist() == ["A", "B", "A", "B", "A", "B"]
    assert whole.participants["site"].tolist()[:2] == ["Genève", "Zürich"]


def test_messages_speak_of_the_export_as_it_is(tmp_path):
    export = redcap_labels()
    export.cell(2, "Arm", "Placebo")
    export.cell(3, "HAM-D total", "1O")
    result = export.ingest(tmp_path)
    assert found(result) == [
        ("unknown arm", FILE, 2, "Arm"),
        ("not a number", FILE, 3, "HAM-D total"),
    ]
    assert result.findings["found"].tolist() == ['"Placebo"', '"1O"']
    assert (
        result.findings["expected"].iloc[0] == '"1" (IPT), "2" (IPT, with tablets) or "3" (Tablets)'
    )


def test_an_unknown_event_label(tmp_path):
    export = redcap_labels()
    export.cell(3, "Event Name", "Week 5")
    assert found(export.ingest(tmp_path)) == [("unknown event", FILE, 3, "Event Name")]


def test_event_labels_with_several_arms_of_the_data_base(tmp_path):
    export = redcap_labels()
    export.trial["codes"]["visit"]["week_4_arm_2"] = "none"
    for row in export.rows[1:]:
        row[1] += " (Arm 1: Everybody)"
    assert export.ingest(tmp_path).findings.empty
    export.cell(3, "Event Name", "Week 4 (Arm 2: Others)")
    result = export.ingest(tmp_path)
    assert found(result, "warning") == [
        ("score in an event without assessment", FILE, 3, "Event Name")
    ]


def test_a_label_of_two_fields_is_ambiguous(tmp_path):
    export = redcap_labels()
    for row in export.dictionary:
        if row[0] == "bdi_total":
            row[4] = "HAM-D total"
    export.rows[0][export.header.index("BDI total")] = "HAM-D total"
    result = export.ingest(tmp_path)
    assert {kind for kind, *_ in found(result)} == {"ambiguous label"}
    assert "hamd_total, bdi_total" in result.findings["found"].iloc[0]


def test_labels_that_look_like_other_codes(tmp_path):
    """With labels such as "2" for code 1, the kind of export decides what "2" means."""
    for export, shown in ((redcap(), {}), (redcap_labels(), {"Woman": "2", "Man": "1"})):
        for row in export.dictionary:
            if row[0] == "gender":
                row[5] = "1, 2 | 2, 1"
        column = "gender" if "gender" in export.header else "Gender"
        place = export.header.index(column)
        for row in export.rows[1:]:
            row[place] = shown.get(row[place], row[place])
        result = export.ingest(tmp_path)
        assert result.findings.empty
        genders = result.participants["characteristic_gender"]
        assert genders.tolist()[:3] == ["Women", "Men", "Women"]


def test_ranges_that_differ_are_a_warning(tmp_path):
    export = redcap()
    for row in export.dictionary:
        if row[0] == "hamd_total":
            row[8:10] = ["-9", "50"]  # -9 is the code for missing
    result = export.ingest(tmp_path)
    assert found(result) == []
    line = next(n for n, row in enumerate(export.dictionary, 1) if row[0] == "hamd_total")
    table = result.findings
    assert table[["kind", "file", "row"]].values.tolist() == [["ranges differ", DICTIONARY, line]]
    assert table["found"].iloc[0] == "50 as the highest value of hamd"


def test_values_that_the_dictionary_does_not_allow_are_a_warning(tmp_path):
    export = redcap()
    export.cell(2, "age", "17")
    result = export.ingest(tmp_path)
    assert found(result, "warning") == [("outside the dictionary's range", FILE, 2, "age")]
    assert result.findings["expected"].iloc[0] == "18 to 75, as the data dictionary says"


def test_repeating_rows_are_reported(tmp_path):
    export = redcap()
    for number, row in enumerate(export.rows):
        head = ["redcap_repeat_instrument", "redcap_repeat_instance"]
        row[2:2] = head if number == 0 else ["", ""]
    event = ["9", "baseline_arm_1", "adverse_events"]
    export.rows += [[*event, str(n), *[""] * (len(export.header) - 4)] for n in (1, 2)]
    result = export.ingest(tmp_path)
    assert result.findings["severity"].tolist() == ["note"]
    assert result.findings["kind"].tolist() == ["repeating rows"]
    assert result.findings["found"].iloc[0].startswith("2 rows")
    assert "adverse_events" in result.findings["found"].iloc[0]
    assert result.counts["scores"] == 32


def test_a_score_in_a_repeating_row_is_an_assessment(tmp_path):
    export = redcap()
    for number, row in enumerate(export.rows):
        row.insert(2, "redcap_repeat_instance" if number == 0 else "")
    export.rows.append(list(export.rows[2]))
    export.cell(len(export.rows), "redcap_repeat_instance", "2")
    export.cell(len(export.rows), "assessed_on", "2024-03-20")
    result = export.ingest(tmp_path)
    assert sorted(result.findings["kind"]) == ["repeating rows", "second assessment in a window"]


def test_a_dictionary_that_is_none(tmp_path):
    export = redcap()
    for content in ([["a", "b"], ["1", "2"]], [], [["Variable / Field Name"]]):
        export.dictionary = content
        result = export.ingest(tmp_path)
        assert result.findings[["kind", "file"]].values.tolist() == [
            ["no data dictionary", DICTIONARY]
        ]
    export.dictionary = None
    (tmp_path / DICTIONARY).unlink()
    assert export.ingest(tmp_path).findings["kind"].tolist() == ["file cannot be opened"]


def test_a_dictionary_from_a_spreadsheet_or_the_api(tmp_path):
    heads = {"Variable / Field Name": "field_name", "Field Type": "field_type",
             "Field Label": "field_label", "Text Validation Min": "text_validation_min",
             "Text Validation Max": "text_validation_max",
             "Choices, Calculations, OR Slider Labels": "select_choices_or_calculations"}  # fmt: skip
    rows = dictionary_rows()
    findings = Findings("t", "e.csv")
    path = tmp_path / "d.csv"
    texts = [
        ";".join(f'"{cell}"' for cell in row) + "\r\n"
        for row in [[heads.get(name, name) for name in rows[0]], *rows[1:]]
    ]
    path.write_bytes("".join(texts).encode("cp1252"))
    read = read_dictionary(path, findings, file="d.csv", encoding="cp1252")
    assert findings.table().empty
    assert read.fields["site"].choices == {"A": "Genève", "B": "Zürich"}
    assert read.fields["age"].highest == "75"
    assert read.of_column("areas___3").name == "areas"


def test_choices():
    assert parse_choices("1, A | 2, B, C |3,D||", "radio") == {"1": "A", "2": "B, C", "3": "D"}
    assert parse_choices("", "yesno") == {"1": "Yes", "0": "No"}
    assert parse_choices("sum([a], [b])", "calc") == {}
    assert parse_choices("1, | 2", "radio") == {"1": "1", "2": "2"}


def test_the_export_as_text(tmp_path):
    export = redcap()
    export.write(tmp_path)
    table = read_export(export.study(), "small", tmp_path)
    assert table.file == FILE
    assert table.cells.shape == (24, 25)
    assert table.rows.tolist() == list(range(2, 26))
    assert table.cells["hamd_total"].tolist()[:3] == ["20", "15", "10"]
