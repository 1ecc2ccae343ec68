"""Set all tables of one trial."""

from pathlib import Path

from ipt_outcomes.provenance.job import job


def main(*, config: str, trial: str, estimates: str, folder: str) -> None:
    """Write each table as HTML, CSV and LaTeX into the folder, and all of them into a Word file.

    Plain lists of an analysis's rows are data to look up, not tables to print: CSV alone.
    """
    from ipt_outcomes.results import read
    from ipt_outcomes.study import load_study
    from ipt_outcomes.tables import make_tables
    from ipt_outcomes.tables.further import PLAIN_LIST
    from ipt_outcomes.tables.word import write_tables
    from ipt_outcomes.tables.writing import save_table, save_table_csv

    study, rows = load_study(config), read(estimates)
    tables = make_tables(study=study, estimates=rows, trial=trial)
    printed = [table for name, table in tables.items() if not name.startswith(PLAIN_LIST)]
    for table in tables.values():
        stem = Path(folder, table.name)
        if table in printed:
            save_table(table, stem)
        else:
            save_table_csv(table, f"{stem}.csv")
    write_tables(study.trials[trial].label, printed, Path(folder, "tables.docx"))


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            trial=snakemake.wildcards.trial,
            estimates=snakemake.input.estimates,
            folder=snakemake.output.tables,
        )
