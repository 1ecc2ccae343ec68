"""Tables: what stands in them, what must not, and how they are written."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
from made_up import HOSTILE, SECRET, config, example_study

from ipt_outcomes.results import FORMULA_STARTS
from ipt_outcomes.study import Study
from ipt_outcomes.tables import make_table, make_tables, table_names
from ipt_outcomes.tables.quotes import FORMS
from ipt_outcomes.tables.rows import Rows
from ipt_outcomes.tables.table import Table
from ipt_outcomes.tables.writing import save_table


def all_tables(study: Study, rows: pd.DataFrame) -> dict[str, Table]:
    return make_tables(study=study, estimates=rows, trial="example")


def further_tables(study: Study, rows: pd.DataFrame) -> dict[str, Table]:
    planned = table_names(study, "example")
    return {name: t for name, t in all_tables(study, rows).items() if name not in planned}


@pytest.fixture(scope="session")
def tables(example: Study, rows: pd.DataFrame) -> dict[str, Table]:
    return all_tables(example, rows)


def cell(table: Table, line: str, column: int, group: str = "") -> str:
    found = [
        str(each.cells[column])
        for each in table.lines
        if str(each.label) == line and str(each.group or "").startswith(group)
    ]
    assert len(found) == 1, f"{line} stands {len(found)} times"
    return found[0]


def test_every_cell_that_quotes_a_row_writes_that_row(
    tables: dict[str, Table], rows: pd.DataFrame
) -> None:
    by_id = {row["id"]: row for row in Rows.of(rows, "example")}
    quoted = 0
    for table in tables.values():
        texts = [table.title, table.stub, *table.footnotes]
        texts += [column.label for column in table.columns]
        texts += [cell for line in table.lines for cell in (line.label, *line.cells)]
        for piece in (piece for text in texts for piece in text.pieces):
            if piece.estimate:
                assert piece.text == FORMS[piece.form](by_id[piece.estimate])
                quoted += 1
            elif not piece.origin:
                assert not re.search(r"\d", piece.text), f"{table.name}: typed {piece.text!r}"
    assert quoted > 500


def test_baseline_has_no_p_values_and_no_small_cells(tables: dict[str, Table]) -> None:
    table = tables["baseline"]
    assert not any(str(column.label) == "p" for column in table.columns)
    assert cell(table, "Women", 0) == "51 (63.7%)"
    assert cell(table, "Men", 0) == "withheld"
    assert cell(table, "Non-binary or other", 3) == "<5"
    notes = " ".join(map(str, table.footnotes))
    assert "<5: fewer than 5 participants" in notes
    assert "withheld" in notes


def test_levels_follow_the_configuration(tables: dict[str, Table]) -> None:
    labels = [str(line.label) for line in tables["baseline"].lines]
    assert labels.index("Yes") < labels.index("No")


def test_means_and_differences_of_the_endpoint(
    tables: dict[str, Table], rows: pd.DataFrame
) -> None:
    table = tables["adjusted_means_hamd17__policy"]
    row = Rows.of(rows, "example").one(
        analysis="primary", outcome="hamd17", estimand="policy", analysis_set="as randomised",
        quantity="difference", arm="IPT", visit="week_16",
    )  # fmt: skip
    assert cell(table, "IPT", 2, "Week 16").startswith(f"−{abs(row['estimate']):.2f} [−")
    assert cell(table, "IPT", 3, "Week 16") == f"−{abs(row['statistic']):.2f} ({row['df']:.1f})"
    assert cell(table, "IPT", 4, "Week 16") == "< .001"
    assert re.fullmatch(r"0\.\d\d \[0\.\d\d, 0\.\d\d\]", cell(table, "IPT", 5, "Week 16"))
    assert cell(table, "IPT", 5, "Week 12") == ""
    assert cell(table, "Medication", 2, "Week 16") == ""
    notes = " ".join(map(str, table.footnotes))
    assert "pooled observed SD" in notes
    assert "7.38" in notes
    assert "Kenward–Roger" in notes


def test_a_model_that_did_not_converge_says_so(example: Study, rows: pd.DataFrame) -> None:
    failed = rows.copy()
    failed.loc[failed["analysis"] == "primary", "converged"] = False
    table = make_table(
        "adjusted_means_hamd17__policy", study=example, estimates=failed, trial="example"
    )
    assert "DID NOT CONVERGE" in " ".join(map(str, table.footnotes))


def test_model_based_errors_stand_beside_robust_ones(example: Study, rows: pd.DataFrame) -> None:
    primary = rows[(rows["analysis"] == "primary") & (rows["quantity"] == "difference")].copy()
    primary["analysis"] = "primary, model-based errors"
    primary["id"] = primary["id"] + "/model-based"
    both = pd.concat([rows, primary], ignore_index=True)
    table = make_table(
        "endpoint_differences_hamd17", study=example, estimates=both, trial="example"
    )
    groups = {str(line.group) for line in table.lines}
    assert len(groups) == 8
    assert sum("model-based" in group for group in groups) == 4


def test_withheld_differences_are_explained(tables: dict[str, Table]) -> None:
    table = tables["problem_areas"]
    assert cell(table, "Interpersonal deficits minus Role transitions", 1) == "–"
    assert "fewer than five" in " ".join(map(str, table.footnotes))
    assert "not randomised" in str(table.footnotes[0])


def test_restricted_rows_are_never_read(tables: dict[str, Table]) -> None:
    for table in tables.values():
        assert f"{SECRET:.2f}" not in table.frame().to_csv()
        assert "one person" not in table.frame().to_csv()


def test_unknown_names_are_refused(example: Study, rows: pd.DataFrame) -> None:
    with pytest.raises(ValueError, match="no table called table_1"):
        make_table("table_1", study=example, estimates=rows, trial="example")


def test_saving_twice_gives_the_same_bytes(tables: dict[str, Table], tmp_path: Path) -> None:
    for name in ("baseline", "adjusted_means_hamd17__policy", "problem_areas"):
        for turn in ("a", "b"):
            save_table(tables[name], tmp_path / turn / name)
        for kind in ("html", "csv", "tex"):
            first, second = (tmp_path / turn / f"{name}.{kind}" for turn in ("a", "b"))
            assert first.read_bytes() == second.read_bytes()
        page = (tmp_path / "a" / f"{name}.html").read_text("utf-8")
        assert "http" not in page
        assert sorted(path.suffix for path in (tmp_path / "a").iterdir()).count(".part") == 0


def test_csv_reads_back_as_what_is_shown(tables: dict[str, Table], tmp_path: Path) -> None:
    table = tables["observed_hamd17"]
    save_table(table, tmp_path / "x")
    back = pd.read_csv(tmp_path / "x.csv", dtype=str, keep_default_na=False)
    assert (back.to_numpy() == table.frame().to_numpy()).all()
    assert "<5" in set(back.to_numpy().ravel())


def test_hostile_labels_stay_text(
    hostile: Study, hostile_rows: pd.DataFrame, tmp_path: Path
) -> None:
    for name, table in all_tables(hostile, hostile_rows).items():
        html, csv = tmp_path / f"{name}.html", tmp_path / f"{name}.csv"
        save_table(table, tmp_path / name)
        page = html.read_text("utf-8")
        assert "<script" not in page
        assert "&lt;script&gt;" in page
        for line in pd.read_csv(csv, dtype=str, keep_default_na=False, header=None).to_numpy():
            for text in line:
                assert not text.startswith(FORMULA_STARTS), f"{name}: {text[:40]!r}"


def test_a_label_that_is_a_formula_is_disarmed(hostile: Study, tmp_path: Path) -> None:
    from ipt_outcomes.results import spreadsheet_safe

    for start in FORMULA_STARTS:
        assert spreadsheet_safe(start + "1").startswith("'")
    assert spreadsheet_safe("  =1") == "'  =1"
    assert spreadsheet_safe(HOSTILE) == HOSTILE


def test_an_analysis_without_a_table_of_its_own_is_shown(
    example: Study, rows: pd.DataFrame
) -> None:
    new = rows[rows["analysis"] == "medication"].copy()
    new["analysis"] = "tipping point"
    new["id"] = new["id"].str.replace("medication", "tipping-point")
    listed_too = ("robustness", "response", "remission", "reliable", "deterioration", "time to",
                  "safety", "therapists", "moderators", "delivery", "change of",
                  "diagnostics, therapists", "diagnostics, time to", "diagnostics, deterioration")  # fmt: skip
    own = rows[~rows["analysis"].str.startswith(listed_too)]
    assert further_tables(example, own) == {}
    whole = {"analysis_robustness", "analysis_robustness_tipping_point"}
    assert whole < set(further_tables(example, rows))
    both = pd.concat([own, new, new.head(0)], ignore_index=True)
    (table,) = further_tables(example, both).values()
    assert table.name == "analysis_tipping_point"
    assert len(table.lines) == len(new)
    assert "IPT + medication minus IPT" in str(table.lines[0].label)
    many = pd.concat([new.assign(id=new["id"] + f"/{i}") for i in range(30)], ignore_index=True)
    (table,) = further_tables(example, many).values()
    assert f"of {len(many)} rows" in str(table.footnotes[0])
    grid = pd.concat(
        [new.assign(id=new["id"] + f"/{i}", analysis=f"tipping, shift +{i}") for i in range(30)],
        ignore_index=True,
    )
    (table,) = further_tables(example, grid).values()
    assert len(table.lines) == 40


def test_what_the_export_does_not_record_is_not_counted_as_nobody(rows: pd.DataFrame) -> None:
    raw = config()
    for name in ("treatment_stop_date", "treatment_stop_reason"):
        raw["trials"]["example"]["columns"].pop(name)
    table = make_table(
        "participant_flow", study=example_study(raw), estimates=rows, trial="example"
    )
    assert cell(table, "Stopped treatment early", 1) == "not recorded"
    assert "no benefit" not in {str(line.label) for line in table.lines}
    assert cell(table, "Left the study", 1) == "14"
