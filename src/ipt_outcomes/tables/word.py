"""A table as a table of Word: real cells to edit, rules of a journal, heads that repeat.

Written as WordprocessingML, since building it cell by cell through an object model takes a hundred
times longer. Source: ECMA-376-1:2016, Office Open XML, 17.4 (tables).
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from ipt_outcomes.tables.table import Column, Line, Table
from ipt_outcomes.whole_files import whole_file

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
THIN, THICK = 4, 8
"""Rules, in eighths of a point."""
ROOM = 17.0
"""Width of the text on a page, in centimetres."""
BREAKS_AFTER = "; "
"""Where a cell of numbers may go on on the next line."""
_FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])


def _safe(text: str) -> str:
    return escape(text.translate(_FORBIDDEN))


def run(text: str, *, bold: bool = False, italic: bool = False, half_points: int = 0) -> str:
    """Write a run of text as WordprocessingML.

    Parameters
    ----------
    text
        The text.
    bold, italic
        How it is set.
    half_points
        Its size in half points; 0 for that of its style.

    Examples
    --------
    >>> run("a < b", italic=True)
    '<w:r><w:rPr><w:i/></w:rPr><w:t xml:space="preserve">a &lt; b</w:t></w:r>'
    """
    size = f'<w:sz w:val="{half_points}"/>' if half_points else ""
    about = ("<w:b/>" if bold else "") + ("<w:i/>" if italic else "") + size
    about = f"<w:rPr>{about}</w:rPr>" if about else ""
    return f'<w:r>{about}<w:t xml:space="preserve">{_safe(text)}</w:t></w:r>'


def _cell(
    content: str, *, span: int = 1, align: str = "right", indent: bool = False, below: int = 0,
    merge: str = "", width: int = 0,
) -> str:  # fmt: skip
    about = f'<w:tcW w:w="{width}" w:type="dxa"/>' if width else '<w:tcW w:w="0" w:type="auto"/>'
    about += f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    about += f"<w:vMerge{merge}/>" if merge else ""
    if below:
        rule = f'<w:bottom w:val="single" w:sz="{below}" w:color="000000"/>'
        about += f"<w:tcBorders>{rule}</w:tcBorders>"
    place = '<w:pStyle w:val="TableText"/>'
    place += '<w:ind w:left="200"/>' if indent else ""
    place += f'<w:jc w:val="{align}"/>'
    return f"<w:tc><w:tcPr>{about}</w:tcPr><w:p><w:pPr>{place}</w:pPr>{content}</w:p></w:tc>"


def _row(cells: Sequence[str], *, head: bool = False) -> str:
    about = "<w:cantSplit/>" + ("<w:tblHeader/>" if head else "")
    return f"<w:tr><w:trPr>{about}</w:trPr>{''.join(cells)}</w:tr>"


def table_xml(table: Table) -> str:
    """Return a table as a ``w:tbl`` element.

    Parameters
    ----------
    table
        The table.
    """
    columns = len(table.columns) + 1
    rules = "".join(
        f'<w:{side} w:val="single" w:sz="{THICK}" w:color="000000"/>' for side in ("top", "bottom")
    )
    margins = "".join(
        f'<w:{side} w:w="{width}" w:type="dxa"/>'
        for side, width in (("top", 20), ("left", 50), ("bottom", 20), ("right", 50))
    )
    about = (
        f'<w:tblW w:w="5000" w:type="pct"/><w:tblBorders>{rules}</w:tblBorders>'
        f'<w:tblLayout w:type="fixed"/><w:tblCellMar>{margins}</w:tblCellMar>'
        f"<w:tblCaption w:val={quoteattr(_safe(str(table.title)))}/>"
    )
    widths = _widths(table)
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    rows = "".join([*_head(table), *_body(table, columns)])
    return f"<w:tbl {W}><w:tblPr>{about}</w:tblPr><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>"


def _widths(table: Table) -> list[int]:
    """Share the page's width by what the columns hold, in twentieths of a point."""
    room = round(ROOM / 2.54 * 1440)
    if table.prose:
        label = room // 5
        return [label, *[(room - label) // len(table.columns)] * len(table.columns)]
    texts: list[list[str]] = [[str(table.stub), *(str(line.label) for line in table.lines
                                                  if line.cells)]]  # fmt: skip
    for place, column in enumerate(table.columns):
        # A head may break between words, a number may not.
        head = max(column.label.held().split(" "), key=len)
        cells = [str(line.cells[place]) for line in table.lines if line.cells]
        texts.append([head, *(piece for cell in cells for piece in cell.split(BREAKS_AFTER))])
    needs = [max(map(len, column)) + 2.0 for column in texts]
    needs[0] = min(needs[0], max(17.0, 105 - sum(needs[1:])))
    return [round(room * need / sum(needs)) for need in needs]


def _label(column: Column) -> str:
    return run(column.label.held(), bold=True, italic=column.symbol)


def _head(table: Table) -> Iterator[str]:
    spanners = table.spanners()
    align = "left" if table.prose else "right"
    stub = run(str(table.stub), bold=True)
    if not any(spanner for spanner, _ in spanners):
        heads = [_cell(_label(column), align=align, below=THIN) for column in table.columns]
        yield _row([_cell(stub, align="left", below=THIN), *heads], head=True)
        return
    upper = [_cell(stub, align="left", merge=' w:val="restart"')]
    lower = [_cell("", align="left", below=THIN, merge=' w:val="continue"')]
    for spanner, columns in spanners:
        if spanner:
            upper.append(
                _cell(run(str(spanner), bold=True), span=len(columns), align="center", below=THIN)
            )
        else:
            upper.append(_cell(_label(columns[0]), merge=' w:val="restart"'))
        for column in columns:
            merge = "" if spanner else ' w:val="continue"'
            content = _label(column) if spanner else ""
            lower.append(_cell(content, align=align, below=THIN, merge=merge))
    yield _row(upper, head=True)
    yield _row(lower, head=True)


def _body(table: Table, columns: int) -> Iterator[str]:
    for group, lines in table.blocks():
        if group:
            yield _row([_cell(run(str(group), bold=True), span=columns, align="left")])
        for line in lines:
            yield _row(_line(line, columns, table.prose))


def _line(line: Line, columns: int, prose: bool) -> list[str]:
    if not line.cells:
        return [_cell(run(str(line.label), bold=True), span=columns, align="left")]
    label = _cell(run(str(line.label)), align="left", indent=line.indent)
    texts = [str(cell) if prose else unbroken(str(cell)) for cell in line.cells]
    return [label, *(_cell(run(text), align="left" if prose else "right") for text in texts)]


def unbroken(text: str) -> str:
    r"""Keep a cell of numbers on its line: it breaks only where one part of it ends.

    Examples
    --------
    >>> unbroken("benefit 15.0 [7.4, 30.1]; harm 9.0").split(" ")
    ['benefit\xa015.0\xa0[7.4,\xa030.1];', 'harm\xa09.0']
    """
    pieces = text.split(BREAKS_AFTER)
    return BREAKS_AFTER.join(piece.replace(" ", "\N{NO-BREAK SPACE}") for piece in pieces)


def empty_document(title: str) -> Any:
    """Make a Word document with the report's styles: A4, a plain face, small text in tables.

    Parameters
    ----------
    title
        Its title, as a property of the file.
    """
    import datetime

    from docx import Document
    from docx.enum.style import WD_STYLE_TYPE
    from docx.shared import Cm, Pt, RGBColor

    document = Document()
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21.0), Cm(29.7)
    page.left_margin = page.right_margin = Cm((21.0 - ROOM) / 2)
    page.top_margin = page.bottom_margin = Cm(2.0)
    about: Any = document.core_properties
    about.title, about.author, about.comments = title.translate(_FORBIDDEN), "", ""
    about.language = "en-GB"
    about.created = about.modified = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)
    styles: Any = document.styles
    small = styles.add_style("TableText", WD_STYLE_TYPE.PARAGRAPH)
    small.base_style = styles["Normal"]
    notes = styles.add_style("TableNotes", WD_STYLE_TYPE.PARAGRAPH)
    notes.base_style = styles["Normal"]
    for name, size, before, after in (
        ("Normal", 10.5, 0, 6), ("TableText", 8, 0, 0), ("TableNotes", 8, 2, 2),
        ("Caption", 9.5, 8, 4), ("List Bullet", 10.5, 0, 3), ("Title", 20, 0, 8),
        ("Heading 1", 15, 18, 6), ("Heading 2", 12.5, 14, 4), ("Heading 3", 11, 10, 4),
    ):  # fmt: skip
        style = styles[name]
        style.font.name, style.font.size = "Arial", Pt(size)
        style.font.color.rgb = RGBColor(0, 0, 0)
        properties = style.element.get_or_add_rPr()
        fonts = properties.get_or_add_rFonts()
        for key in list(fonts.attrib):
            if "heme" in key:
                del fonts.attrib[key]  # a theme's font would win over the one named
        style.paragraph_format.space_before, style.paragraph_format.space_after = (
            Pt(before), Pt(after),
        )  # fmt: skip
    styles["Caption"].font.bold = False
    styles["Caption"].paragraph_format.keep_with_next = True
    return document


