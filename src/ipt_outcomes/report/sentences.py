"""The report's sentences: each number is quoted from a row, each name from the configuration.

Only comparisons that were randomised are put as a difference *with* a treatment; everything else
is described.
"""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.report.methods import further_methods
from ipt_outcomes.study.trials import Trial
from ipt_outcomes.tables.numbers import level
from ipt_outcomes.tables.quotes import (
    Text,
    estimated,
    joined,
    listed,
    named,
    participants,
    quote,
    words,
)
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import AS_RANDOMISED, COMPLETERS, PER_PROTOCOL, Source


def plain_result(source: Source, outcome: str) -> Text:
    """Say in one plain sentence how the arms differed at the endpoint, as randomised.

    Parameters
    ----------
    source
        Study and rows.
    outcome
        Short name of the outcome.
    """
    differences = _differences(source, outcome)
    if not differences:
        return words("No difference between arms was estimated for ", source.outcome(outcome), ".")
    if any(row["converged"] is False for row in differences):
        return words("The model for ", source.outcome(outcome), " did not converge; its results "
                     "are not stated here.")  # fmt: skip
    worse = source.study.outcomes[outcome].higher_is == "worse"
    clauses = []
    for row in differences:
        lower = row["estimate"] < 0
        way = f"{'lower' if lower else 'higher'} ({'better' if lower == worse else 'worse'})"
        clauses.append(
            words(quote(row, "absolute"), " ", source.unit(outcome), f" {way} with ",
                  source.arm(row["arm"]))
        )  # fmt: skip
    return words(
        "At ", source.visit(differences[0]["visit"]), ", average ", source.outcome(outcome),
        " scores were ", listed(clauses), " than with ",
        source.arm(source.study.reference_arm), ".",
    )  # fmt: skip


def has_result(source: Source, outcome: str) -> bool:
    """Say whether the model of an outcome gave differences that may be stated."""
    differences = _differences(source, outcome)
    return bool(differences) and all(row["converged"] is not False for row in differences)


def _differences(source: Source, outcome: str) -> list[Row]:
    """Rows of the arms' differences at the primary endpoint, everyone as randomised."""
    rows = _at_endpoint(source, outcome).where(quantity="difference")
    return [row for row in rows if row["estimate"] is not None]


def _at_endpoint(source: Source, outcome: str) -> Rows:
    study = source.study
    estimand = study.primary_estimand
    return source.rows.where(
        analysis="primary", outcome=outcome, estimand=estimand, analysis_set=AS_RANDOMISED,
        visit=study.estimands[estimand].endpoint,
    )  # fmt: skip


def endpoint_result(source: Source, outcome: str) -> Text:
    """Give the arms' differences at the endpoint with their intervals, tests and effect sizes.

    Parameters
    ----------
    source
        Study and rows.
    outcome
        Short name of the outcome.
    """
    rows = _at_endpoint(source, outcome)
    found = []
    for row in _differences(source, outcome):
        if row["converged"] is False:
            return words()
        effect = rows.first(quantity="effect size", arm=row["arm"], reference=row["reference"])
        g = words(", Hedges g = ", estimated(effect)) if effect is not None else ""
        found.append(
            words(
                source.difference(row), " ", quote(row, "estimate"), " ", source.unit(outcome),
                ", ", quote(row, "level"), " CI ", quote(row, "interval"), ", t(",
                quote(row, "df"), ") = ", quote(row, "statistic"), ", p ",
                quote(row, "p equation"), g, ", n = ", quote(row, "n"), " and ",
                quote(row, "n of reference"),
            )
        )  # fmt: skip
    return words(joined(found), ".") if found else words()


def how_sure(source: Source, outcome: str) -> Text:
    """Say for each comparison whether its interval holds no difference."""
    holds: list[Text] = []
    apart: list[Text] = []
    for row in _differences(source, outcome):
        if row["lower"] is not None and row["upper"] is not None and row["converged"] is not False:
            within = row["lower"] <= 0 <= row["upper"]
            (holds if within else apart).append(source.difference(row))
    parts: list[Text] = []
    if apart:
        one = len(apart) == 1
        parts.append(words(f"The interval{'' if one else 's'} for ", listed(apart),
                           f" do{'es' if one else ''} not contain zero."))  # fmt: skip
    if holds:
        one = len(holds) == 1
        parts.append(words(f"The interval{'' if one else 's'} for ", listed(holds),
                           f" contain{'s' if one else ''} zero: the data leave open which arm "
                           "did better."))  # fmt: skip
    if not parts:
        return words()
    better = "lower" if source.study.outcomes[outcome].higher_is == "worse" else "higher"
    return words(joined(parts, " "), f" A {better} score is better.")


def methods(source: Source) -> list[Text]:
    """Describe what was done, from the configuration and the rows."""
    found = [_participants(source), _model(source)]
    if text := _sets(source):
        found.append(text)
    if source.study.analyses.problem_areas is not None:
        found.append(_areas(source))
    if len(medication := source.rows.where(analysis="medication")):
        pairs = dict.fromkeys(str(source.difference(row)) for row in medication)
        found.append(
            words("What IPT and medication add to each other was read off the components of the "
                  "arms (", listed([named(pair) for pair in pairs]), ") in the model of the "
                  "primary analysis.")
        )  # fmt: skip
    found += further_methods(source)
    found.append(
        words("Counts of one to four participants are not shown in the description of "
              "participants, nor any count from which such a count could be found; counts of the "
              "participant flow are shown however small.")
    )  # fmt: skip
    return found


