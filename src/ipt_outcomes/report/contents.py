"""What a report says, as a tree of sections: the same for the page, the Word file and the PDF.

Each number is quoted from a row of the estimates table; nothing is laid out here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from ipt_outcomes.report import sentences, summary
from ipt_outcomes.report.checklists import checklist_tables
from ipt_outcomes.report.explore import explore_areas, explore_means, explore_shifts
from ipt_outcomes.report.findings import findings
from ipt_outcomes.report.pieces import (
    EmbeddedFigure,
    ReportPieces,
    TrialPieces,
    counts_in_words,
    embed,
)
from ipt_outcomes.report.pieces import scores_by_visit as count_by_visit
from ipt_outcomes.report.pooling import synthesis_section
from ipt_outcomes.report.references import references
from ipt_outcomes.report.section import Section
from ipt_outcomes.report.topics import (
    AFTER_OUTCOMES,
    BEFORE_OUTCOMES,
    PROBLEM_AREAS,
    Topic,
    claimed,
)
from ipt_outcomes.study import Study
from ipt_outcomes.tables.catalogue import make_tables, means_name
from ipt_outcomes.tables.problem_areas import NOT_RANDOMISED
from ipt_outcomes.tables.quotes import Text, named, words
from ipt_outcomes.tables.source import AS_RANDOMISED, Source
from ipt_outcomes.tables.table import Table


class _Shelf:
    """The figures and tables of a trial, each given out once."""

    def __init__(self, figures: Mapping[str, EmbeddedFigure], tables: Mapping[str, Table]) -> None:
        self.figures = dict(figures)
        self.tables = {name: table for name, table in tables.items() if table.lines}

    def take_figures(self, *beginnings: str) -> list[EmbeddedFigure]:
        return [self.figures.pop(name) for name in claimed(self.figures, beginnings)]

    def take_tables(self, *beginnings: str) -> list[Table]:
        return [self.tables.pop(name) for name in claimed(self.tables, beginnings)]


def report_sections(pieces: ReportPieces) -> list[Section]:
    """Return the sections of a report."""
    study, estimates = pieces.study, pieces.estimates
    sources = {trial: Source.of(study, estimates, trial) for trial in pieces.trials}
    several = len(sources) > 1
    sections = [_summary(sources, several)]
    for trial, own in pieces.trials.items():
        sections.append(_results(study, estimates, trial, own, sources[trial]))
    for name, figures in pieces.syntheses.items():
        part = synthesis_section(study, name, estimates, figures)
        sections[0].paragraphs.append(words(named(study.synthesis[name].label), ": ",
                                            part.paragraphs[0]))  # fmt: skip
        sections.append(part)
    sections.append(_method_section(sources, several))
    sections.append(_deviations(pieces.locked_plan, pieces.deviations))
    sections.append(_limits(sources, pieces.locked_plan))
    sections.append(references(sections))
    sections.append(_checklists(sections, study))
    return sections


def _summary(sources: Mapping[str, Source], several: bool) -> Section:
    section = Section("summary", words("Summary"), kind="lead")
    for source in sources.values():
        outcome = source.study.primary_outcome
        prefix = words(source.trial_label(), ": ") if several else ""
        texts = [
            words(prefix, sentences.plain_result(source, outcome)),
            summary.question(source),
            sentences.endpoint_result(source, outcome),
            sentences.how_sure(source, outcome),
        ]
        if sentences.has_result(source, outcome):
            texts += [summary.responders(source), *summary.robustness(source)]
        texts.append(summary.harms(source))
        section.paragraphs += [text for text in texts if text]
    return section


def _results(
    study: Study, estimates: pd.DataFrame, trial: str, pieces: TrialPieces, source: Source
) -> Section:
    shelf = _Shelf(
        {figure.name: figure for figure in map(embed, pieces.figures)},
        make_tables(study=study, estimates=estimates, trial=trial),
    )
    result = Section(trial, words(source.trial_label()))
    result.sections += [_topic(topic, trial, shelf) for topic in BEFORE_OUTCOMES]
    result.sections += [
        _outcome(source, outcome, f"{trial}-{outcome}", shelf)
        for outcome in study.outcomes_of(trial)
    ]
    areas = _topic(PROBLEM_AREAS, trial, shelf)
    if areas.shows_something:
        areas.paragraphs.append(words(NOT_RANDOMISED))
        areas.charts += explore_areas(source)
    for topic in AFTER_OUTCOMES:
        section = _topic(topic, trial, shelf)
        section.paragraphs += findings(source, topic.key)
        if topic.key == "medication":
            result.sections.append(areas)
            section.marked = "" if _confirmatory(source) else "Exploratory"
        if topic.key == "robustness":
            section.paragraphs += summary.robustness(source)
            section.charts += explore_shifts(source)
        result.sections.append(section)
    result.sections = [section for section in result.sections if section.shows_something]
    figures, tables = shelf.take_figures(""), shelf.take_tables("")
    if figures or tables:
        further = Section(f"{trial}-further", words("Further analyses"), figures=figures,
                          folded=tables)  # fmt: skip
        result.sections.append(further)
    if pieces.data_quality:
        result.sections.append(_data_quality(study, trial, f"{trial}-data", pieces))
    return result


def _confirmatory(source: Source) -> bool:
    rows = source.rows.where(analysis="medication")
    return any(row["status"] == "confirmatory" for row in rows)


def _topic(topic: Topic, trial: str, shelf: _Shelf) -> Section:
    return Section(
        f"{trial}-{topic.key}",
        words(topic.title),
        [words(topic.intro)] if topic.intro else [],
        marked=topic.marked,
        figures=shelf.take_figures(*topic.figures),
        tables=shelf.take_tables(*topic.tables),
        folded=shelf.take_tables(*topic.folded),
    )


def _outcome(source: Source, outcome: str, key: str, shelf: _Shelf) -> Section:
    study = source.study
    settings = study.outcomes[outcome]
    main = means_name(outcome, study.primary_estimand, AS_RANDOMISED)
    tables = [shelf.tables.pop(main)]
    endpoint = shelf.tables.pop(f"endpoint_differences_{outcome}")
    if len(endpoint.blocks()) > 1:
        tables.append(endpoint)
    return Section(
        key,
        words(f"{settings.role.capitalize()} outcome: ", source.outcome(outcome)),
        [
            words(named(settings.label), ", in ", source.unit(outcome), "; ",
                  f"{source.direction(outcome)}."),
            sentences.endpoint_result(source, outcome),
        ],
        figures=shelf.take_figures(f"adjusted_means_{outcome}"),
        charts=explore_means(source, outcome),
        tables=tables,
        folded=shelf.take_tables(f"observed_{outcome}", f"adjusted_means_{outcome}__"),
    )  # fmt: skip


def _data_quality(study: Study, trial: str, key: str, pieces: TrialPieces) -> Section:
    about = pieces.data_quality
    paragraphs = []
    if isinstance(about.get("file"), str):
        file = named(Path(about["file"]).name)
        paragraphs.append(words("Export: ", file, " (", named(about.get("format", "")), ")."))
    by_visit = count_by_visit(study, trial, about)
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


def _deviations(locked_plan: str | None, deviations: Sequence[str]) -> Section:
    section = Section("deviations", words("Deviations from the analysis plan"))
    if locked_plan is None:
        text = words("No plan is locked, so there is nothing that the analysis could be held "
                     "against; a plan is locked with the command ipt lock.")  # fmt: skip
    elif deviations:
        text = words("Since the plan was locked (", named(locked_plan), ") these things were "
                     "changed; every result that they touch is marked exploratory.")  # fmt: skip
        section.bullets += [words(named(deviation)) for deviation in deviations]
    else:
        text = words("The analysis is that of the locked plan (", named(locked_plan), ").")
    section.paragraphs.append(text)
    return section


def _checklists(sections: Sequence[Section], study: Study) -> Section:
    """Hold the report against the reporting checklists."""
    parts: dict[str, Text] = {"provenance": words("Software and provenance")}

    def note(section: Section, trial: str) -> None:
        key = section.key.removeprefix(f"{trial}-")
        parts.setdefault("outcome" if key in study.outcomes else key, section.title)
        for part in section.sections:
            note(part, section.key if section.key in study.trials else trial)

    for section in sections:
        note(section, "")
    if any(table.name.startswith("analysis_blinding") for table in _all_tables(sections)):
        parts["blinding"] = parts.get("delivery", words("Further analyses"))
    return Section(
        "checklists",
        words("Reporting checklists"),
        [words("Which items of the reporting checklists this report answers, and what only the "
               "authors can write.")],
        folded=list(checklist_tables(parts)),
    )  # fmt: skip


def _all_tables(sections: Iterable[Section]) -> Iterator[Table]:
    for section in sections:
        yield from (*section.tables, *section.folded)
        yield from _all_tables(section.sections)


def _limits(sources: Mapping[str, Source], locked_plan: str | None) -> Section:
    section = Section("limitations", words("Limitations"))
    for source in sources.values():
        for text in sentences.limitations(source, locked_plan):
            if text not in section.bullets:
                section.bullets.append(text)
    return section
