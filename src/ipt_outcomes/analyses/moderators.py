"""For whom the effect differs: moderators known before randomisation, one at a time.

The model is that of :mod:`ipt_outcomes.analyses.interactions`. At most three moderators are
prespecified; the others are exploratory, and how many there were is printed with each: of twenty
looked at, one is expected below .05 when none of them matters.
"""

from __future__ import annotations

import pandas as pd

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.analyses.interactions import Interaction, Moderator
from ipt_outcomes.frames import CHARACTERISTIC
from ipt_outcomes.results import Row, estimates
from ipt_outcomes.study.effects import SEVERITY


def moderators(data: TrialData) -> pd.DataFrame:
    """Estimate how the effect on the primary outcome differs between participants.

    Parameters
    ----------
    data
        The trial.

    Returns
    -------
    pandas.DataFrame
        Rows of the estimates table at the primary endpoint: test of the interaction, effects by
        subgroup, differences between them or change per unit. Subgroups with fewer than five
        participants in an arm are left out, and said to be.
    """
    plan = data.study.analyses.moderators
    assert plan is not None, "the workflow asks for this analysis only when it is configured"
    rows: list[Row] = []
    for names, planned in ((plan.prespecified, True), (plan.exploratory, False)):
        for name in names:
            number = len(names)
            about = f"one of {number} {'prespecified' if planned else 'exploratory'} moderators"
            moderator = _moderator(data, name)
            rows.extend(
                Interaction(data, moderator, f"moderators, {moderator.label}", about).rows()
            )
    return estimates(rows)


def _moderator(data: TrialData, name: str) -> Moderator:
    if name == SEVERITY:
        unit = data.study.outcomes[data.study.primary_outcome].unit
        return Moderator(name, "severity at baseline", unit, None, True, {})
    own = data.study.characteristics[name]
    values = data.participants.set_index("participant")[CHARACTERISTIC + name]
    labels = {str(code): label for code, label in own.labels.items()}
    return Moderator(name, own.label, own.unit, values, own.kind == "number", labels)