def add_table(document: Any, table: Table, caption: str) -> None:
    """Put a table with its caption above and its notes below at the end of a document.

    Parameters
    ----------
    document
        A document of :func:`empty_document`.
    table
        The table.
    caption
        Its label, such as "Table 2"; empty for none.
    """
    from docx.oxml import parse_xml

    add_caption(document, caption, str(table.title))
    document.element.body.insert_element_before(parse_xml(table_xml(table)), "w:sectPr")
    for note in table.footnotes:
        document.add_paragraph(str(note).translate(_FORBIDDEN), style="TableNotes")
    document.add_paragraph()


def write_tables(title: str, tables: Iterable[Table], path: str | Path) -> None:
    """Write tables below each other into one Word file, to be copied into a manuscript.

    Parameters
    ----------
    title
        Its title.
    tables
        The tables.
    path
        Where to write; the file appears whole or not at all.
    """
    document = empty_document(title)
    for number, table in enumerate(tables, 1):
        add_table(document, table, f"Table {number}")
    save_document(document, path)


def add_caption(document: Any, label: str, title: str, rest: str = "") -> None:
    """Add a caption whose number Word knows as one of a sequence, so that it can be cited.

    Parameters
    ----------
    document
        The document.
    label
        Such as "Figure 2" or "Table S1"; empty for none.
    title, rest
        The words: a title in bold, and how to read it.
    """
    from docx.oxml import parse_xml

    kind, _, number = label.rpartition(" ")
    prefix = "S" if number.startswith("S") else ""
    pieces = []
    if label:
        name = kind + ("_S" if prefix else "")
        field = (
            f'<w:fldSimple w:instr=" SEQ {name} \\* ARABIC ">{run(number.lstrip("S"), bold=True)}'
        )
        pieces = [
            run(f"{kind} {prefix}", bold=True),
            field + "</w:fldSimple>",
            run(". ", bold=True),
        ]
    pieces += [run(f"{title}.", bold=True), run(f" {rest}" if rest else "")]
    paragraph = document.add_paragraph(style="Caption")
    for element in parse_xml(f"<w:p {W}>{''.join(pieces)}</w:p>"):
        paragraph._p.append(element)


def save_document(document: Any, path: str | Path) -> None:
    """Write a document, whole or not at all, with the same bytes in every run.

    Parameters
    ----------
    document
        The document.
    path
        Where to write.
    """
    stream = io.BytesIO()
    document.save(stream)
    with (
        whole_file(path) as part,
        zipfile.ZipFile(stream) as made,
        zipfile.ZipFile(part, "w") as kept,
    ):
        for entry in made.infolist():
            fixed = zipfile.ZipInfo(entry.filename, (1980, 1, 1, 0, 0, 0))
            fixed.compress_type = zipfile.ZIP_DEFLATED
            kept.writestr(fixed, made.read(entry.filename))
