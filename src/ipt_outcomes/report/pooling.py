"""A synthesis in the report: the pooled effect in a sentence, figures, tables and assumptions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from ipt_outcomes.figures.pooling import pooling_figures
from ipt_outcomes.report.pieces import embed
from ipt_outcomes.report.section import Section
from ipt_outcomes.study import Study
from ipt_outcomes.study.synthesis import Synthesis
from ipt_outcomes.tables.pooling import (
    HEADLINE,
    ONE_STAGE,
    POOLED,
    PREDICTION,
    SCALES,
    pooling_tables,
)
from ipt_outcomes.tables.quotes import Part, Text, named, quote, words
from ipt_outcomes.tables.rows import Row, Rows
from ipt_outcomes.tables.writing import save_table

FOLDED = ("pooled_leave_one_out",)
"""Tables that are shown when asked for."""


def save_synthesis(
    study: Study, name: str, rows: pd.DataFrame, figures: str | Path, tables: str | Path
) -> None:
    """Draw the figures and set the tables of a synthesis.

    Parameters
    ----------
    study
        The configuration.
    name
        Short name of the synthesis.
    rows
        Its rows of the estimates table.
    figures, tables
        Folders to write.
    """
    for figure, drawing in pooling_figures(study, name, rows).items():
        drawing.save(Path(figures, figure))
    for table in pooling_tables(study, name, rows).values():
        save_table(table, Path(tables, table.name))


def synthesis_section(
    study: Study, name: str, estimates: pd.DataFrame, figures: Sequence[str | Path]
) -> Section:
    """Give the part of the report about one synthesis.

    Parameters
    ----------
    study
        The configuration.
    name
        Short name of the synthesis.
    estimates
        The estimates table.
    figures
        The ``.json`` files of its figures.
    """
    plan, rows = study.synthesis[name], Rows.of(estimates, name)
    tables = pooling_tables(study, name, estimates)
    headline = rows.first(analysis=HEADLINE, contrast=POOLED)
    exploratory = headline is None or headline["status"] == "exploratory"
    section = Section(
        f"synthesis-{name}",
        words("Several trials: ", named(plan.label)),
        [text for text in (pooled_result(plan, rows), *_more(plan, rows)) if text],
        marked="Exploratory" if exploratory else "",
        figures=[embed(path) for path in figures],
        tables=[table for key, table in tables.items() if key not in FOLDED],
        folded=[table for key, table in tables.items() if key in FOLDED],
    )
    section.sections.append(
        Section(f"synthesis-{name}-assumptions", words("What this rests on"),
                bullets=list(_assumptions(plan, rows)))
    )  # fmt: skip
    return section


def pooled_result(plan: Synthesis, rows: Rows) -> Text:
    """Say the pooled effect in one sentence.

    Parameters
    ----------
    plan
        The synthesis of the configuration.
    rows
        Its rows of the estimates table.
    """
    row = rows.first(analysis=HEADLINE, contrast=POOLED)
    if row is None or row["estimate"] is None:
        return words("The trials could not be pooled.")
    counts = {
        what: rows.first(analysis=HEADLINE, quantity="count", contrast=what)
        for what in ("trials", "comparisons", "participants")
    }
    known = [words(quote(found, "count"), f" {what}") for what, found in counts.items()
             if found is not None]  # fmt: skip
    over: list[Part] = ["Over ", known[0]] if known else ["Over all trials"]
    if len(known) > 1:
        over += [" (", *(part for text in known[1:-1] for part in (text, ", ")), known[-1], ")"]
    of_test = words(", t(", quote(row, "df"), ") = " if row["df"] is not None else "")
    if row["df"] is None:
        of_test = words(", z = ")
    return words(
        *over, ", ", named(plan.comparison), ": ", SCALES[plan.measure], " ",
        quote(row, "estimate"), _unit(row), ", ", quote(row, "level"), " CI ",
        quote(row, "interval"), of_test, quote(row, "statistic"), ", p ",
        quote(row, "p equation"), ". ", _sureness(row), " ", _way(plan),
    )  # fmt: skip


def _unit(row: Row) -> Text:
    plain = row["unit"] in (None, "SD", "ratio", "proportion")
    return Text() if plain else words(" ", named(row["unit"]))


def _sureness(row: Row) -> str:
    none, word = (1, "one") if row["unit"] == "ratio" else (0, "zero")
    if row["lower"] is None or row["upper"] is None:
        return ""
    if row["lower"] <= none <= row["upper"]:
        return f"The interval contains {word}: the trials leave open which side does better."
    return f"The interval does not contain {word}."


def _way(plan: Synthesis) -> str:
    if plan.measure == "g":
        return "A positive value favours the first of the two compared."
    if plan.measure in ("md", "rd"):
        return "A negative value is a lower score or fewer events with the first of the two."
    return "A ratio above one means more events with the first of the two compared."


def _more(plan: Synthesis, rows: Rows) -> Iterator[Text]:
    """Say what a new trial may expect, how far trials differ, and what one model gives."""
    headline = rows.where(analysis=HEADLINE)
    expected = headline.first(contrast=PREDICTION)
    if expected is not None and expected["lower"] is not None:
        yield words("In a new trial like these the effect would lie within ",
                    quote(expected, "interval"), " (", quote(expected, "level"),
                    " prediction interval).")  # fmt: skip
    tau2 = next((row for row in headline.where(quantity="variance") if "τ²" in row["contrast"]),
                None)  # fmt: skip
    if tau2 is not None:
        interval: Part = (
            words(" ", quote(tau2, "three decimal interval")) if tau2["lower"] is not None else ""
        )
        yield words("Effects differ between trials with a variance τ² of ",
                    quote(tau2, "three decimals"), interval, ".")  # fmt: skip
    left = [row for row in rows.where(analysis=f"{HEADLINE}, check: leave one out")
            if row["contrast"] == POOLED and row["estimate"] is not None]  # fmt: skip
    if left:
        least = min(left, key=lambda row: row["estimate"])
        most = max(left, key=lambda row: row["estimate"])
        yield words("Leaving out one trial at a time moves the pooled effect between ",
                    quote(least, "estimate"), " (", quote(least, "subgroup"), ") and ",
                    quote(most, "estimate"), " (", quote(most, "subgroup"), ").")  # fmt: skip
    test = next((row for row in headline if str(row["contrast"]).startswith("small-study")), None)
    if test is not None and test["method"] == "not done":
        yield words("Small-study effects were not tested: ", quote(test, "notes"), ".")
    elif test is not None:
        yield words("Test for small-study effects (", quote(test, "method"), "): p ",
                    quote(test, "p equation"), ".")  # fmt: skip
    for row in rows.where(analysis=ONE_STAGE, method="not done"):
        yield words("One model of all participants was not fitted: ", quote(row, "notes"), ".")


def _assumptions(plan: Synthesis, rows: Rows) -> Iterator[Text]:
    row = rows.first(analysis=HEADLINE, contrast=POOLED)
    if row is not None:
        yield words(
            "The trials are taken as drawn from those that could have been made, their true "
            "effects as spread about one mean. Model: ", quote(row, "method"), ".",
        )  # fmt: skip
        if row["notes"]:
            yield words("Of the effects: ", quote(row, "notes"), ".")
    if plan.published is not None:
        yield words(
            "Published effects rest on what papers report: what was not reported, or never "
            "published, is not here, and no test can show that nothing is missing."
        )
    if plan.own is not None and plan.published is not None:
        yield words(
            "Effects of own trials come from their participants' data by the primary analysis; "
            "published ones from summary data, most of them without the baseline."
        )
    if plan.measure == "g":
        yield words(
            "That different scales measure the same thing is a judgement; a standardised effect "
            "also depends on how alike the participants of a trial were."
        )
