"""Tables as LaTeX and as Word: whole rows, nothing taken for markup, the same bytes."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from ipt_outcomes.study import Study
from ipt_outcomes.tables import make_tables
from ipt_outcomes.tables.latex import as_latex, escaped
from ipt_outcomes.tables.table import Table
from ipt_outcomes.tables.word import table_xml, write_tables

NAMES = ("baseline", "estimands", "adjusted_means_hamd17__policy", "responders", "harms",
         "time_to_event", "secondary_outcomes", "therapists", "moderators", "delivery")  # fmt: skip


@pytest.fixture(scope="module")
def tables(example: Study, rows: pd.DataFrame) -> dict[str, Table]:
    return make_tables(study=example, estimates=rows, trial="example")


def cells_of(line: str) -> int:
    spans = [int(n) for n in re.findall(r"\\multicolumn\{(\d+)\}", line)]
    return len(re.findall(r"(?<!\\)&", line)) + 1 + sum(span - 1 for span in spans)


@pytest.mark.parametrize("name", NAMES)
def test_every_latex_row_fills_the_table(tables: dict[str, Table], name: str) -> None:
    latex = as_latex(tables[name])
    rows = [line for line in latex.splitlines() if line.endswith(r"\\") and "caption" not in line]
    assert len(rows) >= len(tables[name].lines)
    assert {cells_of(line) for line in rows} == {len(tables[name].columns) + 1}
    bare = re.sub(r"\\[{}\\]", "", latex)
    assert bare.count("{") == bare.count("}")
    assert latex.isascii() or not re.search("[−∞≥\N{NO-BREAK SPACE}]", latex)


def test_latex_prints_what_is_written() -> None:
    assert escaped("a_b & 50% of {x} #1 ~^\\") == (
        r"a\_b \& 50\% of \{x\} \#1 \textasciitilde{}\textasciicircum{}\textbackslash{}"
    )
    assert escaped("−3.78 [−6.17, ∞]") == (
        r"\ensuremath{-}3.78 {[}\ensuremath{-}6.17, \ensuremath{\infty}{]}"
    )


def test_hostile_labels_are_text_in_latex_and_word(
    hostile: Study, hostile_rows: pd.DataFrame
) -> None:
    table = make_tables(study=hostile, estimates=hostile_rows, trial="example")["baseline"]
    latex = as_latex(table)
    assert r"\frac" not in latex
    assert r"\textbackslash{}frac\{1\}\{0\}" in latex
    assert "<script" not in table_xml(table)


def test_word_tables_hold_every_cell_and_the_same_bytes(
    tables: dict[str, Table], tmp_path: Path
) -> None:
    docx = pytest.importorskip("docx")
    chosen = [tables[name] for name in NAMES]
    for name in ("a", "b"):
        write_tables("Example", chosen, tmp_path / f"{name}.docx")
    assert (tmp_path / "a.docx").read_bytes() == (tmp_path / "b.docx").read_bytes()
    made = docx.Document(str(tmp_path / "a.docx")).tables
    assert len(made) == len(chosen)
    for table, word in zip(chosen, made, strict=True):
        plain = str.maketrans("\N{NO-BREAK SPACE}", " ")  # numbers never break over lines
        found = [tuple(cell.text.translate(plain) for cell in row.cells) for row in word.rows]
        for line in table.lines:
            if line.cells:
                cells = (str(line.label), *map(str, line.cells))
                assert tuple(text.translate(plain) for text in cells) in found


def test_a_number_needed_whose_interval_passes_infinity_has_two_pieces(
    tables: dict[str, Table],
) -> None:
    lines = {(str(line.group), str(line.label)): line for line in tables["responders"].lines}
    split = lines["HAM-D17: deterioration", "IPT"].cells[-1]
    assert str(split).replace("\N{NO-BREAK SPACE}", " ") == "benefit 10.0 [5.0, ∞]; harm [50.0, ∞]"
    whole = lines["HAM-D17: response", "IPT"].cells[-1]
    assert str(whole).replace("\N{NO-BREAK SPACE}", " ") == "10.0 [5.0, 20.0]"


def test_harms_are_shown_however_small(tables: dict[str, Table]) -> None:
    (death,) = [line for line in tables["harms"].lines if str(line.label) == "death"]
    assert str(death.cells[0]) == "0 / 80"
    (worse,) = [line for line in tables["harms"].lines if "any visit" in str(line.label)]
    assert str(worse.cells[0]) == "3 / 80"


def test_an_intraclass_correlation_never_stands_without_its_interval(
    tables: dict[str, Table],
) -> None:
    found = [line for line in tables["therapists"].lines if "Intraclass" in str(line.label)]
    assert found
    for line in found:
        assert str(line.cells[2]) == "[0.000, 0.140]"


def test_levels_of_a_moderator_carry_no_p_value(tables: dict[str, Table]) -> None:
    lines = tables["moderators"].lines
    within = [line for line in lines if line.indent]
    assert len(within) == 8
    assert not any(str(line.cells[-1]) for line in within)
    tests = [line for line in lines if "Interaction" in str(line.label)]
    assert [str(line.cells[-1]) for line in tests] == [".310", ".310"]


def test_what_does_not_apply_to_an_arm_is_a_dash(tables: dict[str, Table]) -> None:
    (sessions,) = [x for x in tables["delivery"].lines if str(x.label) == "sessions attended"]
    assert [str(cell) for cell in sessions.cells] == ["12.25 (4.35)", "–", "–"]
