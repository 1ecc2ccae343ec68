"""Rating scales: a registry of facts with their sources, and scoring from items.

The registry is data (a file per instrument); the functions here serve every instrument of it and
every one that a study defines itself.

Examples
--------
>>> import pandas as pd
>>> from ipt_outcomes.instruments import instrument, score, severity
>>> phq = instrument("phq9")
>>> answers = pd.DataFrame([[2, 2, 1, 2, 1, 2, 1, 0, 0]], columns=range(1, 10))
>>> total = score(phq, answers).scores["total"]
>>> float(total[0]), severity(phq, total)[0]
(11.0, 'moderate')
"""

from __future__ import annotations

from ipt_outcomes.instruments.change import clinically_important, remission, response
from ipt_outcomes.instruments.definition import InstrumentDefinition
from ipt_outcomes.instruments.entries import item_columns
from ipt_outcomes.instruments.facts import assumptions
from ipt_outcomes.instruments.jacobson_truax import ReliableChange, deterioration, reliable_change
from ipt_outcomes.instruments.registry import (
    InstrumentError,
    define,
    instrument,
    load_registry,
    load_sources,
)
from ipt_outcomes.instruments.reliability import ItemReliability, item_table, reliability
from ipt_outcomes.instruments.scoring import Scored, safety_answers, score
from ipt_outcomes.instruments.totals import clinical_range, severity, version_conflicts

__all__ = [
    "InstrumentDefinition",
    "InstrumentError",
    "ItemReliability",
    "ReliableChange",
    "Scored",
    "assumptions",
    "clinical_range",
    "clinically_important",
    "define",
    "deterioration",
    "instrument",
    "item_columns",
    "item_table",
    "load_registry",
    "load_sources",
    "reliability",
    "reliable_change",
    "remission",
    "response",
    "safety_answers",
    "score",
    "severity",
    "version_conflicts",
]
