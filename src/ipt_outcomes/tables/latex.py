r"""A table as LaTeX: booktabs rules, heads that repeat over pages, every character escaped.

The file is a fragment for ``\input{...}``; its preamble needs the packages booktabs and longtable,
and inputenc for engines older than 2018.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.table import Column, Table

_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    "[": "{[}", "]": "{]}",
    "\N{MINUS SIGN}": r"\ensuremath{-}", "∞": r"\ensuremath{\infty}", "×": r"\ensuremath{\times}",
    "≥": r"\ensuremath{\geq}", "≤": r"\ensuremath{\leq}", "±": r"\ensuremath{\pm}",
    "→": r"\ensuremath{\rightarrow}", "←": r"\ensuremath{\leftarrow}",
    "χ": r"\ensuremath{\chi}", "²": r"\textsuperscript{2}", "⁻": r"\textsuperscript{--}",
    **{sign: rf"\textsuperscript{{{k}}}" for k, sign in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹") if sign != "²"},
    "\N{NO-BREAK SPACE}": "~", "–": "--", "…": r"\ldots{}",
}  # fmt: skip


def escaped(text: str) -> str:
    r"""Write text so that LaTeX prints it as it is.

    Parameters
    ----------
    text
        The text.

    Examples
    --------
    >>> escaped("50 % & $x_1$")
    '50 \\% \\& \\$x\\_1\\$'
    """
    return "".join(_ESCAPED.get(character, character) for character in _control_free(text))


def _control_free(text: str) -> str:
    return "".join(" " if ord(c) < 32 or ord(c) == 127 else c for c in text)


def as_latex(table: Table) -> str:
    """Return a table as a ``longtable`` with its caption and notes.

    Parameters
    ----------
    table
        The table.
    """
    columns = len(table.columns) + 1
    if table.prose:
        width = f"{0.78 / len(table.columns):.2f}"
        layout = r"p{0.18\linewidth}" + rf"p{{{width}\linewidth}}" * len(table.columns)
    else:
        layout = "l" + "r" * len(table.columns)
    head = "\n".join(_head(table))
    lines = [
        rf"\begin{{longtable}}{{@{{}}{layout}@{{}}}}",
        rf"\caption{{{escaped(str(table.title))}}}\label{{tab:{table.name}}}\\",
        r"\toprule", head, r"\midrule", r"\endfirsthead",
        r"\toprule", head, r"\midrule", r"\endhead",
        r"\bottomrule", r"\endfoot",
    ]  # fmt: skip
    for group, members in table.blocks():
        if group:
            lines.append(_across(str(group), columns))
        for line in members:
            if line.cells:
                label = (r"\quad " if line.indent else "") + escaped(str(line.label))
                lines.append(" & ".join([label, *(escaped(str(c)) for c in line.cells)]) + r" \\")
            else:
                lines.append(_across(str(line.label), columns))
    lines.append(r"\end{longtable}")
    if table.footnotes:
        notes = r"\par ".join(escaped(str(note)) for note in table.footnotes)
        lines.append(rf"{{\footnotesize\noindent {notes}\par}}")
    return "\n".join(lines) + "\n"


def _across(text: str, columns: int) -> str:
    return rf"\multicolumn{{{columns}}}{{@{{}}l}}{{\textbf{{{escaped(text)}}}}} \\"


def _label(column: Column) -> str:
    label = escaped(column.label.held())
    return rf"\textit{{{label}}}" if column.symbol else label


def _head(table: Table) -> Iterator[str]:
    spanners = table.spanners()
    if any(spanner for spanner, _ in spanners):
        upper, rules, start = [""], [], 2
        for spanner, columns in spanners:
            end = start + len(columns) - 1
            if spanner:
                text = escaped(str(spanner))
                upper.append(rf"\multicolumn{{{len(columns)}}}{{c}}{{{text}}}")
                rules.append(rf"\cmidrule(lr){{{start}-{end}}}")
            else:
                upper += [""] * len(columns)
            start = end + 1
        yield " & ".join(upper) + r" \\"
        yield "".join(rules)
    yield " & ".join([escaped(str(table.stub)), *map(_label, table.columns)]) + r" \\"
