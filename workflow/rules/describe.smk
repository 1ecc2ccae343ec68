# Participant flow, baseline characteristics and observed scores.


rule describe:
    input:
        gate="results/restricted/{trial}/gate.txt",
        scores="results/restricted/{trial}/scores.parquet",
        participants="results/restricted/{trial}/participants.parquet",
        process="results/restricted/{trial}/process.parquet",
    output:
        estimates="results/shared/{trial}/estimates/describe.parquet",
        restricted="results/restricted/{trial}/estimates/describe.parquet",
    log:
        "results/restricted/logs/describe_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings(),
        touched=touched("describe"),
        code=code("analyses.describe", "frames", "study", "results"),
    message:
        "{wildcards.trial}: participants described"
    script:
        "../../scripts/analyse.py"
