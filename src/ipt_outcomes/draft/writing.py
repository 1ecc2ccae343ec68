"""The draft itself: a commented ``config.yaml``, section by section.

A line is sure, or carries ``# check:`` (guessed, and why), or holds the word ``DECIDE`` with
``# decide:`` (only the researcher knows). A configuration in which that word is left does not run.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ipt_outcomes.draft.arms import ArmGuess, arm_guesses
from ipt_outcomes.draft.exports import DraftError, ExportRead, read_exports
from ipt_outcomes.draft.outcomes import OutcomeGuess, short_name
from ipt_outcomes.draft.roles import Roles, baseline_columns, guess_roles
from ipt_outcomes.draft.trial_section import trial_section
from ipt_outcomes.draft.visits import VisitGuess, visit_guesses
from ipt_outcomes.draft.yaml_text import Lines, inline, scalar
from ipt_outcomes.study.reading import UNDECIDED


@dataclass(frozen=True)
class Decision:
    """Something that only the researcher can decide.

    Parameters
    ----------
    line
        Line of the draft.
    key
        The last part of the key.
    question
        What to decide.
    """

    line: int
    key: str
    question: str


@dataclass(frozen=True)
class Draft:
    """A drafted configuration.

    Parameters
    ----------
    text
        The file's text.
    decisions
        What is left to decide.
    checks
        How many lines are guesses to be checked.
    """

    text: str
    decisions: list[Decision]
    checks: int


def draft_config(
    paths: Sequence[str | Path], folder: str | Path = ".", *, sheets: Sequence[str] = ()
) -> Draft:
    """Draft a configuration for an export.

    Parameters
    ----------
    paths
        Files of the export; REDCap's data dictionary may be among them.
    folder
        Where ``config.yaml`` will stand; files are named relative to it.
    sheets
        Sheets of a workbook, where more than one holds data.

    Returns
    -------
    Draft
        The text, and what is left to decide.

    Raises
    ------
    DraftError
        When the export cannot be read.

    Examples
    --------
    >>> draft = draft_config(["data/example/redcap_export.csv"])  # doctest: +SKIP
    >>> draft.decisions[0].question  # doctest: +SKIP
    'the psychotherapy of this arm'
    """
    if not paths:
        raise DraftError("Name at least one file of the export: ipt init EXPORT.")
    export = read_exports([Path(path) for path in paths], Path(folder), sheets)
    roles = guess_roles(export)
    if not roles.outcomes:
        raise DraftError(
            "No draft can be made: no column holds numbers that change within participants. "
            "Name the file with the scores, one row per assessment or one column per visit."
        )
    arms, visits = arm_guesses(export, roles), visit_guesses(export, roles)
    out = Lines()
    trial = short_name(Path(export.files[0]).stem)
    _head(out, export, trial)
    trial_section(out, export, roles, trial, arms, visits)
    _arms(out, arms)
    _visits(out, visits, baseline_columns(roles))
    _outcomes(out, roles)
    _characteristics(out, roles)
    _estimands(out, visits)
    _analyses(out, roles)
    text = out.text()
    return Draft(text, _decisions(text), out.checks)


def _decisions(text: str) -> list[Decision]:
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        before, _, question = line.partition("# decide: ")
        if question and UNDECIDED in before:
            found.append(Decision(number, before.partition(":")[0].strip(), question))
    return found


def _head(out: Lines, export: ExportRead, trial: str) -> None:
    names = ", ".join(export.files)
    seed = zlib.crc32("".join(sorted(export.table.cells.columns)).encode()) % 10**8
    out(f"""# A draft for {names}, made by `ipt init`. Nothing in it is final.
#
# {UNDECIDED}   = only you know; the study does not run before every {UNDECIDED} is replaced.
# check:   = guessed, with the reason beside it: look at it once.
# All other lines were read off the export. What every key means, and what more there is, is told
# in the config.yaml of the example study. When all is decided:
#     snakemake check      reads the export and lists what is wrong with the data; no analysis
#     snakemake            everything

config_version: 1

