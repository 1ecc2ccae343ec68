"""What is told of the data's quality beside the findings: scoring, reliability, anonymity.

Everything here is about all participants together; no arm is looked at.
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from ipt_outcomes.ingest.findings import Findings
from ipt_outcomes.ingest.k_anonymity import anonymity
from ipt_outcomes.ingest.scores import Scores
from ipt_outcomes.instruments import item_table, reliability
from ipt_outcomes.study import Study

PROFILES = (5, 11)
"""The profiles of anonymity that are both reported."""


def item_quality(study: Study, trial: str, scores: Scores) -> dict[str, Any]:
    """Describe outcomes that were scored from single items.

    Parameters
    ----------
    study, trial
        The configuration.
    scores
        The scores read, with their items.

    Returns
    -------
    dict
        Outcome: instrument, assessments scored completely, prorated and not scored, reliability at
        the first visit, missing answers by item, and what scoring rests on.
    """
    by_outcome: dict[str, list[Any]] = {}
    for placed in scores.answers:
        by_outcome.setdefault(placed.items.outcome, []).append(placed)
    described: dict[str, Any] = {}
    for outcome, parts in by_outcome.items():
        answers = pd.concat([p.items.answers[p.items.answered] for p in parts], ignore_index=True)
        visit = np.concatenate([p.visit[p.items.answered] for p in parts])
        totals = np.concatenate([p.items.totals[p.items.answered] for p in parts])
        prorated = np.concatenate([p.items.prorated[p.items.answered] for p in parts])
        definition = parts[0].items.definition
        score = definition.scores()[study.outcomes[outcome].score]
        items = [item for item in definition.items_of(score) if item in answers]
        visits = study.visits_of(trial)
        found = reliability(answers.loc[visit == 0, items])
        described[outcome] = {
            "instrument": definition.name,
            "complete": int((~np.isnan(totals) & ~prorated).sum()),
            "prorated": int(prorated.sum()),
            "not_scored": int(np.isnan(totals).sum()),
            "reliability": {
                "visit": visits[0],
                **{name: _plain(value) for name, value in asdict(found).items()},
            },
            "items": [
                {
                    "item": int(row["item"]),
                    "answered": int(row["n"]),
                    "missing": int(row["missing"]),
                }
                for row in item_table(answers[items]).to_dict("records")
            ],
        }
    return described


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return None if math.isnan(value) else round(value, 6)
    return list(value) if isinstance(value, tuple) else value


def anonymity_quality(
    study: Study, participants: pd.DataFrame, findings: Findings
) -> list[dict[str, Any]]:
    """Describe how recognisable participants are, and warn where the profile asked for is missed.

    Parameters
    ----------
    study
        The configuration.
    participants
        The canonical participant frame.
    findings
        Takes the warning.

    Returns
    -------
    list of dict
        One per profile; empty without quasi-identifiers.
    """
    columns = study.privacy.quasi_identifiers
    if not columns or participants.empty:
        return []
    for k in PROFILES:
        found = anonymity(participants, columns, k)
        if k == study.privacy.smallest_group and not found.holds:
            best = min(found.by_column, key=lambda name: found.by_column[name])
            findings.add("warning", "recognisable participants", file="config.yaml",
                         found=f"{found.recognisable} of {found.participants} participants share "
                         f"{', '.join(columns)} with fewer than {k - 1} others",
                         expected=f"at least {k} participants alike in these (k-anonymity)",
                         mend="Nothing about single participants is shared by this program. Before "
                         "you share the frames yourself, leave columns out or make them coarser: "
                         f"without {best} it would be {found.by_column[best]}.")  # fmt: skip
    return [asdict(anonymity(participants, columns, k)) for k in PROFILES]
