"""The section on analysis of a drafted plan: estimands, models, missing data, harms, software."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ipt_outcomes.analyses.repeated import covariance_sequence
from ipt_outcomes.report.analysis_plan.further import described, planned, pooled, settings
from ipt_outcomes.report.analysis_plan.outcomes import outcomes_part
from ipt_outcomes.report.analysis_plan.parts import (
    Part,
    called,
    part,
    percent,
    point,
    say,
    to_decide,
)
from ipt_outcomes.report.blocks import Block, NumberedTable, Pairs
from ipt_outcomes.results import estimates
from ipt_outcomes.study import Study
from ipt_outcomes.tables.estimands import estimands
from ipt_outcomes.tables.quotes import listed
from ipt_outcomes.tables.source import Source

ELSEWHERE = {
    "primary": "27a",
    "multiplicity": "17",
    "diagnostics": "27c",
    "cross_checks": "27e",
    "robustness": "27e",
    "moderators": "27f",
    "missing_data": "28",
    "safety": "30",
}
"""Analyses that have a place of their own; whatever else is planned stands under 29."""
FREEDOM = {"kenward-roger": "Kenward and Roger", "satterthwaite": "Satterthwaite"}


def analysis(study: Study, software: Mapping[str, str]) -> Iterator[Part]:
    """Yield everything from the estimands to the references.

    Parameters
    ----------
    study
        The configuration.
    software
        Name: version of what computes the results.
    """
    yield _estimands(study)
    yield outcomes_part(study)
    yield part("Primary analysis", "27a 27b", *_primary(study))
    yield part("Checking of assumptions", "27c 27d", *_assumptions(study),
               parts=_of(study, "27c"))  # fmt: skip
    yield part("Sensitivity analyses", "27e", *_absent(study, "27e"), parts=_of(study, "27e"))
    yield part("Subgroups and moderators", "27f", *_absent(study, "27f"), parts=_of(study, "27f"))
    yield part("Missing data", "28", *_missing(study), parts=_of(study, "28"))
    others = [name for name in planned(study) if name not in ELSEWHERE]
    yield part(
        "Further analyses",
        "29",
        say("Exploratory unless their settings say otherwise; nothing that was not randomised is "
            "reported as an effect.")
        if others or study.synthesis
        else say("None is planned."),
        parts=[
            *(described(study, name) for name in others),
            *(pooled(study, name) for name in study.synthesis),
        ],
    )  # fmt: skip
    yield part("Harms", "30", *_harms(study), parts=_of(study, "30"))
    yield part(
        "Statistical software",
        "31",
        say("The analysis is this program with this configuration; each run records versions and "
            "hashes, and the published bundle rebuilds every number."),
        Pairs(tuple(software.items())),
        say(f"All random draws derive from the seed {study.study.seed}."),
    )  # fmt: skip
    yield part("References and further documents", "32a 32b 32c 32d", *_references())


def _of(study: Study, item: str) -> list[Part]:
    return [described(study, n, item) for n in planned(study) if ELSEWHERE.get(n) == item]


def _absent(study: Study, item: str) -> Iterator[Block]:
    for name, own in ELSEWHERE.items():
        if own == item and getattr(study.analyses, name) is None:
            yield to_decide(f"that there are none, or which (analyses.{name}).")


def _estimands(study: Study) -> Part:
    trial = next(iter(study.trials))
    table = estimands(Source.of(study, estimates([]), trial))
    blocks: list[Block] = [
        NumberedTable("", table),
        say("A strategy acts on the scores before any model is fitted: under a hypothetical "
            "strategy later scores are set aside, under treatment policy they are kept, under a "
            "composite strategy they become those of a failure, while on treatment the last score "
            "before the event stands for later ones. Of several events the first decides whose "
            "strategy is not treatment policy."),
    ]  # fmt: skip
    recorded = {event for t in study.trials.values() for event in t.columns.events}
    for name, estimand in study.estimands.items():
        handled = estimand.intercurrent_events
        for event in sorted(recorded - set(handled.events)):
            blocks.append(to_decide(f"{called(study, name)}: the strategy for "
                                    f"{event.replace('_', ' ')}; left out, it is treatment "
                                    "policy."))  # fmt: skip
        if handled.death is None:
            blocks.append(to_decide(f"{called(study, name)}: the strategy for death; left out, "
                                    "scores after it count as missing at random."))  # fmt: skip
    return part("Estimands", "27a", *blocks)


def _primary(study: Study) -> Iterator[Block]:
    plan = study.analyses.primary
    covariates = [called(study, name) for name in plan.adjust_for]
    estimand = called(study, study.primary_estimand)
    endpoint = called(study, study.endpoint)
    yield say(
        "Each outcome is analysed, for each estimand and analysis set, by one mixed model for "
        "repeated measures of the scores after baseline. For participant i in arm g(i) at visit j,"
    )
    added = " + γ′x_i" if covariates else ""
    yield say(f"    Y_ij = α_j + β_j · baseline_i + δ_g(i),j{added} + ε_ij ,    "
              "(ε_i1, …, ε_iJ) ~ N(0, Σ) ,")  # fmt: skip
    reference = called(study, study.reference_arm)
    yield say(
        f"with δ = 0 for {reference}, "
        + (f"x_i holding {listed(covariates)}, " if covariates else "")
        + f"and Σ {plan.covariance}, the same in all arms. Fitted by restricted maximum "
        f"likelihood; standard errors and degrees of freedom by {FREEDOM[plan.degrees_of_freedom]}."
    )
    yield say(
        f"The effect at visit j is δ_gj, the adjusted mean of arm g minus that of {reference}. "
        f"It is reported at every visit with its {percent(plan.level)} interval, the adjusted "
        "means beside it; at the endpoint also as Hedges g (divided by the pooled observed SD at "
        "the endpoint). "
        f"The confirmatory comparisons are those on the primary outcome at {endpoint}, for the "
        f"estimand “{estimand}”, everyone as randomised."
    )
    simpler = ", ".join(covariance_sequence()[1:])
    yield say(
        "Should Σ not converge, these are tried in order, and the step is printed: "
        f"{simpler}. Cluster-robust (CR2) errors are then primary, with the "
        "model-based ones beside them. Converged means a small gradient and a positive definite "
        "information."
    )
    yield from settings(study, plan, "Primary analysis")
    clusters = study.analyses.therapists
    if clusters is not None:
        yield say(
            f"Effects of the {clusters.cluster} are not in this model. The comparison with them in "
            "the model stands under Further analyses."
        )
    if clusters is not None and clusters.cluster == "group":
        yield to_decide("which of the two is the primary comparison. Where groups were randomised "
                        "as a whole only the model with them counts their number.")  # fmt: skip
    if not covariates:
        yield to_decide("the covariates (analyses.primary.adjust_for): none is named. Factors that "
                        "randomisation was stratified by belong into the model.")  # fmt: skip


def _assumptions(study: Study) -> Iterator[Block]:
    yield say(
        "If the covariance of the primary model cannot be estimated, the sequence above holds. No "
        "test of an assumption decides which analysis is the primary one."
    )
    if study.analyses.diagnostics is None:
        yield to_decide("whether residuals, influence and other covariances are looked at "
                        "(analyses.diagnostics).")  # fmt: skip


def _missing(study: Study) -> Iterator[Block]:
    yield say(
        "The mixed models take scores as missing at random given baseline, arm, covariates and the "
        "scores seen before; no score is imputed for them. Where a status or a regression needs "
        "complete scores, these are imputed as the settings of that analysis say."
    )
    if study.analyses.robustness is None:
        yield to_decide("how the primary result is examined under other assumptions about unseen "
                        "scores (analyses.robustness).")  # fmt: skip
    yield from _absent(study, "28")


def _harms(study: Study) -> Iterator[Block]:
    plan = study.analyses.safety
    if plan is None:
        yield to_decide("how harms are reported (analyses.safety).")
        return
    yield say("Counts of harms are shown by arm however small they are, with denominators and "
              "exposure.")  # fmt: skip
    if plan.adverse_events is None:
        yield to_decide("how adverse events are recorded and coded (safety.adverse_events names "
                        "their file).")  # fmt: skip
    if not plan.suicidality:
        yield to_decide("which items about suicide count, and from which answer on "
                        "(safety.suicidality).")  # fmt: skip


def _references() -> Iterator[Block]:
    for reference in (
        "Gamble et al. (2017) Guidelines for the content of statistical analysis plans in clinical "
        "trials. JAMA 318:2337.",
        "ICH (2019) E9(R1) Addendum on estimands and sensitivity analysis in clinical trials.",
        "Kenward & Roger (1997) Small sample inference for fixed effects from restricted maximum "
        "likelihood. Biometrics 53:983.",
        "Bell & McCaffrey (2002) Bias reduction in standard errors for linear regression with "
        "multi-stage samples. Survey Methodology 28:169.",
    ):
        yield point(reference)
    yield to_decide("where the data management plan, the trial master file and other procedures "
                    "that are followed can be found.")  # fmt: skip
