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
