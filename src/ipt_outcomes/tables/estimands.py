"""What each estimand means: its attributes side by side, as the configuration states them.

Source: ICH (2019), E9(R1) addendum on estimands and sensitivity analysis in clinical trials.
"""

from __future__ import annotations

from ipt_outcomes.study.estimands import DEATH, Estimand
from ipt_outcomes.tables.quotes import Text, capitalised, listed, named, words
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Line, Table, column

STRATEGIES = {
    "treatment-policy": "Treatment policy: scores after {event} count like any other",
    "hypothetical": "Hypothetical: scores after {event} are set aside, for the effect without it",
    "composite": "Composite: {event} counts as failure, with {failure} from then on",
    "while-on-treatment": "While on treatment: the last score before {event} stands for later ones",
}
NO_STRATEGY = "None recorded, or missing at random"


def estimands(source: Source, name: str = "estimands") -> Table:
    """Make the table of the estimands and their intercurrent events."""
    study = source.study
    reference = study.reference_arm
    others = [source.arm(arm) for arm in source.arms if arm != reference]
    each = "each " if len(others) > 1 else ""
    compared = words(listed(others), f", {each}compared with ", source.arm(reference))
    primary = study.outcomes[study.primary_outcome]
    chosen: list[Estimand] = list(study.estimands.values())
    events = list(dict.fromkeys(e for one in chosen for e in one.intercurrent_events.strategies))
    lines = {
        "Population": [words(named(estimand.population)) for estimand in chosen],
        "Treatments": [compared] * len(chosen),
        "Outcome": [
            words(named(primary.label), " (primary) at ", source.visit(estimand.endpoint))
            for estimand in chosen
        ],
        **{
            capitalised(event).replace("_", " "): [
                _strategy(estimand, event) for estimand in chosen
            ]
            for event in events
        },
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


def _strategy(estimand: Estimand, event: str) -> Text:
    chosen = estimand.intercurrent_events
    score = chosen.composite_score
    failure = "the worst possible score" if score == "worst" else f"a score of {score:g}"
    strategy = chosen.strategies.get(event)
    if strategy is None:
        return words(NO_STRATEGY if event == DEATH else STRATEGIES["treatment-policy"].format(
            event=event.replace("_", " ")))  # fmt: skip
    said = STRATEGIES[strategy].format(event=event.replace("_", " "), failure=named(failure))
    return words(said)