study:""")
    out.put(1, "title", f"Trial {trial}", check="the title of the report")
    out.put(1, "seed", seed, why="any whole number; never changed to obtain another result")
    out()


def _arms(out: Lines, arms: Sequence[ArmGuess]) -> None:
    out("# --- what was compared: each arm by its components (a name, or none)\narms:")
    for arm in arms:
        out.put(1, arm.name)
        out.put(2, "label", arm.label, why=f"{arm.participants} participants")
        for key, value, what in (
            ("psychotherapy", arm.psychotherapy, "the psychotherapy of this arm, or none"),
            ("medication", arm.medication, "the medication of this arm, or none"),
        ):
            if value is None:
                out.put(2, key, decide=what)
            else:
                out.put(2, key, value, check="read off the label")
        if arm.psychotherapy == "none":
            out.put(2, "format", "none")
    reference = [arm.name for arm in arms if arm.is_control]
    if len(reference) == 1:
        out.put(0, "reference_arm", reference[0], check="its label is that of a control")
    else:
        names = ", ".join(arm.name for arm in arms)
        out.put(0, "reference_arm", decide=f"the arm that the others are compared with ({names})")
    out()


def _visits(out: Lines, visits: Sequence[VisitGuess], before: Mapping[str, str]) -> None:
    out("# --- planned assessments, in weeks since randomisation\nvisits:")
    for visit in visits:
        if not visit.planned:
            continue
        out.put(1, visit.name)
        out.put(2, "label", visit.label)
        if visit.assumed:
            out.put(2, "week", visit.week, check="no visit is called a baseline; this is the first")
        elif visit.week is None:
            out.put(2, "week", decide=f"weeks from randomisation to {visit.label}")
        else:
            out.put(2, "week", visit.week)
        if visit.window is not None:
            out.put(2, "window_days", list(visit.window),
                    check="half-way to the neighbours: take the protocol's windows")  # fmt: skip
        if visit.assumed and before:
            out.put(2, "phase", decide=_which_baseline(visit, before))
        elif visit.assumed:
            out.put(2, "phase", visit.phase,
                    check="only if treatment had not begun: without a baseline score there is no "
                    "primary analysis")  # fmt: skip
        elif visit.phase is None:
            out.put(2, "phase", decide="treatment or follow-up")
        elif visit.phase == "treatment":
            out.put(2, "phase", visit.phase, check="or follow-up")
        elif visit.week and visit.phase == "follow-up":
            out.put(2, "phase", visit.phase, check="or treatment")
        else:
            out.put(2, "phase", visit.phase)
    out()


def _which_baseline(visit: VisitGuess, before: Mapping[str, str]) -> str:
    """Ask what the baseline is: the first visit, or a column beside the visits."""
    columns = ", ".join(before.values())
    return (
        f"baseline only if treatment had not begun at {visit.label}. The score before treatment "
        f"seems to be {columns}, the same in all rows of a participant: give it a row of its own "
        "for each participant in the export, as the earliest visit, and draft anew"
    )


def _outcomes(out: Lines, roles: Roles) -> None:
    out("# --- outcomes: one is primary\noutcomes:")
    for one in roles.outcomes:
        out.put(1, one.name)
        names = " or ".join(d.name for d in one.definitions)
        first = one.definitions[0] if one.definitions else None
        known = first.title if first and len(one.definitions) == 1 else ""
        out.put(
            2, "label", known or one.question or one.name, check="" if known else "its full name"
        )
        out.put(2, "short_label", first.name if first and len(one.definitions) == 1 else one.name,
                check=f"which version: {names}" if len(one.definitions) > 1 else "")  # fmt: skip
        if first and len(one.definitions) == 1:
            out.put(2, "instrument", first.name)
        elif one.items:
            choice = f"which of {names}" if names else "its name in the registry of instruments"
            out.put(2, "instrument", decide=f"the instrument, to score its items: {choice}")
        if len(roles.outcomes) == 1:
            out.put(2, "role", "primary", why="the only one")
        else:
            out.put(2, "role", decide="primary (one of them) or secondary")
        _range(out, one, names)
        out.put(2, "higher_is", first.higher_is if first else "worse",
                check="" if first else "worse or better")  # fmt: skip
    out()


def _range(out: Lines, one: OutcomeGuess, names: str) -> None:
    seen = f"{one.observed[0]:g} to {one.observed[1]:g} in the data" if one.observed else "not seen"
    if one.range is not None:
        out.put(2, "range", list(one.range), why=f"{names}; {seen}")
    else:
        said = f"lowest and highest possible score, as [0, 52]; {seen}"
        if names:
            said += f"; {names}"
        out.put(2, "range", decide=said)


def _characteristics(out: Lines, roles: Roles) -> None:
    if not roles.characteristics:
        return
    out("# --- what is known from before randomisation: for the baseline table\ncharacteristics:")
    for name, one in roles.characteristics.items():
        label = one.question or one.name.replace("_", " ").capitalize()
        if one.numeric and one.distinct > 8:
            out(f"  {name}: {inline({'label': label, 'kind': 'number'})}")
            continue
        out.put(1, name)
        out.put(2, "label", label)
        out.put(2, "kind", "category")
        out.put(2, "labels")
        for code in dict.fromkeys([*one.labels, *one.texts]):
            out.put(3, code, one.labels.get(code, code))
    out()


def _estimands(out: Lines, visits: Sequence[VisitGuess]) -> None:
    later = [v.name for v in visits if v.planned and v.phase != "baseline"]
    out("# --- what is estimated; from the protocol, before the data are seen\nestimands:")
    out.put(1, "policy")
    out.put(2, "label", "Effect of assignment, whether or not treatment was completed")
    out.put(2, "population", "All randomised participants", check="who they are")
    if len(later) == 1:
        out.put(2, "endpoint", later[0], why="the only later visit")
    else:
        out.put(2, "endpoint", decide=f"the visit at which arms are compared ({', '.join(later)})")
    out("    intercurrent_events: {stopping_treatment: treatment-policy}\n")


def _analyses(out: Lines, roles: Roles) -> None:
    names = [*(["site"] if "site" in roles.columns else []), *roles.characteristics]
    known = ", ".join(map(scalar, names)) or "none"
    out(f"""# --- analyses; more of them stand in the config.yaml of the example study
analyses:
  primary:
    covariance: unstructured
    degrees_of_freedom: kenward-roger
    adjust_for: []    # check: the factors that randomisation was stratified by, of: {known}
    level: 0.95""")


def write_new(text: str, path: Path) -> None:
    """Write a file that must not be there yet, whole or not at all.

    Raises
    ------
    DraftError
        When there is one; it is left as it is.
    """
    temporary = path.with_name(path.name + ".part")
    if path.exists():
        raise DraftError(f"{path} exists and is left as it is: name another file with --out.")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_text(text, "utf-8")
    try:
        os.link(temporary, path)  # unlike a rename, this never replaces a file
    except FileExistsError:
        raise DraftError(f"{path} exists and is left as it is: name another file.") from None
    finally:
        temporary.unlink()
