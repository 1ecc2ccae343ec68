# A planned trial shared out over jobs: the parts of `ipt power`, then one page. By itself:
#   snakemake --snakefile workflow/power.smk --config design=my_trial.yaml parts=8
# with --profile profiles/slurm on a cluster. The numbers are those of one run.

DESIGN = config.get("design", "data/example/planned_trial.yaml")
PARTS = int(config.get("parts", 8))
TRIALS = f"--trials {int(config['trials'])}" if "trials" in config else ""
OUT = str(config.get("out", "results/power"))
if OUT.startswith("/") or ".." in OUT.split("/"):
    raise WorkflowError(f"out={OUT}: name a folder inside this one")


rule page:
    default_target: True
    input:
        parts=collect(
            f"{OUT}/parts/part_{{part}}_of_{PARTS}.parquet", part=range(1, PARTS + 1)
        ),
        design=DESIGN,
    output:
        page=f"{OUT}/power.html",
        numbers=f"{OUT}/power.json",
        trials=f"{OUT}/trials.csv",
    log:
        f"{OUT}/page.log",
    conda:
        "../environment.yml"
    params:
        trials=TRIALS,
    message:
        "parts put together"
    # Folders are those of the files as this job has them: with storage elsewhere they are copies.
    shell:
        "ipt power {input.design:q} {params.trials} --processes 1"
        ' --from "$(dirname {input.parts[0]:q})" --out "$(dirname {output.page:q})" > {log:q} 2>&1'


rule part:
    input:
        design=DESIGN,
    output:
        f"{OUT}/parts/part_{{part}}_of_{PARTS}.parquet",
    log:
        f"{OUT}/part_{{part}}.log",
    conda:
        "../environment.yml"
    params:
        trials=TRIALS,
        parts=PARTS,
    message:
        "part {wildcards.part} simulated"
    shell:
        "ipt power {input.design:q} {params.trials} --processes 1"
        ' --part {wildcards.part}/{params.parts} --out "$(dirname {output:q})" > {log:q} 2>&1'
