"""Pool the trials of one synthesis, draw its figures and set its tables."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from ipt_outcomes.provenance.job import job


def main(
    *,
    config: str,
    synthesis: str,
    own: Sequence[str],
    frames: Sequence[str],
    touched: str,
    estimates: str,
    findings: str,
    figures: str,
    tables: str,
) -> None:
    """Write rows of the estimates table, findings in the published table, figures and tables."""
    from ipt_outcomes.analyses.data import TrialData
    from ipt_outcomes.ingest.findings import write_findings
    from ipt_outcomes.report.pooling import save_synthesis
    from ipt_outcomes.results import combine, hold_to_plan, read, write
    from ipt_outcomes.study import load_study
    from ipt_outcomes.synthesis.planned import planned_synthesis

    study = load_study(config)
    rows = combine(read(path) for path in own) if own else None
    folders = dict.fromkeys(Path(path).parent for path in frames)
    data = {folder.name: TrialData.read(study, folder.name, folder) for folder in folders}
    found = planned_synthesis(study, synthesis, os.path.dirname(config) or ".", rows, data)
    write_findings(found.findings, findings)
    held = hold_to_plan(found.rows, json.loads(touched))
    write(held, estimates)
    save_synthesis(study, synthesis, held, figures, tables)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            synthesis=snakemake.wildcards.synthesis,
            own=snakemake.input.get("own", []),
            frames=snakemake.input.get("frames", []),
            touched=snakemake.params.touched,
            **dict(snakemake.output.items()),
        )
