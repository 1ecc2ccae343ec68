"""Columns of single items reach the intermediate form as they stand in the export."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ipt_outcomes.ingest import long_layout as long_reader
from ipt_outcomes.ingest import read_export
from ipt_outcomes.ingest.findings import Findings
from ipt_outcomes.study.column_names import expand

from .small_trial import VISITS, Export, csv_long, csv_wide


def records(export: Export, folder, findings: Findings):
    export.write(folder)
    study = export.study()
    table = read_export(study, "small", folder, findings)
    return long_reader.read(study.trials["small"], table, folder, findings)


def with_items(export: Export, columns: list[str]) -> Export:
    export.rows[0] += columns
    for number, row in enumerate(export.rows[1:]):
        row += [str((number + place) % 4) for place in range(len(columns))]
    return export


@pytest.mark.parametrize("items", ["bdi_{01..03}", ["bdi_01", "bdi_02", "bdi_03"]])
def test_items_of_a_long_export(items, tmp_path):
    export = with_items(csv_long(), ["bdi_01", "bdi_02", "bdi_03"])
    export.trial["columns"]["items"] = {"bdi": items}
    export.trial["codes"]["missing"] = {"bdi_{01..03}": ["3"]}
    export.cell(2, "bdi_02", "2b")  # letters are for scoring to understand
    findings = Findings("small", export.file)
    (block,) = records(export, tmp_path, findings).assessments
    assert findings.table().empty
    assert block.items_of("bdi") == {n: f"items.bdi.{n}" for n in (1, 2, 3)}
    assert block.cells["items.bdi.2"].iloc[0] == "2b"
    assert block.cells["items.bdi.1"].fillna("").tolist()[:4] == ["0", "1", "2", ""]
    assert block.columns["items.bdi.3"] == "bdi_03"


def test_items_of_a_wide_export(tmp_path):
    names = [f"bdi_{n}_{visit}" for visit in VISITS for n in (1, 2)]
    export = with_items(csv_wide(), names)
    export.trial["columns"]["outcomes"].pop("bdi")
    export.trial["columns"]["items"] = {"bdi": {v: f"bdi_{{1..2}}_{v}" for v in VISITS}}
    study = export.study()
    assert study.outcomes_of("small") == ["hamd", "bdi"]
    assert study.visits_of("small") == list(VISITS)
    blocks = records(export, tmp_path, Findings("small", export.file)).assessments
    assert [block.visit for block in blocks] == list(VISITS)
    assert blocks[1].columns["items.bdi.2"] == "bdi_2_week_4"
    assert "outcomes.hamd" in blocks[1].cells


def test_an_item_column_that_is_not_there_is_named(tmp_path):
    export = with_items(csv_long(), ["bdi_01", "bdi_02"])
    export.trial["columns"]["items"] = {"bdi": "bdi_{01..03}"}
    findings = export.ingest(tmp_path).findings
    assert findings[["kind", "column"]].values.tolist() == [["missing column", "bdi_03"]]
    assert "trials.small.columns.items.bdi.3" in findings["expected"].iloc[0]


@pytest.mark.parametrize("name", ["a_{3..1}", "a_{1..900}", "a_{1..2}_{1..2}"])
def test_short_forms_that_mean_nothing_are_refused(name):
    with pytest.raises(ValueError, match="range"):
        expand(name)
    export = csv_long()
    export.trial["codes"]["missing"] = {name: ["9"]}
    with pytest.raises(ValidationError, match="range"):
        export.study()
