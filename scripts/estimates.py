"""Collect the rows of all analyses into one table."""

from collections.abc import Iterable

from ipt_outcomes.provenance.job import job


def main(*, tables: Iterable[str], parquet: str, csv: str) -> None:
    """Write the estimates table as Parquet and CSV."""
    from ipt_outcomes.results import combine, read, write

    write(combine(read(table) for table in tables), parquet, csv)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(tables=snakemake.input.estimates, **dict(snakemake.output.items()))
