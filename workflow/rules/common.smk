# What the stages share: the study, its parts, and the package code behind a rule.

import json
import re
import os
import sys

# One thread a job: same numbers whatever the number of cores, and no fight for them.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

from ipt_outcomes.provenance.fingerprint import fingerprint
from ipt_outcomes.study import ConfigError, load_study
from ipt_outcomes.study.locking import PlanError, read_plan
from ipt_outcomes.study.plan import ALSO_READ
from ipt_outcomes.study.pseudonym_key import PseudonymError, key_mark, pseudonym_key

CONFIG = "config.yaml"

try:
    # The analysis plan is drafted before there is any export: `snakemake plan`.
    STUDY = load_study(CONFIG, check_files="plan" not in sys.argv)
    PLAN = read_plan(CONFIG, STUDY)
    PSEUDONYMS = key_mark(pseudonym_key())
except (ConfigError, PlanError, PseudonymError) as error:
    # The list of findings is the whole message; a traceback would bury it.
    print(error, file=sys.stderr)
    sys.stderr.flush()
    os._exit(1)

TRIALS = list(STUDY.trials)
ANALYSES = [name for name, plan in STUDY.analyses if plan and name != "primary"]
SYNTHESES = list(STUDY.synthesis)
REPORT = "results/shared/report.html"
MASKED = STUDY.study.blinded and not PLAN.is_locked


wildcard_constraints:
    trial="|".join(re.escape(trial) for trial in STUDY.trials),
    outcome="|".join(re.escape(outcome) for outcome in STUDY.outcomes),
    analysis="|".join(ANALYSES) or "none",
    synthesis="|".join(re.escape(name) for name in SYNTHESES) or "none",


def code(*modules):
    """Hash the package code of a rule: an edit of it re-runs the rule."""
    return fingerprint(*modules)


def settings(*analyses, without=()):
    """Name the parts of the configuration on which a rule depends, for one trial."""

    def part(wildcards):
        content = STUDY.model_dump(
            mode="json", exclude={*without, "publication", "synthesis"}
        )
        content["study"] = {"seed": STUDY.study.seed}
        content["trials"] = {wildcards.trial: content["trials"][wildcards.trial]}
        if "analyses" in content:
            kept = {"primary", *analyses}
            safety = content["analyses"].get("safety")
            content["analyses"] = {
                k: v for k, v in content["analyses"].items() if k in kept
            }
            # What means a death decides for every estimand what becomes of later scores.
            content["deaths"] = safety and safety["death_reasons"]
        return json.dumps(content, sort_keys=True)

    return part


# Functions hand texts to rules, because braces in one, as in phq_{1..9}, would be read as wildcards.
def whole_settings(wildcards):
    """All of the configuration but what is published, and how."""
    return STUDY.model_dump_json(exclude={"publication"})


def published_settings(wildcards):
    """All of the configuration."""
    return STUDY.model_dump_json()


def plan_lines(wildcards):
    """The locked plan, and what was changed since."""
    return [str(PLAN), *map(str, PLAN.deviations)]


def analysis_settings(wildcards):
    """The parts of the configuration that one further analysis depends on."""
    read = (wildcards.analysis, *ALSO_READ.get(wildcards.analysis, ()))
    return settings(*read, without=("enrolment",))(wildcards)


def analysis_code(wildcards):
    """The code of one further analysis."""
    modules = (f"analyses.{wildcards.analysis}", "analyses.attempts")
    return code(*modules, "frames", "study", "results")


def touched(section=None):
    """What changes of the locked plan make exploratory in an analysis; null without a plan."""

    def scopes(wildcards):
        return json.dumps(PLAN.touched(section or wildcards.analysis, wildcards.trial))

    return scopes


def export_files(wildcards):
    """The files that a trial's data come from."""
    trial = STUDY.trials[wildcards.trial]
    further = [described.file for described in trial.process.values()]
    export = trial.export
    files = (
        *export.files,
        export.dictionary,
        export.catalog,
        trial.corrections,
        *further,
    )
    return [file for file in files if file]


def trial_estimates_of(trial):
    """The estimates tables of one trial: one per analysis, and per outcome where it has one."""
    folder = f"results/shared/{trial}/estimates"
    names = ["describe"]
    names += [f"primary_{outcome}" for outcome in STUDY.outcomes_of(trial)]
    names += ANALYSES
    return [f"{folder}/{name}.parquet" for name in names]


def residual_files(wildcards):
    """The residuals of the primary models of one trial, one file per outcome."""
    folder = f"results/restricted/{wildcards.trial}"
    outcomes = STUDY.outcomes_of(wildcards.trial)
    return [f"{folder}/residuals_{outcome}.csv" for outcome in outcomes]


def synthesis_inputs(wildcards):
    """The published table and the estimates of our own trials that a synthesis pools."""
    plan = STUDY.synthesis[wildcards.synthesis]
    files = {}
    if plan.published is not None:
        files["published"] = plan.published.file
    if plan.own is not None:
        trials = STUDY.trials_pooled(plan.own)
        outcome = plan.own.outcome
        files["own"] = collect(
            "results/shared/{trial}/estimates/primary_{outcome}.parquet",
            trial=trials,
            outcome=outcome,
        )
        if plan.own.one_stage is not None:
            files["gates"] = collect(
                "results/restricted/{trial}/gate.txt", trial=trials
            )
            files["frames"] = collect(
                "results/restricted/{trial}/{frame}.parquet",
                trial=trials,
                frame=("scores", "participants", "process"),
            )
    return files


def synthesis_settings(wildcards):
    """The parts of the configuration that a synthesis depends on."""
    plan = STUDY.synthesis[wildcards.synthesis]
    used = {"trials", "arms", "estimands"}
    if plan.own is not None and plan.own.one_stage is not None:
        used |= {"visits", "outcomes", "analysis_sets", "analyses"}
    content = STUDY.model_dump(mode="json", include=used)
    return json.dumps([plan.model_dump(mode="json"), content], sort_keys=True)


def synthesis_touched(wildcards):
    """Whether changes of the locked plan make a synthesis exploratory; null without a plan."""
    return json.dumps(PLAN.touches_synthesis(wildcards.synthesis))


def synthesis_estimates():
    """The rows of all syntheses."""
    return [f"results/shared/{name}/estimates/synthesis.parquet" for name in SYNTHESES]


def synthesis_figures():
    """The folders of the syntheses' figures."""
    return collect("results/shared/{synthesis}/figures", synthesis=SYNTHESES)


def trial_figures(trial):
    """The descriptions of one trial's figures; the pictures lie beside them."""
    from ipt_outcomes.figures import figure_names

    return [
        f"results/shared/{trial}/figures/{name}.json"
        for name in figure_names(STUDY, trial)
    ]


def figure_code(wildcards):
    """The code of one figure, so that an edit of another does not redraw it."""
    from ipt_outcomes.figures import module_of

    return code(module_of(wildcards.figure), "study", "results")


def farewell():
    """Say what was made, what needs a look, and where, as seen from where the run was started."""
    from ipt_outcomes.provenance.run_summary import run_summary

    started_in = os.environ.get("PWD", os.getcwd())
    print("\n" + "\n".join(run_summary(TRIALS, started_in, SYNTHESES)), file=sys.stderr)
    if os.path.exists(REPORT):
        path = os.path.relpath(os.path.abspath(REPORT), started_in)
        print(f"\nThe report is at {path}", file=sys.stderr)
