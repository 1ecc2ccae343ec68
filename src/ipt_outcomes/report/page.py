"""The report as one HTML page that needs nothing else: no network, no other file.

The page is a pure function of what it is given; it holds no date, so the same results give the
same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from ipt_outcomes.report.contents import Numbering, report_sections
from ipt_outcomes.report.explore import Chart
from ipt_outcomes.report.pieces import TrialPieces
from ipt_outcomes.report.section import Section
from ipt_outcomes.report.templating import templates
from ipt_outcomes.study import Study
from ipt_outcomes.whole_files import whole_file

TEMPLATES = Path(__file__).parent / "templates"


def render_report(
    *,
    study: Study,
    estimates: pd.DataFrame,
    trials: Mapping[str, TrialPieces],
    provenance: Mapping[str, Mapping[str, str]],
    path: str | Path,
    locked_plan: str | None = None,
    deviations: Sequence[str] = (),
    masked: bool = False,
    syntheses: Mapping[str, Sequence[str | Path]] | None = None,
) -> None:
    """Write the report of a study as one HTML file that needs nothing else.

    Parameters
    ----------
    study
        The configuration.
    estimates
        The estimates table of all trials; restricted rows are not read.
    trials
        Trial: its figures and what was counted of its data.
    provenance
        Heading: {name: value}, such as the versions of the software.
    path
        Where to write; the file appears whole or not at all.
    locked_plan
        Name of the locked analysis plan; None when there is none, and then everything is
        exploratory.
    deviations
        Changes of the plan since it was locked, in words.
    masked
        Whether the arms were dealt out anew at random, so that no number is a result.
    syntheses
        Synthesis of several trials: the ``.json`` files of its figures.
    """
    page = report_html(
        study=study,
        estimates=estimates,
        trials=trials,
        provenance=provenance,
        locked_plan=locked_plan,
        deviations=deviations,
        masked=masked,
        syntheses=syntheses,
    )
    with whole_file(path) as part:
        part.write_text(page, "utf-8")


def report_html(
    *,
    study: Study,
    estimates: pd.DataFrame,
    trials: Mapping[str, TrialPieces],
    provenance: Mapping[str, Mapping[str, str]],
    locked_plan: str | None = None,
    deviations: Sequence[str] = (),
    masked: bool = False,
    syntheses: Mapping[str, Sequence[str | Path]] | None = None,
) -> str:
    """Return the report as text; the arguments are those of :func:`render_report`."""
    environment = templates(TEMPLATES)
    sections = report_sections(
        study=study,
        estimates=estimates,
        trials=trials,
        locked_plan=locked_plan,
        deviations=deviations,
        syntheses=syntheses,
    )
    charts = list(_charts(sections))
    return environment.get_template("report.html.j2").render(
        study=study,
        sections=sections,
        provenance=provenance,
        exploratory=locked_plan is None,
        locked_plan=locked_plan,
        deviations=deviations,
        masked=masked,
        number=Numbering(),
        style=Markup((TEMPLATES / "style.css").read_text("utf-8")),
        behaviour=Markup((TEMPLATES / "behaviour.js").read_text("utf-8")),
        charts=Markup(_for_script({chart.key: chart.spec for chart in charts})),
        vega=Markup(_vega()) if charts else "",
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
