# Mixed models: the primary analysis of every outcome, problem areas, IPT and medication.


rule primary:
    input:
        gate="results/restricted/{trial}/gate.txt",
        scores="results/restricted/{trial}/scores.parquet",
        participants="results/restricted/{trial}/participants.parquet",
    output:
        estimates="results/shared/{trial}/estimates/primary_{outcome}.parquet",
    log:
        "results/restricted/logs/primary_{trial}_{outcome}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings(without=("enrolment",)),
        code=code("analyses.primary", "ingest.frames", "study", "results"),
    message:
        "{wildcards.trial}: {wildcards.outcome} modelled"
    script:
        "../../scripts/analyse.py"


rule problem_areas:
    input:
        gate="results/restricted/{trial}/gate.txt",
        scores="results/restricted/{trial}/scores.parquet",
        participants="results/restricted/{trial}/participants.parquet",
    output:
        estimates="results/shared/{trial}/estimates/problem_areas.parquet",
    log:
        "results/restricted/logs/problem_areas_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings("problem_areas", without=("enrolment",)),
        code=code("analyses.problem_areas", "ingest.frames", "study", "results"),
    message:
        "{wildcards.trial}: problem areas compared"
    script:
        "../../scripts/analyse.py"


rule medication:
    input:
        gate="results/restricted/{trial}/gate.txt",
        scores="results/restricted/{trial}/scores.parquet",
        participants="results/restricted/{trial}/participants.parquet",
    output:
        estimates="results/shared/{trial}/estimates/medication.parquet",
    log:
        "results/restricted/logs/medication_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings("medication", without=("enrolment",)),
        code=code("analyses.medication", "ingest.frames", "study", "results"),
    message:
        "{wildcards.trial}: IPT and medication compared"
    script:
        "../../scripts/analyse.py"


rule estimates:
    input:
        estimates=[table for trial in TRIALS for table in trial_estimates_of(trial)],
    output:
        parquet="results/shared/estimates.parquet",
        csv="results/shared/estimates.csv",
    log:
        "results/restricted/logs/estimates.log",
    conda:
        "../../environment.yml"
    params:
        code=code("results"),
    message:
        "estimates of all analyses collected"
    script:
        "../../scripts/estimates.py"
