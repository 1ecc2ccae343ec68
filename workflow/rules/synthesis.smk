# Several trials: pooled effects, forest and funnel, one job per synthesis of config.yaml.


rule synthesis:
    input:
        unpack(synthesis_inputs),
    output:
        estimates="results/shared/{synthesis}/estimates/synthesis.parquet",
        figures=report(
            directory("results/shared/{synthesis}/figures"),
            patterns=["{figure}.png"],
            caption="../report/table.rst",
            category="{synthesis}",
            subcategory="Figures",
            labels={"figure": "{figure}"},
        ),
    log:
        "results/restricted/logs/synthesis_{synthesis}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=synthesis_settings,
        code=code("synthesis.planned", "figures.pooling", "study", "results"),
    message:
        "{wildcards.synthesis}: trials pooled"
    script:
        "../../scripts/pool_trials.py"
