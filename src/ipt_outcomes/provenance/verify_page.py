"""The page of a verification: what fails first, then every check."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from markupsafe import Markup

from ipt_outcomes.provenance.compare import TOLERANCE
from ipt_outcomes.provenance.software import software
from ipt_outcomes.provenance.verify import Verification
from ipt_outcomes.report.templating import templates
from ipt_outcomes.results import spreadsheet_safe

TEMPLATES = Path(__file__).parent / "templates"
STYLE = Path(__file__).parents[1] / "report" / "templates" / "style.css"

VERDICTS = {
    0: "Everything that was published was rebuilt and agrees.",
    1: "Something does not agree: see what fails.",
    3: "Nothing fails, but not everything can be rebuilt, because data are withheld.",
}


def verification_page(found: Verification) -> str:
    """Return the page as HTML text that needs nothing else."""
    environment = templates(TEMPLATES)
    kinds: dict[str, dict[str, int]] = {}
    for check in found.checks:
        counts = kinds.setdefault(check.kind, {})
        counts[check.status] = counts.get(check.status, 0) + 1
    return environment.get_template("verify.html.j2").render(
        found=found,
        verdict=VERDICTS[found.exit_code],
        kinds=kinds,
        statuses=("pass", "fail", "cannot be rebuilt", "note"),
        failing=[check for check in found.checks if check.status == "fail"],
        tolerance=TOLERANCE,
        software=software(),
        style=Markup(STYLE.read_text("utf-8")),
    )


def verification_table(found: Verification) -> str:
    """Return all checks as CSV, safe to open in a spreadsheet program."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["kind", "what", "status", "detail"])
    for check in found.checks:
        writer.writerow(
            [check.kind, spreadsheet_safe(check.what), check.status, spreadsheet_safe(check.detail)]
        )
    return stream.getvalue()
