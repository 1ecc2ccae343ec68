"""Putting the report together: which sections a trial has, in the order of a paper.

The page is a pure function of what it is given; it holds no date, so the same results give the
same bytes.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ipt_outcomes.report import sentences
from ipt_outcomes.report.pieces import (
    EmbeddedFigure,
    TrialPieces,
    counts_in_words,
    embed,
    scores_by_visit,
)
from ipt_outcomes.study import Study
from ipt_outcomes.tables.catalogue import make_tables, means_name, table_names
from ipt_outcomes.tables.problem_areas import NOT_RANDOMISED
from ipt_outcomes.tables.quotes import Text, named, words
from ipt_outcomes.tables.source import AS_RANDOMISED, Source
from ipt_outcomes.tables.table import Table

TEMPLATES = Path(__file__).parent / "templates"


@dataclass
class Section:
    """A part of the page.

    Parameters
    ----------
    key
        Its anchor.
    title
        Its heading.
    paragraphs
        Text before figures and tables.
    marked
        A label of its standing, such as "exploratory".
    kind
        How it looks: "lead" for the summary.
    bullets
        Points of a list.
    figures, tables
        What is shown.
    folded
        Tables that are shown when asked for.
    counts
        Words and counts, shown as a list.
    sections
        Parts of it.
    """

    key: str
    title: Text
    paragraphs: list[Text] = field(default_factory=list)
    marked: str = ""
    kind: str = ""
    bullets: list[Text] = field(default_factory=list)
    figures: list[EmbeddedFigure] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    folded: list[Table] = field(default_factory=list)
    counts: list[tuple[Text, Text]] = field(default_factory=list)
    sections: list[Section] = field(default_factory=list)


class Numbering:
    """Counts figures and tables in the order in which the page shows them."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def __call__(self, kind: str) -> str:
        """Return the next label of a kind, such as "Table 3" or "Table S2"."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        space = "" if kind.endswith(" S") else " "
        return f"{kind}{space}{self._counts[kind]}"


def render_report(
    *,
    study: Study,
    estimates: pd.DataFrame,
    trials: Mapping[str, TrialPieces],
    provenance: Mapping[str, Mapping[str, str]],
    path: str | Path,
    locked_plan: str | None = None,
    deviations: Sequence[str] = (),
    masked: bool = False,
) -> None:
    """Write the report of a study as one HTML file that needs nothing else.

    Parameters
    ----------
    study
        The configuration.
    estimates
        The estimates table of all trials; restricted rows are not read.
    trials
        Trial: its figures and what was counted of its data.
    provenance
        Heading: {name: value}, such as the versions of the software.
    path
        Where to write; the file appears whole or not at all.
    locked_plan
        Name of the locked analysis plan; None when there is none, and then everything is
        exploratory.
    deviations
        Changes of the plan since it was locked, in words.
    masked
        Whether the arms were dealt out anew at random, so that no number is a result.
    """
    page = report_html(
        study=study,
        estimates=estimates,
        trials=trials,
        provenance=provenance,
        locked_plan=locked_plan,
        deviations=deviations,
        masked=masked,
    )
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(page, "utf-8")
    os.replace(temporary, path)


def report_html(
    *,
    study: Study,
    estimates: pd.DataFrame,
    trials: Mapping[str, TrialPieces],
    provenance: Mapping[str, Mapping[str, str]],
    locked_plan: str | None = None,
    deviations: Sequence[str] = (),
    masked: bool = False,
) -> str:
    """Return the report as text; the arguments are those of :func:`render_report`."""
    sources = {trial: Source.of(study, estimates, trial) for trial in trials}
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    several = len(trials) > 1
    sections = [_summary(sources, several)]
    for trial, pieces in trials.items():
        sections.append(_results(study, estimates, trial, pieces, sources[trial]))
    sections.append(_method_section(sources, several))
    sections.append(_limits(sources, locked_plan))
    return environment.get_template("report.html.j2").render(
        study=study,
        sections=sections,
        provenance=provenance,
        exploratory=locked_plan is None,
        locked_plan=locked_plan,
        deviations=deviations,
        masked=masked,
        number=Numbering(),
        style=Markup((TEMPLATES / "style.css").read_text("utf-8")),
    )


def _summary(sources: Mapping[str, Source], several: bool) -> Section:
    section = Section("summary", words("Summary"), kind="lead")
    for source in sources.values():
        outcome = source.study.primary_outcome
        prefix = words(source.trial_label(), ": ") if several else ""
        section.paragraphs.append(words(prefix, sentences.plain_result(source, outcome)))
        section.paragraphs.append(sentences.endpoint_result(source, outcome))
        if sure := sentences.how_sure(source, outcome):
            section.paragraphs.append(sure)
    return section


def _results(
    study: Study, estimates: pd.DataFrame, trial: str, pieces: TrialPieces, source: Source
) -> Section:
    figures = {figure.name: figure for figure in map(embed, pieces.figures)}
    tables = make_tables(study=study, estimates=estimates, trial=trial)
    planned = table_names(study, trial)

    def key(name: str) -> str:
        return f"{trial}-{name}"

    def shown(name: str) -> list[EmbeddedFigure]:
        return [figures[name]] if name in figures else []

    result = Section(trial, words(source.trial_label()))
    result.sections += [
        Section(key("estimands"), words("Questions asked"), tables=[tables["estimands"]]),
        Section(
            key("participants"),
            words("Participants"),
            figures=shown("participant_flow"),
            tables=[tables["baseline"]],
            folded=[tables["participant_flow"]],
        ),
    ]
    for outcome in study.outcomes_of(trial):
        result.sections.append(_outcome(source, outcome, key(outcome), tables, shown))
    if "problem_areas" in tables:
        result.sections.append(
            Section(
                key("problem-areas"),
                words("Problem areas"),
                [words(NOT_RANDOMISED)],
                marked="Observational, exploratory",
                figures=shown("problem_areas"),
                tables=[tables["problem_areas"]],
            )
        )
    if "medication" in tables:
        result.sections.append(
            Section(
                key("medication"),
                words("IPT and medication"),
                marked="" if _confirmatory(source) else "Exploratory",
                figures=shown("medication"),
                tables=[tables["medication"]],
            )
        )
    if further := [table for name, table in tables.items() if name not in planned]:
        result.sections.append(Section(key("further"), words("Further analyses"), folded=further))
    if pieces.data_quality:
        result.sections.append(_data_quality(study, trial, key("data"), pieces))
    return result


def _confirmatory(source: Source) -> bool:
    rows = source.rows.where(analysis="medication")
    return any(row["status"] == "confirmatory" for row in rows)


def _outcome(
    source: Source,
    outcome: str,
    key: str,
    tables: Mapping[str, Table],
    shown: Callable[[str], list[EmbeddedFigure]],
) -> Section:
    study = source.study
    settings = study.outcomes[outcome]
    main = means_name(outcome, study.primary_estimand, AS_RANDOMISED)
    start = f"adjusted_means_{outcome}__"
    endpoint = tables[f"endpoint_differences_{outcome}"]
    others = [table for name, table in tables.items() if name.startswith(start) and name != main]
    return Section(
        key,
        words(f"{settings.role.capitalize()} outcome: ", source.outcome(outcome)),
        [
            words(
                named(settings.label),
                ", in ",
                source.unit(outcome),
                "; ",
                f"{source.direction(outcome)}.",
            ),
            sentences.endpoint_result(source, outcome),
        ],
        figures=shown(f"adjusted_means_{outcome}"),
        tables=[tables[main], *([endpoint] if len(endpoint.blocks()) > 1 else [])],
        folded=[tables[f"observed_{outcome}"], *others],
    )


def _data_quality(study: Study, trial: str, key: str, pieces: TrialPieces) -> Section:
    about = pieces.data_quality
    paragraphs = []
    if isinstance(about.get("file"), str):
        file = named(Path(about["file"]).name)
        paragraphs.append(words("Export: ", file, " (", named(about.get("format", "")), ")."))
    by_visit = scores_by_visit(study, trial, about)
    return Section(
        key,
        words("Data quality"),
        paragraphs,
        counts=counts_in_words(study, about),
        tables=[by_visit] if by_visit is not None else [],
    )


def _method_section(sources: Mapping[str, Source], several: bool) -> Section:
    section = Section("methods", words("Methods"))
    for trial, source in sources.items():
        texts = sentences.methods(source)
        if several:
            part = Section(f"methods-{trial}", words(source.trial_label()), texts)
            section.sections.append(part)
        else:
            section.paragraphs += texts
    return section


def _limits(sources: Mapping[str, Source], locked_plan: str | None) -> Section:
    section = Section("limitations", words("Limitations"))
    for source in sources.values():
        for text in sentences.limitations(source, locked_plan):
            if text not in section.bullets:
                section.bullets.append(text)
    return section
