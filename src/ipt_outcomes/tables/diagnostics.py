"""What the primary models rest on: other covariances, influence, convergence, residuals."""

from __future__ import annotations

from collections.abc import Iterator

from ipt_outcomes.tables.comparisons import capital, estimate_cells, estimate_columns
from ipt_outcomes.tables.quotes import HELD, Text, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source
from ipt_outcomes.tables.table import Line, Table, column

COVARIANCE = "diagnostics, covariance "
INFLUENCE = "diagnostics, influence"
CONVERGENCE = "diagnostics, convergence"
RESIDUALS = "diagnostics, residuals"


COOK = (
    "Cook's distance: how far all coefficients of a model move together when one participant is "
    "left out, measured against their uncertainty; the largest of all participants is given. Near "
    "zero, nobody moves the result much."
)
DECREMENT = (
    "Newton decrement: how far a fit still is from its best value; zero means that it has arrived."
)
INFORMATION = (
    "Scaled information: how much the data tell about each coefficient, on one scale; a smallest "
    "eigenvalue near zero means that some coefficients can hardly be told apart."
)
NORMALISED = (
    "Normalised residuals: what a model leaves unexplained of the scores, freed of the correlation "
    "between a participant's visits and divided by its SD; where the model holds they are spread "
    "like a normal distribution."
)


_ERRORS = ("counting the sampling of covariates", "covariates held fixed", "model-based", "robust")
_CORRELATIONS = ("exchangeable", "independent")


def errors_in_words(part: str) -> str:
    """Say what a part of the diagnostics varies: not every variant is one of the covariance.

    Examples
    --------
    >>> errors_in_words("covariance covariates held fixed")
    'standard errors with the covariates held fixed'
    >>> errors_in_words("covariance independent"), errors_in_words("covariance unstructured")
    ('working correlation: independent', 'covariance: unstructured')
    """
    if not part.startswith("covariance "):
        return part
    variant = part.removeprefix("covariance ")
    if variant == _ERRORS[1]:
        return "standard errors with the covariates held fixed"
    if variant in _ERRORS:
        return f"standard errors: {variant}"
    if variant in _CORRELATIONS:
        return f"working correlation: {variant}"
    return f"covariance: {variant}"


def covariances(source: Source, outcome: str | None = None) -> list[str]:
    """Return the analyses with other covariances, that of the primary model first."""
    rows = source.rows if outcome is None else source.rows.where(outcome=outcome)
    return [name for name in rows.values("analysis") if name.startswith(COVARIANCE)]


def diagnostics(source: Source, name: str = "diagnostics") -> Table:
    """Make the table of the difference at the endpoint under every covariance examined.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    study = source.study
    endpoint = source.visit(study.estimands[study.primary_estimand].endpoint)
    rows = source.rows.where(analysis=tuple(covariances(source)))
    return Table(
        name,
        words("The result at ", endpoint, " under other covariances and without single "
              "participants: ", source.trial_label()),
        words("Outcome, covariance and comparison"),
        (*estimate_columns(rows, "Difference")[1:], column("AIC"), column("BIC")),
        tuple(line for outcome in study.outcomes_of(source.trial)
              for line in _lines(source, outcome)),
        (
            words("The covariance of the primary model stands first. AIC and BIC: "
                  "information criteria of the whole model, smaller is better. One participant "
                  "left out: from the lowest to the highest difference when each participant in "
                  "turn is left out and the model is fitted anew."),
            *_notes(source),
        ),
    )  # fmt: skip


def _lines(source: Source, outcome: str) -> Iterator[Line]:
    group = words(source.outcome(outcome))
    for analysis in covariances(source, outcome):
        for k, row in enumerate(source.rows.where(analysis=analysis, outcome=outcome)):
            criteria = [words(quote(row, form)) if k == 0 else Text() for form in ("AIC", "BIC")]
            covariance = capital(analysis.removeprefix(COVARIANCE))
            label = words(covariance, ": ", source.difference(row)) if row["arm"] else covariance
            yield Line(label, (*estimate_cells(row)[1:], *criteria), group)
    alone = source.rows.where(analysis=INFLUENCE, outcome=outcome, quantity="difference")
    for arm in alone.values("arm"):
        ends = [row for row in alone.where(arm=arm) if row["estimate"] is not None]
        if not ends:
            continue
        low, high = (find(ends, key=lambda row: row["estimate"]) for find in (min, max))
        reference = low["reference"] or source.study.reference_arm
        label = words(source.difference({"arm": arm, "reference": reference}),
                      ", one participant left out")  # fmt: skip
        span = words(f"from{HELD}", quote(low, "estimate"), f" to{HELD}", quote(high, "estimate"))
        yield Line(label, (span, *[Text()] * 6), group, indent=True)


def _notes(source: Source) -> Iterator[Text]:
    for outcome in source.study.outcomes_of(source.trial):
        for analysis in covariances(source, outcome):
            row = source.rows.first(analysis=analysis, outcome=outcome)
            if row is not None and quote(row, "notes without criteria").text:
                covariance = capital(analysis.removeprefix(COVARIANCE))
                of = words(source.outcome(outcome), ", ", covariance)
                yield words(of, ": ", quote(row, "notes without criteria"), ".")


def model_checks(source: Source, name: str = "diagnostics_models") -> Table:
    """Make the table of convergence, influence and residuals of every primary model.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    outcomes = source.study.outcomes_of(source.trial)
    rows = source.rows.where(analysis=(CONVERGENCE, INFLUENCE, RESIDUALS), quantity="test")
    labels = [text for text in rows.values("contrast") if not text.startswith("quantile")]
    lines = []
    for text in labels:
        found = [rows.first(contrast=text, outcome=outcome) for outcome in outcomes]
        some = next(row for row in found if row is not None)
        lines.append(Line(words(quote(some, "contrast")), tuple(_value(row) for row in found)))
    return Table(
        name,
        words("The primary models examined: ", source.trial_label()),
        words("What"),
        tuple(column(source.outcome(outcome)) for outcome in outcomes),
        tuple(lines),
        (words("None of this is a test to be passed: large trials reject any model, small ones "
               "none. Whose influence is largest stands in a restricted file only."),
         *(words(said) for said in (NORMALISED, DECREMENT, INFORMATION, COOK)),
         *_steps(rows)),
    )  # fmt: skip


def _value(row: Row | None) -> Text:
    if row is None or row["estimate"] is None:
        return words("–")
    if row["unit"] == "number" and row["estimate"] >= 1:  # iterations
        return words(quote(row, "count"))
    return words(quote(row, "small" if abs(row["estimate"]) < 0.1 else "estimate"))


def _steps(rows: Rows) -> Iterator[Text]:
    for row in {row["notes"]: row for row in rows.where(analysis=CONVERGENCE)
                if row["notes"]}.values():  # fmt: skip
        yield words("Steps of the fit: ", quote(row, "notes"), ".")