def _participants(source: Source) -> Text:
    study = source.study
    arms = listed([source.arm(arm) for arm in source.arms])
    visits = [source.visit(visit) for visit in study.visits_of(source.trial)]
    outcomes = [
        words(named(study.outcomes[name].label), " (", named(study.outcomes[name].role), ")")
        for name in study.outcomes_of(source.trial)
    ]
    randomised = source.rows.first(analysis="flow", contrast="randomised", arm=None)
    n = participants(randomised) if randomised else words("Participants")
    were = " was" if str(n).startswith("1 ") else " were"
    return words(
        n, f"{were} randomised to ", arms, " and assessed at ", listed(visits), ". ",
        "The outcome was the " if len(outcomes) == 1 else "Outcomes were the ",
        listed(outcomes, last=" and the "), ".",
    )  # fmt: skip


def _model(source: Source) -> Text:
    study = source.study
    plan = study.analyses.primary
    rows = source.rows.where(analysis="primary", quantity="difference")
    fitted = next(iter(rows), None)
    text = words("Each outcome was analysed by a ")
    if fitted is None:
        text = words("No model was fitted")
    else:
        text = words(text, quote(fitted, "method"))
        text = words(text, ", with ", named(plan.covariance), " covariance over visits")
        if any(row["covariance"] != plan.covariance for row in rows):
            text = words(text, " (where that could not be fitted, a simpler one with robust "
                         "standard errors, as the notes of the tables say)")  # fmt: skip
    effects = listed(["baseline by visit", "arm by visit", *source.covariates()])
    return words(
        text, ". Its fixed effects are ", effects,
        "; intervals are at ", named(level(plan.level)), ". Participants without a baseline or "
        "without any later score are not in the model; their number and the reason are in the "
        "participant flow. Hedges g divides the model's difference by the pooled observed SD at "
        "the endpoint. p-values are two-sided and, unless said otherwise, not adjusted for "
        "multiplicity.",
    )  # fmt: skip


def _sets(source: Source) -> Text:
    sets = source.study.analysis_sets
    parts: list[Text] = []
    rules = sets.per_protocol
    if rules is not None:
        asked: list[Text] = []
        if rules.minimum_sessions is not None:
            asked.append(words("at least ", named(rules.minimum_sessions), " sessions attended in "
                               "arms with psychotherapy"))  # fmt: skip
        if rules.minimum_weeks_of_treatment is not None:
            weeks = named(f"{rules.minimum_weeks_of_treatment:g}")
            asked.append(words("treatment not stopped before week ", weeks))
        if rules.received_the_randomised_arm:
            asked.append(words("the randomised arm received"))
        which = words(" (", listed(asked), ")") if asked else ""
        parts.append(words(f"The {PER_PROTOCOL} set", which, " is analysed in the same way, but "
                           "who is in it was not randomised."))  # fmt: skip
    if sets.completers:
        parts.append(words(f"{COMPLETERS.capitalize()} are described and not tested."))
    return (
        words("Everyone is analysed as randomised. ", joined(parts, " "))
        if (parts)
        else words("Everyone is analysed as randomised.")
    )


def _areas(source: Source) -> Text:
    plan = source.study.analyses.problem_areas
    assert plan is not None
    rated = "before" if plan.rated == "before-randomisation" else "after"
    return words(
        "Interpersonal problem areas, assigned ", f"{rated} randomisation, were compared in ",
        listed([source.arm(arm) for arm in plan.arms]), " by the same kind of model with the area "
        "in place of the arm; the pairwise differences carry p-values adjusted by Holm's method. "
        "Areas are not randomised.",
    )  # fmt: skip


def limitations(source: Source, locked_plan: str | None) -> Iterator[Text]:
    """List what a reader must keep in mind."""
    study = source.study
    trial: Trial = study.trials[source.trial]
    if locked_plan is None:
        yield words("No analysis plan was locked before the data were analysed: every result is "
                    "exploratory.")  # fmt: skip
    yield words(
        "The models take scores as missing at random given baseline, arm, covariates and the "
        "scores observed before; the data cannot show whether that holds."
    )
    if trial.columns.therapist and study.analyses.therapists is None:
        yield words("Participants of one therapist may resemble each other; the models here do not "
                    "count that, so intervals may be too narrow.")  # fmt: skip
    elif trial.columns.therapist:
        yield words("Participants of one therapist may resemble each other; only the analysis of "
                    "therapists counts that, so other intervals may be too narrow.")  # fmt: skip
    if study.analysis_sets.per_protocol is not None:
        yield words("Differences per protocol compare participants selected after randomisation: "
                    "they are associations.")  # fmt: skip
    if study.analyses.problem_areas is not None:
        yield words("Differences between problem areas are observational and say nothing about "
                    "what an area brings about.")  # fmt: skip
    yield words("Several outcomes, visits and comparisons are shown; their p-values are not "
                "adjusted for that unless said so.")  # fmt: skip
