# The bundle from which reviewers rebuild every number, and its verification.


rule publish:
    input:
        "results/shared/report.html",
        "results/shared/report.docx",
        "results/shared/report.pdf",
        "results/shared/estimates.csv",
        collect("results/shared/{trial}/tables", trial=TRIALS),
        config=CONFIG,
    output:
        bundle="results/bundle.zip",
        digest="results/bundle.zip.sha256",
    log:
        "results/restricted/logs/publish.log",
    conda:
        "../../environment.yml"
    params:
        plan=plan_lines,
        code=code("provenance", "cli"),
    message:
        "bundle written"
    script:
        "../../scripts/publish.py"


# Without outputs, so that it always runs.
rule verify:
    input:
        bundle="results/bundle.zip",
    log:
        "results/restricted/logs/verify.log",
    conda:
        "../../environment.yml"
    message:
        "bundle verified"
    shell:
        "ipt verify {input.bundle} 2>&1 | tee {log}"
