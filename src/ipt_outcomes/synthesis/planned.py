"""A synthesis as ``config.yaml`` plans it: own trials, by their estimates, and published ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from ipt_outcomes.analyses.data import TrialData, model_frame
from ipt_outcomes.ingest.findings import no_findings
from ipt_outcomes.mixed import MixedModelError
from ipt_outcomes.results import Row, combine
from ipt_outcomes.results import estimates as to_rows
from ipt_outcomes.study import Study
from ipt_outcomes.study.synthesis import OwnTrials, PublishedTrials
from ipt_outcomes.synthesis.analysis import PoolingPlan, pool_trials
from ipt_outcomes.synthesis.effects import Effects, Measure
from ipt_outcomes.synthesis.errors import SynthesisError
from ipt_outcomes.synthesis.one_stage import ANALYSIS, one_stage
from ipt_outcomes.synthesis.published import EffectRules, published_effects
from ipt_outcomes.synthesis.rows import refusal_row
from ipt_outcomes.synthesis.table_columns import METAPSY, EffectColumns
from ipt_outcomes.synthesis.two_stage import combine_with_published, trial_effects

COLUMNS = {"standard": EffectColumns(), "metapsy": METAPSY}


@dataclass(frozen=True)
class Pooled:
    """What a synthesis found.

    Parameters
    ----------
    rows
        Rows of the estimates table.
    findings
        What a reader must know of the published table.
    """

    rows: pd.DataFrame
    findings: pd.DataFrame


def planned_synthesis(
    study: Study,
    name: str,
    folder: str | Path,
    estimates: pd.DataFrame | None,
    frames: Mapping[str, TrialData] | None = None,
) -> Pooled:
    """Pool the trials of one planned synthesis.

    Parameters
    ----------
    study
        The configuration.
    name
        Short name of the synthesis.
    folder
        Folder of ``config.yaml``, which the path of the published table is relative to.
    estimates
        The estimates of the study's own trials; None when the synthesis uses none.
    frames
        The participants of the study's own trials, for the one-stage model when it is asked for.

    Raises
    ------
    SynthesisError
        When there is nothing to pool, or effects cannot be pooled with each other.
    ipt_outcomes.ingest.findings.DataErrors
        When the published table has errors; the message lists all of them.
    """
    plan = study.synthesis[name]
    own = None
    if plan.own is not None:
        if estimates is None:
            raise SynthesisError(f"synthesis.{name}: own trials are named, their estimates lack.")
        own = _own(study, plan.own, plan.measure, estimates)
    findings = no_findings()
    effects = own
    if plan.published is not None:
        published, findings = _published(plan.published, plan.measure, Path(folder))
        effects = published
        if own is not None:
            same: dict[str, str | None] = dict.fromkeys(own.trials)
            same |= plan.published.same_trials
            effects = combine_with_published(own, published, same)
    if effects is None:
        raise SynthesisError(f"synthesis.{name}: names no trials.")
    pooling = PoolingPlan(
        name,
        plan.outcome,
        plan.comparison,
        method=plan.method,
        inference=plan.inference,
        correlation=plan.correlation,
        subgroups=tuple(plan.subgroups),
        moderators=tuple(tuple(terms) for terms in plan.moderators),
        level=plan.level,
        status=plan.status,
    )
    rows = pool_trials(effects, pooling)
    if plan.own is not None and plan.own.one_stage is not None:
        if frames is None:
            raise SynthesisError(f"synthesis.{name}: one_stage needs the participants' data.")
        rows = combine([rows, to_rows(_one_stage(study, name, plan.own, frames))])
    return Pooled(rows, findings)


def _one_stage(
    study: Study, name: str, own: OwnTrials, frames: Mapping[str, TrialData]
) -> Iterator[Row]:
    """Fit one model to the participants of all own trials, or say why it could not be fitted."""
    plan = study.synthesis[name]
    arm, reference = own.compare
    about: Row = {
        "trial": name,
        "outcome": plan.outcome,
        "analysis": ANALYSIS,
        "analysis_set": own.analysis_set,
        "estimand": own.estimand,
        "unit": study.outcomes[own.outcome].unit,
        "status": "exploratory",  # a check of the headline, whatever that one's standing
        "disclosure": "shared",
    }
    used = {trial: frames[trial] for trial in study.trials_pooled(own)}
    shared = set.intersection(*(set(data.later_visits) for data in used.values()))
    rows = {}
    for trial, data in used.items():
        whole = model_frame(data, own.outcome, own.estimand, own.analysis_set).rows
        here = whole[whole["visit"].isin(shared)].copy()
        here["visit"] = here["visit"].cat.remove_unused_categories()
        rows[trial] = here
    try:
        fitted = one_stage(
            rows,
            arm=arm,
            reference=reference,
            effect=own.one_stage or "by visit",
            covariance=study.analyses.primary.covariance,
            df=study.analyses.primary.degrees_of_freedom,
            level=plan.level,
        )
    except (SynthesisError, MixedModelError) as reason:
        yield refusal_row("one-stage model", " ".join(str(reason).split()), about)
        return
    yield from fitted.rows(about)


def _own(study: Study, own: OwnTrials, measure: Measure, estimates: pd.DataFrame) -> Effects:
    arm, reference = own.compare
    return trial_effects(
        estimates[estimates["trial"].isin(study.trials_pooled(own))],
        measure,
        outcome=own.outcome,
        estimand=own.estimand,
        analysis_set=own.analysis_set,
        visit=study.estimands[own.estimand].endpoint,
        arms=(arm, reference),
    )


def _published(
    table: PublishedTrials, measure: Measure, folder: Path
) -> tuple[Effects, pd.DataFrame]:
    return published_effects(
        folder / table.file,
        measure,
        columns=COLUMNS[table.columns],
        rules=EffectRules(
            higher_is=table.higher_is,
            event_is=table.event_is,
            zero_cells=table.zero_cells,
            variance=table.variance,
        ),
        numbers=table.numbers,
        categories=table.categories,
        delimiter=table.delimiter,
        decimal=table.decimal,
        encoding=table.encoding,
        missing=tuple(table.missing),
    )
