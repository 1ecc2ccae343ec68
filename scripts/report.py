"""Write the report of the study."""

import json
from collections.abc import Sequence
from pathlib import Path

from ipt_outcomes.provenance.job import job


def main(
    *,
    config: str,
    trials: Sequence[str],
    estimates: str,
    figures: Sequence[str],
    counts: Sequence[str],
    report: str,
) -> None:
    """Render the page from the estimates, the figures and what ingest counted."""
    from ipt_outcomes.provenance.software import software
    from ipt_outcomes.report import TrialPieces, render_report
    from ipt_outcomes.results import read
    from ipt_outcomes.study import load_study
    from ipt_outcomes.study.locking import read_plan

    study = load_study(config)
    plan = read_plan(config, study)
    pieces = {
        trial: TrialPieces(
            figures=[path for path in figures if Path(path).parts[-3] == trial],
            data_quality=json.loads(Path(counted).read_text("utf-8")),
        )
        for trial, counted in zip(trials, counts, strict=True)
    }
    render_report(
        study=study,
        estimates=read(estimates),
        trials=pieces,
        provenance={"Software": software()},
        path=report,
        locked_plan=str(plan) if plan.is_locked else None,
        deviations=[str(deviation) for deviation in plan.deviations],
        masked=study.study.blinded and not plan.is_locked,
    )


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            trials=snakemake.params.trials,
            estimates=snakemake.input.estimates,
            figures=snakemake.input.figures,
            counts=snakemake.input.counts,
            report=snakemake.output.report,
        )
