"""From what was ingested to what may be written: pseudonyms, an order of the data, masked arms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ipt_outcomes.ingest.blinding import (
    mask_arms,
    mask_process,
    mask_scores,
    treatment_columns,
    without_traces,
)
from ipt_outcomes.ingest.pseudonyms import numbered, order_by_content, pseudonyms
from ipt_outcomes.ingest.trial import Ingested
from ipt_outcomes.study import Study


def release(
    ingested: Ingested, study: Study, trial: str, *, key: str | None = None, masked: bool = False
) -> Ingested:
    """Return what was ingested in the form in which it may be written under ``results``.

    Parameters
    ----------
    ingested
        Frames and findings with the export's own study numbers.
    study, trial
        The configuration.
    key
        Key of the pseudonyms; None to number the participants.
    masked
        Whether arms are dealt out anew at random.

    Returns
    -------
    Ingested
        Frames in an order of the data, participants under pseudonyms in frames and findings.
    """
    people, scores = ingested.participants, ingested.scores
    order = order_by_content(scores, people, treatment_columns(people) if masked else ())
    people = people.take(order).reset_index(drop=True)
    names = pseudonyms(trial, people["participant"], key)
    new = dict(zip(people["participant"], names, strict=True))
    cells = len(scores) // len(people) if len(people) else 0
    rows = (order[:, None] * cells + np.arange(cells)).ravel()
    scores = scores.take(rows).reset_index(drop=True)
    people = people.assign(participant=people["participant"].map(new).astype("str"))
    # Therapists are persons too, and often stand by name in an export.
    people = people.assign(therapist=numbered(people["therapist"], "T"))
    scores = scores.assign(participant=scores["participant"].map(new).astype("str"))
    apart = ingested.unscheduled
    apart = apart.assign(participant=apart["participant"].map(new).astype("str"))
    apart = apart.sort_values(["participant", "outcome", "day", "session", "score"])
    process = ingested.process
    process = process.assign(participant=process["participant"].map(new).astype("str"))
    process = process[process["participant"].notna()].sort_values(
        ["participant", "record", "variable", "session", "day", "visit", "source_row"]
    )
    # Those without an arm are in no frame, and are known by their row alone.
    about = ingested.findings["participant"].map(new).astype("str")
    findings = ingested.findings.assign(participant=about)
    if masked:
        process = mask_process(process, people, trial, study.study.seed)
        people = mask_arms(people, trial, study.study.seed)
        scores = mask_scores(scores, len(people), trial, study.study.seed)
        apart = apart.assign(session=apart["session"].mask(apart["session"].notna()))
        findings = without_traces(findings, study.trials[trial])
    return replace(
        ingested,
        scores=scores,
        participants=people,
        unscheduled=apart.reset_index(drop=True),
        process=process.reset_index(drop=True),
        findings=findings,
    )
