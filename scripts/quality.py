"""Write the page about one trial's data."""

import json
from pathlib import Path

from ipt_outcomes.provenance.job import job


def main(*, config: str, trial: str, findings: str, counts: str, quality: str, page: str) -> None:
    """Render the page from the findings and what ingest counted."""
    from ipt_outcomes.ingest import read_findings
    from ipt_outcomes.report.quality_page import write_quality_page
    from ipt_outcomes.study import load_study

    write_quality_page(
        study=load_study(config),
        trial=trial,
        findings=read_findings(findings),
        counts=json.loads(Path(counts).read_text("utf-8")),
        quality=json.loads(Path(quality).read_text("utf-8")),
        path=page,
    )


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            trial=snakemake.wildcards.trial,
            **dict(snakemake.input.items()),
            page=snakemake.output.page,
        )
