"""The report as one HTML page that needs nothing else: no network, no other file.

The page is a pure function of what it is given; it holds no date, so the same results give the
same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from markupsafe import Markup

from ipt_outcomes.report.contents import report_sections
from ipt_outcomes.report.explore import Chart
from ipt_outcomes.report.pieces import ReportPieces
from ipt_outcomes.report.section import Numbering, Section
from ipt_outcomes.report.templating import TEMPLATES, templates
from ipt_outcomes.whole_files import whole_file


def render_report(pieces: ReportPieces, path: str | Path) -> None:
    """Write the report of a study as one HTML file that needs nothing else.

    Parameters
    ----------
    pieces
        What it is put together from.
    path
        Where to write; the file appears whole or not at all.
    """
    page = report_html(pieces)
    with whole_file(path) as part:
        part.write_text(page, "utf-8")


def report_html(pieces: ReportPieces) -> str:
    """Return the report as text."""
    sections = report_sections(pieces)
    charts = list(_charts(sections))
    return (
        templates(TEMPLATES)
        .get_template("report.html.j2")
        .render(
            study=pieces.study,
            sections=sections,
            provenance=pieces.provenance,
            exploratory=pieces.locked_plan is None,
            locked_plan=pieces.locked_plan,
            deviations=pieces.deviations,
            masked=pieces.masked,
            number=Numbering(),
            style=Markup((TEMPLATES / "style.css").read_text("utf-8")),
            behaviour=Markup((TEMPLATES / "behaviour.js").read_text("utf-8")),
            charts=Markup(_for_script({chart.key: chart.spec for chart in charts})),
            vega=Markup(_vega()) if charts else "",
        )
    )


def _charts(sections: Iterable[Section]) -> Iterable[Chart]:
    for section in sections:
        yield from section.charts
        yield from _charts(section.sections)


def _for_script(value: object) -> str:
    """Write JSON that can stand inside a script element, whatever its texts hold."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _vega() -> str:
    """Return the program that draws the charts, to stand inside a script element."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle("window.drawChart = vegaEmbed;")
    # An end tag inside a string of the program would end the element.
    return bundle.replace("</script", "<\\/script").replace("<!--", "<\\!--").strip()
