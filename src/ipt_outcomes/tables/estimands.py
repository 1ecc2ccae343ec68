"""What each estimand means: its attributes side by side, as the configuration states them.

Source: ICH (2019), E9(R1) addendum on estimands and sensitivity analysis in clinical trials.
"""

from __future__ import annotations

from ipt_outcomes.study.plan import Estimand
from ipt_outcomes.tables.quotes import listed, named, words
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Line, Table, column

STRATEGIES = {
    "treatment-policy": "Treatment policy: scores after stopping count like any other",
    "hypothetical": "Hypothetical: scores after stopping are set aside, for the effect had nobody "
    "stopped",
}


def estimands(source: Source, name: str = "estimands") -> Table:
    """Make the table of the estimands and their intercurrent events."""
    study = source.study
    reference = study.reference_arm
    others = [source.arm(arm) for arm in source.arms if arm != reference]
    each = "each " if len(others) > 1 else ""
    compared = words(listed(others), f", {each}compared with ", source.arm(reference))
    primary = study.outcomes[study.primary_outcome]
    chosen: list[Estimand] = list(study.estimands.values())
    lines = {
        "Population": [words(named(estimand.population)) for estimand in chosen],
        "Treatments": [compared] * len(chosen),
        "Outcome": [
            words(named(primary.label), " (primary) at ", source.visit(estimand.endpoint))
            for estimand in chosen
        ],
        "Stopping treatment": [
            words(STRATEGIES[estimand.intercurrent_events.stopping_treatment])
            for estimand in chosen
        ],
        "Summary": [words(named(estimand.summary.capitalize())) for estimand in chosen],
    }
    return Table(
        name,
        words("Estimands: ", source.trial_label()),
        words("Attribute"),
        tuple(column(named(estimand.label)) for estimand in chosen),
        tuple(Line(words(label), tuple(cells)) for label, cells in lines.items()),
        (words("The first estimand is the primary one; secondary outcomes have the same ones."),)
        if len(chosen) > 1
        else (),
        prose=True,
    )
