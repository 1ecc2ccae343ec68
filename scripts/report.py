"""Write the report of the study: the page, or the Word file and the PDF."""

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
    syntheses: Sequence[str] = (),
    report: str | None = None,
    word: str | None = None,
    pdf: str | None = None,
) -> None:
    """Render what is asked for from the estimates, the figures and what ingest counted."""
    from ipt_outcomes.provenance.software import software
    from ipt_outcomes.report.page import render_report
    from ipt_outcomes.report.pieces import ReportPieces, TrialPieces
    from ipt_outcomes.results import read
    from ipt_outcomes.study import load_study
    from ipt_outcomes.study.locking import read_plan

    study = load_study(config)
    plan = read_plan(config, study)
    own = {
        trial: TrialPieces(
            figures=[path for path in figures if Path(path).parts[-3] == trial],
            data_quality=json.loads(Path(counted).read_text("utf-8")),
        )
        for trial, counted in zip(trials, counts, strict=True)
    }
    pieces = ReportPieces(
        study=study,
        estimates=read(estimates),
        trials=own,
        provenance={"Software": software()},
        locked_plan=str(plan) if plan.is_locked else None,
        deviations=[str(deviation) for deviation in plan.deviations],
        syntheses={
            folder.parent.name: sorted(folder.glob("*.json")) for folder in map(Path, syntheses)
        },
        masked=study.study.blinded and not plan.is_locked,
    )
    if report is not None:
        render_report(pieces, report)
    if word is not None and pdf is not None:
        from ipt_outcomes.report.documents import render_documents

        render_documents(pieces, word=word, pdf=pdf)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            trials=snakemake.params.trials,
            estimates=snakemake.input.estimates,
            figures=snakemake.input.figures,
            counts=snakemake.input.counts,
            syntheses=snakemake.input.syntheses,
            **dict(snakemake.output.items()),
        )
