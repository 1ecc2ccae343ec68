"""Events that an estimand names and no trial records."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.findings import Problem


def estimand_problems(study: Study) -> Iterator[Problem]:
    """Yield events of the estimands that the study does not record.

    Parameters
    ----------
    study
        The configuration.
    """
    recorded = {event for trial in study.trials.values() for event in trial.columns.events}
    safety = study.analyses.safety
    for name, estimand in study.estimands.items():
        key = ("estimands", name, "intercurrent_events")
        chosen = estimand.intercurrent_events
        for event in chosen.events:
            if event not in recorded:
                known = ", ".join(sorted(recorded)) or "none"
                yield (
                    (*key, "events", event),
                    f"{event} is no event of any trial.",
                    f"Name its column under columns: events of a trial. Recorded: {known}.",
                )
        if chosen.death is not None and not (safety and safety.death_reasons):
            yield (
                (*key, "death"),
                "nothing says which reasons for leaving mean a death.",
                "List them under analyses: safety: death_reasons.",
            )
        if isinstance(chosen.composite_score, float):
            for outcome, defined in study.outcomes.items():
                low, high = defined.range
                if not low <= chosen.composite_score <= high:
                    yield (
                        (*key, "composite_score"),
                        f"{chosen.composite_score:g} lies outside the range of {outcome}, "
                        f"{low:g} to {high:g}.",
                        "Write worst: each outcome then takes the worst end of its own range.",
                    )
