# The tables of each trial, as HTML, CSV, LaTeX and Word. One job for all: they take a moment together.


rule tables:
    input:
        estimates="results/shared/estimates.parquet",
    output:
        tables=report(
            directory("results/shared/{trial}/tables"),
            patterns=["{table}.html"],
            caption="../report/table.rst",
            category="{trial}",
            subcategory="Tables",
            labels={"table": "{table}"},
        ),
    log:
        "results/restricted/logs/tables_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings(*ANALYSES),
        code=code(
            "tables.catalogue", "tables.word", "tables.writing", "study", "results"
        ),
    message:
        "{wildcards.trial}: tables set"
    script:
        "../../scripts/tables.py"
