"""Run one analysis of one trial: the wildcard, or the rule, has its name."""

import json

from ipt_outcomes.provenance.job import job


def main(
    *,
    analysis: str,
    config: str,
    trial: str,
    outcome: str | None,
    scores: str,
    participants: str,
    process: str,
    touched: str,
    estimates: str,
    restricted: str,
    not_analysed: str | None,
    residuals: str | None,
    fits: str | None,
) -> None:
    """Write the analysis's rows, confirmatory only as far as the locked plan covers them.

    Rows that may be shared and rows that may not go to different files. The primary analysis also
    lists whom it leaves out, by study number, in a file of its own. The fitted models are kept for
    whoever asks them another question. An analysis that the data do not allow gives one row that
    says so; only the primary analysis stops the run.
    """
    from importlib import import_module

    from ipt_outcomes.analyses.attempts import answered
    from ipt_outcomes.analyses.data import TrialData
    from ipt_outcomes.analyses.data import not_analysed as list_not_analysed
    from ipt_outcomes.analyses.disclosure import hold_small_cells
    from ipt_outcomes.analyses.fits import keeping
    from ipt_outcomes.frames import read_participants, read_process, read_scores
    from ipt_outcomes.results import hold_to_plan, spreadsheet_frame, write_apart
    from ipt_outcomes.study import load_study

    data = TrialData(
        load_study(config),
        trial,
        read_scores(scores),
        read_participants(participants),
        read_process(process),
    )
    analyse = getattr(import_module(f"ipt_outcomes.analyses.{analysis}"), analysis)
    with keeping() as kept:
        rows = answered(
            data, analysis, lambda: analyse(data) if outcome is None else analyse(data, outcome)
        )
    if fits is not None:
        kept.write(fits)
    rows = hold_small_cells(rows, data.study.privacy.smallest_group)
    rows = hold_to_plan(rows, json.loads(touched))
    write_apart(rows, shared=estimates, restricted=restricted)
    if not_analysed is not None and residuals is not None and outcome is not None:
        from ipt_outcomes.analyses.diagnostics_primary import person_level
        from ipt_outcomes.whole_files import whole_file

        for table, path in (
            (list_not_analysed(data, outcome), not_analysed),
            (person_level(data, outcome), residuals),
        ):
            with whole_file(path) as part:
                spreadsheet_frame(table).to_csv(part, index=False, lineterminator="\n")


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            analysis=snakemake.wildcards.get("analysis", snakemake.rule),
            config=snakemake.params.config,
            trial=snakemake.wildcards.trial,
            outcome=snakemake.wildcards.get("outcome"),
            scores=snakemake.input.scores,
            participants=snakemake.input.participants,
            process=snakemake.input.process,
            touched=snakemake.params.touched,
            estimates=snakemake.output.estimates,
            restricted=snakemake.output.restricted,
            not_analysed=snakemake.output.get("not_analysed"),
            residuals=snakemake.output.get("residuals"),
            fits=snakemake.output.get("fits"),
        )
