"""The section ``trials`` of a draft: the export, its columns, and what its codes mean."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ipt_outcomes.draft.arms import ArmGuess
from ipt_outcomes.draft.exports import ExportRead
from ipt_outcomes.draft.roles import AREAS, Roles
from ipt_outcomes.draft.visits import VisitGuess
from ipt_outcomes.draft.yaml_text import Lines
from ipt_outcomes.ingest.detection import DELIMITERS


def trial_section(
    out: Lines,
    export: ExportRead,
    roles: Roles,
    trial: str,
    arms: Sequence[ArmGuess],
    visits: Sequence[VisitGuess],
) -> None:
    """Write what the export is, and what its columns and codes mean.

    Parameters
    ----------
    out
        Takes the lines.
    export, roles, arms, visits
        What was found out.
    trial
        Short name of the trial.
    """
    out("# --- the trial and its export\ntrials:")
    out.put(1, trial)
    out.put(2, "label", trial.replace("_", " "), check="its name in the report")
    out.put(2, "export")
    out.put(3, "file", export.files[0])
    if len(export.files) > 1:
        out.put(3, "further_files", export.files[1:])
    out.put(3, "format", export.layout, why=_LAYOUTS[export.layout])
    if export.dictionary_file:
        out.put(3, "dictionary", export.dictionary_file)
    if export.catalog:
        out.put(3, "catalog", export.catalog, why="the value labels")
    if export.sheets:
        out.put(3, "sheet", export.sheets if len(export.sheets) > 1 else export.sheets[0])
    described = export.table.described
    if described.get("kind") == "text" and len(export.files) == 1:
        out.put(3, "encoding", described["encoding"], why="found out from the file")
        delimiter = described["delimiter"]
        out(f"      delimiter: {DELIMITERS[delimiter]}    # found out from the file")
    out(f'      decimal: "{export.decimal}"')
    _date_order(out, export, roles)
    out.put(2, "columns")
    for key, column in roles.columns.items():
        unsure = "no column is called like an arm; this one has few values that do not change"
        out.put(3, key, column, check=unsure if key in roles.unsure else "")
    if "arm" not in roles.columns:
        out.put(3, "arm", decide="the column with the arm that participants were randomised to")
    if roles.visit_dates:
        out.put(3, "visit_date")
        for visit, column in roles.visit_dates.items():
            out.put(4, visit, column)
    needs_visit = not any(k in roles.columns for k in ("visit", "visit_date", "visit_day"))
    if needs_visit and any(isinstance(one.columns, str) for one in roles.outcomes):
        out.put(3, "visit", decide="the column that tells the visit")
    _score_columns(out, roles)
    if roles.focus or roles.flags:
        out.put(3, "problem_areas")
        if roles.focus:
            out.put(4, "focus", roles.focus)
        if roles.flags:
            out.put(4, "flags")
            for area, column in roles.flags.items():
                out.put(5, area, column)
    if roles.characteristics:
        out.put(3, "characteristics")
        for name, one in roles.characteristics.items():
            out.put(4, name, one.name)
    if roles.candidates:
        listed = ", ".join(roles.candidates[:15])
        out(f"      # Also the same in all rows of a participant: {listed}")
    if roles.identifiers:
        named = ", ".join(roles.identifiers)
        out(f"      # Export again without these, which look like direct identifiers: {named}")
    _codes(out, export, roles, arms, visits)
    out()


_LAYOUTS = {
    "long": "several rows per participant",
    "wide": "one row per participant",
    "redcap": "REDCap's own columns are there",
    "qualtrics": "the row of import ids is there",
    "adam": "PARAMCD and AVAL are there",
    "sdtm": "QSTESTCD is there",
}


def _date_order(out: Lines, export: ExportRead, roles: Roles) -> None:
    names = [column for key, column in roles.columns.items() if key.endswith("_date")]
    dated = [export.columns[name] for name in (*names, *roles.visit_dates.values())]
    orders = [set(one.orders) for one in dated if one.orders]
    common = set.intersection(*orders) if orders else set()
    if len(common) == 1:
        out.put(2, "dates", common.pop())
    elif common:
        out.put(2, "dates", decide=f"{' or '.join(sorted(common))}: the dates can be read as both")


def _score_columns(out: Lines, roles: Roles) -> None:
    totals = [one for one in roles.outcomes if one.columns is not None]
    if totals:
        out.put(3, "outcomes")
        for one in totals:
            if isinstance(one.columns, str):
                out.put(4, one.name, one.columns)
            elif one.columns:
                out.put(4, one.name)
                for visit, column in one.columns.items():
                    out.put(5, visit, column)
    with_items = [one for one in roles.outcomes if one.items]
    if with_items:
        out.put(3, "items")
        for one in with_items:
            if all(isinstance(of, dict) for of in one.items.values()):
                out.put(4, one.name)
                for at_visit, numbered in one.items.items():
                    out.put(5, str(at_visit), _series(list(numbered.values())))  # type: ignore[union-attr]
            else:
                out.put(4, one.name, _series([str(column) for column in one.items.values()]))


def _series(columns: list[str]) -> str | list[str]:
    """Write ``a_1 ... a_17`` as ``a_{1..17}``, where that says the same."""
    for match in re.finditer(r"\d+", columns[0]):
        before, after = columns[0][: match.start()], columns[0][match.end() :]
        width = len(match[0])
        numbers = [f"{n:0{width}d}" for n in range(int(match[0]), int(match[0]) + len(columns))]
        if columns == [f"{before}{number}{after}" for number in numbers]:
            return f"{before}{{{numbers[0]}..{numbers[-1]}}}{after}"
    return columns


def _codes(
    out: Lines,
    export: ExportRead,
    roles: Roles,
    arms: Sequence[ArmGuess],
    visits: Sequence[VisitGuess],
) -> None:
    out.put(2, "codes")
    out.put(3, "arm")
    for arm in arms:
        out.put(4, arm.code, arm.name)
    coded = [(code, visit) for visit in visits for code in visit.codes]
    if "visit" in roles.columns and coded:
        out.put(3, "visit")
        for code, visit in coded:
            out.put(4, code, visit.name if visit.planned else "none",
                    why="" if visit.planned else "no scores stand in these rows")  # fmt: skip
    if roles.focus:
        out.put(3, "problem_area")
        for code, area in _areas(export, roles).items():
            out.put(4, code, area)
    stated = [
        one for one in roles.outcomes
        if one.items and any(d.reverse and d.reverse.must_be_stated for d in one.definitions)
    ]  # fmt: skip
    if stated:
        out.put(3, "already_reversed")
        for one in stated:
            out.put(4, one.name, decide="true when the reverse-keyed items hold the scored values, "
                    "false when they hold what was ticked")  # fmt: skip
    missing = {column: codes for one in roles.outcomes for column, codes in one.missing.items()}
    if missing:
        out.put(3, "missing")
        for column, codes in missing.items():
            out.put(4, column, codes, check="outside the instrument's range, or no number")


def _areas(export: ExportRead, roles: Roles) -> dict[str, str]:
    labels = export.columns[str(roles.focus)].labels
    return {
        code: area
        for code, label in labels.items()
        for area, words in AREAS.items()
        if re.search(words, label.lower())
    }
