# Mixed models: the primary analysis of every outcome, and every further analysis of config.yaml.


rule primary:
    input:
        gate="results/restricted/{trial}/gate.txt",
        scores="results/restricted/{trial}/scores.parquet",
        participants="results/restricted/{trial}/participants.parquet",
        process="results/restricted/{trial}/process.parquet",
    output:
        estimates="results/shared/{trial}/estimates/primary_{outcome}.parquet",
        # Who is left out, by study number: never shared.
        not_analysed="results/restricted/{trial}/not_analysed_{outcome}.csv",
        # Residuals and influence by study number: never shared either.
        residuals="results/restricted/{trial}/residuals_{outcome}.csv",
        restricted="results/restricted/{trial}/estimates/primary_{outcome}.parquet",
        fits=directory("results/restricted/{trial}/fits/primary_{outcome}"),
    log:
        "results/restricted/logs/primary_{trial}_{outcome}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=settings(without=("enrolment",)),
        touched=touched("primary"),
        code=code(
            "analyses.primary",
            "analyses.diagnostics_primary",
            "frames",
            "study",
            "results",
        ),
    message:
        "{wildcards.trial}: {wildcards.outcome} modelled"
    script:
        "../../scripts/analyse.py"


# One job per further analysis that config.yaml switches on. Its name is that of its section under
# `analyses`, of its module and of its function, so a new analysis needs no rule of its own.
rule analysis:
    input:
        gate="results/restricted/{trial}/gate.txt",
        scores="results/restricted/{trial}/scores.parquet",
        participants="results/restricted/{trial}/participants.parquet",
        process="results/restricted/{trial}/process.parquet",
    output:
        estimates="results/shared/{trial}/estimates/{analysis}.parquet",
        restricted="results/restricted/{trial}/estimates/{analysis}.parquet",
        fits=directory("results/restricted/{trial}/fits/{analysis}"),
    log:
        "results/restricted/logs/{analysis}_{trial}.log",
    conda:
        "../../environment.yml"
    params:
        config=CONFIG,
        settings=analysis_settings,
        touched=touched(),
        code=analysis_code,
    message:
        "{wildcards.trial}: {wildcards.analysis} analysed"
    script:
        "../../scripts/analyse.py"


rule estimates:
    input:
        estimates=[table for trial in TRIALS for table in trial_estimates_of(trial)]
        + synthesis_estimates(),
    output:
        parquet="results/shared/estimates.parquet",
        csv="results/shared/estimates.csv",
    log:
        "results/restricted/logs/estimates.log",
    conda:
        "../../environment.yml"
    params:
        locked=PLAN.is_locked,
        code=code("results"),
    message:
        "estimates of all analyses collected"
    script:
        "../../scripts/estimates.py"
