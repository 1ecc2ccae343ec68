"""Set all tables of one trial."""

from pathlib import Path

from ipt_outcomes.provenance.job import job


def main(*, config: str, trial: str, estimates: str, folder: str) -> None:
    """Write each table as HTML and CSV into the folder."""
    from ipt_outcomes.results import read
    from ipt_outcomes.study import load_study
    from ipt_outcomes.tables import make_tables

    study, rows = load_study(config), read(estimates)
    for name, table in make_tables(study=study, estimates=rows, trial=trial).items():
        stem = Path(folder, name)
        table.save(html=f"{stem}.html", csv=f"{stem}.csv")


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            trial=snakemake.wildcards.trial,
            estimates=snakemake.input.estimates,
            folder=snakemake.output.tables,
        )
