"""Collect the rows of all analyses into one table."""

from collections.abc import Iterable

from ipt_outcomes.provenance.job import job


def main(*, tables: Iterable[str], locked: bool, parquet: str, csv: str) -> None:
    """Write the estimates table as Parquet and CSV; without a locked plan all is exploratory."""
    from ipt_outcomes.results import combine, hold_to_plan, read, write

    table = combine(read(table) for table in tables)
    write(table if locked else hold_to_plan(table, None), parquet, csv)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            tables=snakemake.input.estimates,
            locked=snakemake.params.locked,
            **dict(snakemake.output.items()),
        )
