# From a trial's export to its report. Edit config.yaml, then run `snakemake`.
# This file only says which stages there are; each stage has its own file under workflow/rules/.

from snakemake.utils import min_version

min_version("9.27")


include: "workflow/rules/common.smk"


configfile: "config.yaml"


include: "workflow/rules/plan.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/describe.smk"
include: "workflow/rules/models.smk"
include: "workflow/rules/synthesis.smk"
include: "workflow/rules/tables.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/release.smk"


rule all:
    default_target: True
    input:
        report="results/shared/report.html",
        word="results/shared/report.docx",
        pdf="results/shared/report.pdf",
        estimates="results/shared/estimates.csv",
        tables=collect("results/shared/{trial}/tables", trial=TRIALS),
        persons=collect("results/restricted/{trial}/figures", trial=TRIALS),
        data=collect("results/restricted/{trial}/data_quality.html", trial=TRIALS),


rule check:
    input:
        collect("results/restricted/{trial}/gate.txt", trial=TRIALS),
        collect("results/restricted/{trial}/data_quality.html", trial=TRIALS),


onsuccess:
    farewell()
