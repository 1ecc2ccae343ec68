# From an export to the canonical frames, and the gate that stops on errors in it.


rule ingest:
    input:
        export=export_files,
    output:
        scores="results/restricted/{trial}/scores.parquet",
        participants="results/restricted/{trial}/participants.parquet",
        unscheduled="results/restricted/{trial}/unscheduled.parquet",
        process="results/restricted/{trial}/process.parquet",
        findings="results/restricted/{trial}/findings.csv",
        counts="results/restricted/{trial}/ingest.json",
        quality="results/restricted/{trial}/quality.json",
    log:
        "results/restricted/logs/ingest_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings(
            without=("enrolment", "estimands", "analysis_sets", "analyses")
        ),
        masked=MASKED,
        pseudonyms=PSEUDONYMS,
        code=code("ingest", "study"),
    message:
        "{wildcards.trial}: export read"
    script:
        "../../scripts/ingest.py"


# The page about the data, for the trial's staff; no arm is shown. It goes before the gate, so that it
# is there when the run stops; the gate does not wait for it, because another look of the page is no
# reason to analyse anew (an `ancient` input would hide all other reasons from Snakemake).
rule data_quality:
    input:
        findings="results/restricted/{trial}/findings.csv",
        counts="results/restricted/{trial}/ingest.json",
        quality="results/restricted/{trial}/quality.json",
    output:
        page="results/restricted/{trial}/data_quality.html",
    log:
        "results/restricted/logs/data_quality_{trial}.log",
    priority: 100
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings(
            without=("enrolment", "estimands", "analysis_sets", "analyses")
        ),
        code=code("report.quality_page", "study"),
    message:
        "{wildcards.trial}: page about the data written"
    script:
        "../../scripts/quality.py"


# Findings are always written; this rule alone stops the run, so that they can be read.
rule gate:
    input:
        findings="results/restricted/{trial}/findings.csv",
    output:
        passed="results/restricted/{trial}/gate.txt",
    log:
        "results/restricted/logs/gate_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        page="results/restricted/{trial}/data_quality.html",
        code=code("ingest.findings"),
    message:
        "{wildcards.trial}: data checked"
    script:
        "../../scripts/gate.py"
