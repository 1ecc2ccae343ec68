# One page that reads like a paper's methods and results.


rule report:
    input:
        estimates="results/shared/estimates.parquet",
        figures=[figure for trial in TRIALS for figure in trial_figures(trial)],
        syntheses=synthesis_figures(),
        counts=collect("results/restricted/{trial}/ingest.json", trial=TRIALS),
    output:
        report="results/shared/report.html",
    log:
        "results/restricted/logs/report.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=whole_settings,
        trials=TRIALS,
        plan=plan_lines,
        code=code("report.page", "provenance.software", "study", "results"),
    message:
        "report written"
    script:
        "../../scripts/report.py"


# The same report to edit (Word) and to print (PDF).
rule documents:
    input:
        estimates="results/shared/estimates.parquet",
        figures=[figure for trial in TRIALS for figure in trial_figures(trial)],
        syntheses=synthesis_figures(),
        counts=collect("results/restricted/{trial}/ingest.json", trial=TRIALS),
    output:
        word="results/shared/report.docx",
        pdf="results/shared/report.pdf",
    log:
        "results/restricted/logs/documents.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=published_settings,
        trials=TRIALS,
        plan=plan_lines,
        code=code("report.documents", "provenance.software", "study", "results"),
    message:
        "report written as Word and PDF"
    script:
        "../../scripts/report.py"
