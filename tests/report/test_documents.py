"""The report as Word and PDF: same words, editable tables, captions, alternative texts, same bytes."""

from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from ipt_outcomes.report.blocks import NumberedTable, Paragraph, blocks, standing
from ipt_outcomes.report.contents import report_sections
from ipt_outcomes.report.documents import render_documents
from ipt_outcomes.report.pdf import shown, write_pdf
from ipt_outcomes.report.pieces import ReportPieces, TrialPieces
from ipt_outcomes.report.word import write_word
from ipt_outcomes.study import Study
from ipt_outcomes.tables.catalogue import make_tables

from .rendered import SOFTWARE, pieces

docx = pytest.importorskip("docx")


@pytest.fixture(scope="module")
def about(example: Study, rows: pd.DataFrame, example_pieces: TrialPieces) -> ReportPieces:
    return ReportPieces(study=example, estimates=rows, trials={"example": example_pieces},
                        provenance=SOFTWARE)  # fmt: skip


@pytest.fixture(scope="module")
def documents(about: ReportPieces, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("documents")
    word, pdf = folder / "report.docx", folder / "report.pdf"
    render_documents(about, word=word, pdf=pdf)
    return word, pdf


def test_word_holds_the_tables_cell_by_cell(
    documents: tuple[Path, Path], example: Study, rows: pd.DataFrame
) -> None:
    document = docx.Document(str(documents[0]))
    made = make_tables(study=example, estimates=rows, trial="example")
    plain = str.maketrans("\N{NO-BREAK SPACE}", " ")  # numbers never break over lines
    found = {
        tuple(cell.text.translate(plain) for cell in row.cells)
        for table in document.tables
        for row in table.rows
    }
    for name in ("baseline", "adjusted_means_hamd17__policy", "medication"):
        for line in made[name].lines:
            if line.cells:
                cells = (str(line.label), *map(str, line.cells))
                assert tuple(text.translate(plain) for text in cells) in found
    for table in document.tables:
        assert "tblHeader" in table.rows[0]._tr.xml


def test_word_captions_are_sequences_and_pictures_are_described(
    documents: tuple[Path, Path], example_pieces: TrialPieces
) -> None:
    document = docx.Document(str(documents[0]))
    captions = [p for p in document.paragraphs if p.style.name == "Caption"]
    assert len(captions) == len(document.tables) + len(example_pieces.figures)
    assert all("SEQ " in caption._p.xml for caption in captions)
    pictures = [shape._inline.docPr for shape in document.inline_shapes]
    assert len(pictures) == len(example_pieces.figures)
    assert all(len(picture.get("descr")) > 60 for picture in pictures)


def test_documents_say_what_the_page_says(
    documents: tuple[Path, Path], about: ReportPieces
) -> None:
    sections = report_sections(about)
    document = docx.Document(str(documents[0]))
    said = [p.text.replace("\N{NO-BREAK SPACE}", " ") for p in document.paragraphs]
    for text in sections[0].paragraphs:
        assert str(text) in said
    assert any(
        paragraph.startswith("Exploratory. No analysis plan is locked") for paragraph in said
    )
    tables = [block for block in blocks(sections, SOFTWARE) if isinstance(block, NumberedTable)]
    assert len(document.tables) == len(tables)


def test_the_pdf_is_tagged_titled_and_undated(documents: tuple[Path, Path], example: Study) -> None:
    content = documents[1].read_bytes()
    assert content.startswith(b"%PDF-")
    assert b"/MarkInfo" in content
    assert b"/StructTreeRoot" in content
    assert b"pdfuaid" in content
    assert b"CreationDate" not in content


def test_the_same_results_give_the_same_documents(
    documents: tuple[Path, Path], about: ReportPieces, tmp_path: Path
) -> None:
    again = tmp_path / "report.docx", tmp_path / "report.pdf"
    render_documents(about, word=again[0], pdf=again[1])
    for first, second in zip(documents, again, strict=True):
        assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.docx", "report.pdf"]
    with zipfile.ZipFile(documents[0]) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}


def test_hostile_labels_are_only_text(
    hostile: Study, hostile_rows: pd.DataFrame, tmp_path: Path
) -> None:
    own = TrialPieces(data_quality=pieces(hostile, hostile_rows, tmp_path).data_quality)
    about = ReportPieces(study=hostile, estimates=hostile_rows, trials={"example": own},
                         masked=True)  # fmt: skip
    content = [*standing(about), *blocks(report_sections(about), SOFTWARE)]
    write_word("#let x = \\ \" ' \x0b", content, tmp_path / "x.docx")
    write_pdf("#let x = \\ \" ' \x0b", content, tmp_path / "x.pdf")
    text = "\n".join(p.text for p in docx.Document(str(tmp_path / "x.docx")).paragraphs)
    assert '<script>alert("x")</script>' in text


def test_letters_that_no_font_has_do_not_stop_the_pdf(tmp_path: Path) -> None:
    content = [Paragraph("Anxiety 🙂 漢字 \u202eعلاج\u202c, τ² ≥ −1, Žižka")]
    write_pdf("🙂", content, tmp_path / "x.pdf")
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    assert shown("漢字 🙂 علاج τ² ≥ − Žižka") == "□□ □ علاج τ² ≥ − Žižka"


def test_changes_of_a_locked_plan_are_listed(about: ReportPieces) -> None:
    said = list(standing(replace(about, locked_plan="plan of May", deviations=["a change"])))
    assert Paragraph("a change", point=True) in said
    assert any("plan of May" in paragraph.text for paragraph in said)
    assert not any(re.search("No analysis plan", paragraph.text) for paragraph in said)
