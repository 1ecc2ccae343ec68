# The statistical analysis plan, drafted from config.yaml alone: `snakemake plan`, before any data.


rule plan:
    output:
        word="results/shared/analysis_plan.docx",
        page="results/shared/analysis_plan.html",
    log:
        "results/restricted/logs/plan.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=whole_settings,
        plan=plan_lines,
        code=code("report.analysis_plan", *[f"analyses.{name}" for name in ANALYSES]),
    message:
        "analysis plan drafted"
    script:
        "../../scripts/plan.py"
