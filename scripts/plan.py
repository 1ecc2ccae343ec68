"""Draft the statistical analysis plan from the configuration alone."""

from ipt_outcomes.provenance.job import job


def main(*, config: str, word: str, page: str) -> None:
    """Write the draft as a Word file and as a page."""
    from ipt_outcomes.provenance.software import software
    from ipt_outcomes.report.analysis_plan import write_analysis_plan
    from ipt_outcomes.study import load_study
    from ipt_outcomes.study.locking import read_plan

    # It is drafted before there is any export.
    study = load_study(config, check_files=False)
    plan = read_plan(config, study)
    write_analysis_plan(study=study, plan=plan, software=software(), word=word, page=page)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(config=snakemake.params.config, **dict(snakemake.output.items()))
