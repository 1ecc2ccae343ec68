"""What the models beside the primary ones rest on: one left out, other covariances, convergence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ipt_outcomes.tables.comparisons import capital, people
from ipt_outcomes.tables.diagnostics import COOK, DECREMENT
from ipt_outcomes.tables.quotes import HELD, Text, named, quote, words
from ipt_outcomes.tables.responders import CRITERIA
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.source import Source, interval_head
from ipt_outcomes.tables.table import Line, Table, column

_PARTS = "(?P<part>residuals|calibration|convergence|influence|covariance .+)$"
PART = re.compile(r"^diagnostics, (?P<model>.+), " + _PARTS)
OF_PRIMARY = re.compile(r"^diagnostics, " + _PARTS)
BEGIN = "diagnostics, "
_EMPTY = words("–")


@dataclass(frozen=True)
class Examined:
    """The rows about one model of one outcome.

    Parameters
    ----------
    model
        Name of the model's analysis.
    outcome
        Short name of the outcome; None where there is none.
    rows
        Its rows.
    """

    model: str
    outcome: str | None
    rows: Rows

    def part(self, name: str) -> Rows:
        """Return the rows of one part of the diagnostics."""
        return self.rows.where(analysis=f"diagnostics, {self.model}, {name}")

    @property
    def covariances(self) -> list[Rows]:
        """The rows under each covariance, that of the model first."""
        begin = f"diagnostics, {self.model}, covariance "
        names = [name for name in self.rows.values("analysis") if name.startswith(begin)]
        return [self.rows.where(analysis=name) for name in names]


def examined_models(source: Source) -> list[Examined]:
    """Return the models beside the primary ones that were examined, in the rows' order.

    Parameters
    ----------
    source
        Study and rows.
    """
    found: dict[tuple[str, str | None], list[Row]] = {}
    for row in source.rows:
        match = PART.match(row["analysis"])
        if match:
            found.setdefault((match["model"], row["outcome"]), []).append(row)
    return [Examined(model, outcome, Rows(rows)) for (model, outcome), rows in found.items()]


def other_models(source: Source, name: str = "diagnostics_other_models") -> Table:
    """Make the table of the models beside the primary ones, examined.

    Parameters
    ----------
    source
        Study and rows.
    name
        File name of the table.
    """
    models = examined_models(source)
    lines = [line for model in models for line in _lines(source, model)]
    every = [row for model in models for row in model.rows]
    left_out = words("One left out")
    return Table(
        name,
        words("The other models examined: ", source.trial_label()),
        words("Model and comparison"),
        (
            column("n"),
            column("Estimate, ", interval_head(every)),
            column("Lowest", under=left_out),
            column("Highest", under=left_out),
            column("Other covariance"),
            column("Cook's distance, whole model"),
        ),
        tuple(lines),
        (
            words("n: participants in the model. Lowest, highest: the estimates when one "
                  "participant (in the model with therapists or groups: one of them) is left out "
                  "in turn: the model fitted anew, or, of repeated shares and times to events, "
                  "the change approximated. Risk differences are proportions. "
                  "Residuals stand in the lists of rows. None of this is "
                  "a test to be passed."),
            words(COOK),
            *_observed_only(models),
            *_empty(models),
            *_solved(models),
            *_covariances(models),
            *_not_examined(source),
        ),
    )  # fmt: skip


def _lines(source: Source, model: Examined) -> Iterator[Line]:
    outcome = words(": ", source.outcome(model.outcome)) if model.outcome else ""
    cook = model.part("influence").first(unit="Cook's distance")
    whole = _value(cook, "small")
    chosen, *others = model.covariances or [Rows([])]
    first = chosen.first()
    quantity = words(", ", named(first["quantity"])) if first is not None else ""
    group = words(capital(model.model), outcome, quantity)
    for k, row in enumerate(chosen):
        arm = row["arm"]
        ends = list(model.part("influence").where(arm=arm, quantity=row["quantity"]))
        other = next((rows.first(arm=arm) for rows in others), None)
        yield Line(
            _compared(source, row),
            (
                _whole(ends[0] if ends else cook, row),
                _with_interval(row),
                _value(ends[0]) if ends else _EMPTY,
                _value(ends[-1]) if ends else _EMPTY,
                _with_interval(other) if other is not None else _EMPTY,
                whole if k == 0 else Text(),
            ),
            group,
        )
    if not len(chosen) and cook is not None:
        yield Line(words("the whole model"), (people(cook), *[_EMPTY] * 4, whole), group)


def _compared(source: Source, row: Row) -> Text:
    """Name a comparison: differences are minus, ratios against."""
    if row["arm"] is None or row["reference"] is None:
        return words(quote(row, "contrast"))
    if "difference" in str(row["quantity"]):
        return source.difference(row)
    return words(source.group(row["arm"]), " against ", source.group(row["reference"]))


def _whole(of_model: Row | None, row: Row) -> Text:
    """Return how many participants the model has; where that is not told, those of the arms."""
    if of_model is not None and of_model["n_arm"] is not None:
        return words(quote(of_model, "n"))
    return people(row)


def _value(row: Row | None, form: str = "estimate") -> Text:
    if row is None:
        return _EMPTY
    if row["estimate"] is None:
        return words("not shown")
    return words(quote(row, form if abs(row["estimate"]) < 0.1 else "estimate"))


def _with_interval(row: Row) -> Text:
    if row["estimate"] is None:
        return words("not shown")
    if row["lower"] is None:
        return words(quote(row, "estimate"))
    return words(quote(row, "estimate"), HELD, quote(row, "interval"))


def _observed_only(models: list[Examined]) -> Iterator[Text]:
    """Say which models are not those whose results stand elsewhere in the report."""
    names = list(dict.fromkeys(model.model for model in models if model.model in CRITERIA))
    if names:
        yield words(
            capital(", ".join(names)), ": what is examined is the logistic model of the "
            "participants with an observed score. Its numbers differ from those of the table of "
            "response, for which missing scores were imputed."
        )  # fmt: skip


def _empty(models: list[Examined]) -> Iterator[Text]:
    """Say why a line has dashes, and which models have no line."""
    compared = [model for model in models if model.covariances]
    without = [m for m in compared if not m.part("influence").first(unit="Cook's distance")]
    alone = [m for m in models if not m.covariances]
    whole = [m for m in alone if m.part("influence").first(unit="Cook's distance")]
    for found, said in (
        ([m for m in without if m.model == "therapists"],
         "a whole therapist, group or site is left out; Cook's distance, which is about single "
         "participants, is not given"),
        ([m for m in without if m.model != "therapists"], "Cook's distance is not given"),
        (whole, "a course and no single comparison, so that Cook's distance alone is given"),
        ([m for m in alone if m not in whole], "residuals and convergence only, in the lists of "
                                               "rows"),
    ):  # fmt: skip
        names = ", ".join(dict.fromkeys(model.model for model in found))
        if names:
            yield words(capital(names), f": {said}.")


def _solved(models: list[Examined]) -> Iterator[Text]:
    """Quote how near to their maxima the models are: the farthest of them."""
    decrements = [row for model in models if (row := model.part("convergence").first())]
    known = [row for row in decrements if row["estimate"] is not None]
    if known:
        farthest = max(known, key=lambda row: row["estimate"])
        yield words("Newton decrement of all: at most ", quote(farthest, "small"), ". ",
                    DECREMENT)  # fmt: skip


def _covariances(models: list[Examined]) -> Iterator[Text]:
    """Say which covariance the models take, and which the other one is."""
    found: dict[tuple[str, str], list[str]] = {}
    rows: dict[tuple[str, str], tuple[Row, Row]] = {}
    for model in models:
        firsts = [row for under in model.covariances[:2] if (row := under.first()) is not None]
        if len(firsts) == 2:
            pair = (str(firsts[0]["covariance"]), str(firsts[1]["covariance"]))
            rows.setdefault(pair, (firsts[0], firsts[1]))
            names = found.setdefault(pair, [])
            names += [model.model] * (model.model not in names)
    for pair, names in found.items():
        chosen, other = rows[pair]
        yield words(capital(", ".join(names)), ": covariance ", quote(chosen, "covariance"),
                    "; other: ", quote(other, "covariance"), ".")  # fmt: skip


def _not_examined(source: Source) -> Iterator[Text]:
    """Say which models were not examined and why: withheld, refused, or not fitted."""
    for row in [*source.rows, *source.not_fitted]:
        name = row["analysis"]
        if not name.startswith(BEGIN) or PART.match(name) or OF_PRIMARY.match(name):
            continue
        outcome = words(", ", source.outcome(row["outcome"])) if row["outcome"] else ""
        yield words("Not examined: ", named(name.removeprefix(BEGIN)),
                    outcome, ": ", quote(row, "notes"), ".")  # fmt: skip
