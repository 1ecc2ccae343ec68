"""Stop the run when the data have errors; their list is the message."""

from pathlib import Path

from ipt_outcomes.provenance.job import job


def main(*, findings: str, page: str, passed: str) -> None:
    """Write how many warnings there are, or stop."""
    from ipt_outcomes.ingest import gate, read_findings

    table = read_findings(findings)
    gate(table, f"{page} (as a table: {findings})")
    warnings = int((table["severity"] == "warning").sum())
    Path(passed).write_text(f"no errors, {warnings} warnings\n", "utf-8")


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            findings=snakemake.input.findings,
            page=snakemake.params.page,
            passed=snakemake.output.passed,
        )
