# The figures of each trial: PNG, SVG, PDF, the plotted data (CSV) and the caption (JSON).


rule figure:
    input:
        estimates="results/shared/estimates.parquet",
    output:
        png=report(
            "results/shared/{trial}/figures/{figure}.png",
            caption="../report/figure.rst",
            category="{trial}",
            subcategory="Figures",
            labels={"figure": "{figure}"},
        ),
        svg="results/shared/{trial}/figures/{figure}.svg",
        pdf="results/shared/{trial}/figures/{figure}.pdf",
        csv="results/shared/{trial}/figures/{figure}.csv",
        json="results/shared/{trial}/figures/{figure}.json",
        caption="results/shared/{trial}/figures/{figure}.rst",
    log:
        "results/restricted/logs/figure_{trial}_{figure}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings(*ANALYSES),
        code=figure_code,
    message:
        "{wildcards.trial}: figure {wildcards.figure} drawn"
    script:
        "../../scripts/figure.py"


# Figures that show persons: for those who may see the data, never in the report or the bundle.
rule persons:
    input:
        scores="results/restricted/{trial}/scores.parquet",
        participants="results/restricted/{trial}/participants.parquet",
        restricted=collect(
            "results/restricted/{{trial}}/estimates/{analysis}.parquet",
            analysis=[name for name in ANALYSES if name in ("response", "therapists")],
        ),
        shared=collect(
            "results/shared/{{trial}}/estimates/{analysis}.parquet",
            analysis=[name for name in ANALYSES if name == "therapists"],
        ),
        residuals=residual_files,
    output:
        figures=directory("results/restricted/{trial}/figures"),
    log:
        "results/restricted/logs/persons_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings("response", "therapists"),
        code=code("figures.insiders", "frames", "study", "results"),
    message:
        "{wildcards.trial}: figures that show persons drawn, not to be shared"
    script:
        "../../scripts/persons.py"
