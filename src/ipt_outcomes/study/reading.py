"""Read ``config.yaml``: duplicates, unknown and renamed keys, types and contradictions, with lines.

The file itself is read, not the dictionary that a workflow engine made of it, because line
numbers and duplicate keys survive only there.
"""

from __future__ import annotations

import difflib
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.contradictions import contradictions
from ipt_outcomes.study.findings import ConfigError, ConfigFinding

UNDECIDED = "DECIDE"
"""What a draft writes where only the researcher can decide; a study with it left does not run."""

Path_ = tuple[str, ...]
Sections = TypeVar("Sections", bound=BaseModel)

RENAMED: dict[str, str] = {
    "data": "trials",
    "datasets": "trials",
    "reference": "reference_arm",
    "control": "reference_arm",
    "control_arm": "reference_arm",
    "treatments": "arms",
    "groups": "arms",
    "timepoints": "visits",
    "scales": "outcomes",
    "covariates": "adjust_for",
    "strata": "adjust_for",
    "estimand": "estimands",
    "path": "file",
    "type": "format",
    "codebook": "dictionary",
    "separator": "delimiter",
    "window": "window_days",
    "weeks": "week",
    "id": "participant",
    "subject": "participant",
    "treatment": "arm",
    "event": "visit",
    "drug": "medication",
    "therapy": "psychotherapy",
    "df": "degrees_of_freedom",
    "random_seed": "seed",
    "direction": "higher_is",
    "moderators": "characteristics",
}
"""Names that other programs, or drafts of this one, give to what is called differently here."""

MOVED: dict[Path_, str] = {
    ("publication", "recognisable_by"): "privacy.quasi_identifiers",
    ("publication", "smallest_group"): "privacy.smallest_group",
}
"""Keys of earlier layouts: where the same is said now."""


def load_study(path: str | Path, *, check_files: bool = True) -> Study:
    """Read and check a study's configuration.

    Parameters
    ----------
    path
        The file ``config.yaml``; paths inside it are relative to its folder.
    check_files
        Whether the exports named must exist.

    Returns
    -------
    Study
        The study, typed; nothing in it can be changed.

    Raises
    ------
    ConfigError
        With every finding: key, line, what was found, what to write.

    Examples
    --------
    >>> load_study("no_such_file.yaml")
    Traceback (most recent call last):
    ipt_outcomes.study.findings.ConfigError: no_such_file.yaml cannot be used: 1 thing to mend.
      - the file: does not exist. Copy config.yaml from the example study and edit it.
    """
    path = Path(path)
    study, lines = _read(path, Study)
    findings = [
        ConfigFinding(".".join(key), _line(key, lines), problem, mend)
        for key, problem, mend in contradictions(study)
    ]
    if check_files:
        findings += list(_missing_files(study, path.parent, lines))
        findings += list(_missing_tables(study, path.parent, lines))
    if findings:
        raise ConfigError(str(path), _once(findings))
    return study


def load_sections(path: str | Path, model: type[Sections]) -> Sections:
    """Read another YAML file of ours (such as the design of a trial to come) with the same care.

    Parameters
    ----------
    path
        The file.
    model
        The sections that it holds. Its own checks across sections are its method ``problems``.

    Raises
    ------
    ConfigError
        With every finding: key, line, what was found, what to write.
    """
    content, lines = _read(Path(path), model)
    findings = [
        ConfigFinding(".".join(key), _line(key, lines), problem, mend)
        for key, problem, mend in getattr(content, "problems", tuple)()
    ]
    if findings:
        raise ConfigError(str(path), _once(findings))
    return content


def _read(path: Path, model: type[Sections]) -> tuple[Sections, dict[Path_, int]]:
    """Check a file against its model; return it with the line of every key."""
    root = _compose(path)
    lines: dict[Path_, int] = {(): 1}
    findings = list(_walk(root, (), lines))
    if findings:  # a duplicated key hides one of its two values: nothing else can be trusted
        raise ConfigError(str(path), findings)
    if open_ := list(_undecided(root, (), path)):
        raise ConfigError(str(path), open_)
    try:
        return model.model_validate(_plain(path)), lines
    except ValidationError as error:
        found = [_finding(detail, lines, model) for detail in error.errors()]
        raise ConfigError(str(path), _once(found)) from None


def _plain(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except yaml.MarkedYAMLError as error:  # a tag that asks for code, an impossible date
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problem = f"holds a value that is no plain text, number or list: {error.problem}."
        raise ConfigError(str(path), [ConfigFinding("", line, problem)]) from None
    except ValueError as error:
        raise ConfigError(str(path), [ConfigFinding("", 0, f"cannot be read: {error}.")]) from None


def _compose(path: Path) -> yaml.Node:
    if not path.is_file():
        mend = "Copy config.yaml from the example study and edit it."
        raise ConfigError(str(path), [ConfigFinding("", 0, "does not exist.", mend)])
    try:
        root = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        problem = "is not UTF-8 text."
        raise ConfigError(
            str(path), [ConfigFinding("", line, problem, "Save it as UTF-8.")]
        ) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        problem = f"is not valid YAML here: {error.problem}."
        mend = "Look at the indentation, colons and quotes around this line."
        raise ConfigError(str(path), [ConfigFinding("", line, problem, mend)]) from None
    except yaml.YAMLError as error:
        raise ConfigError(str(path), [ConfigFinding("", 0, f"is not YAML: {error}")]) from None
    if not isinstance(root, yaml.MappingNode):
        problem = "holds no sections."
        mend = "Copy config.yaml from the example study and edit it."
        raise ConfigError(str(path), [ConfigFinding("", 0, problem, mend)])
    return root


def _walk(node: yaml.Node, path: Path_, lines: dict[Path_, int]) -> Iterator[ConfigFinding]:
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = str(getattr(key_node, "value", ""))
            line = key_node.start_mark.line + 1
            if key in seen:
                problem = f"stands twice, first on line {seen[key]}."
                mend = "Keep one of the two."
                yield ConfigFinding(".".join((*path, key)), line, problem, mend)
            seen[key] = line
            lines[(*path, key)] = line
            yield from _walk(value_node, (*path, key), lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[(*path, str(index))] = item.start_mark.line + 1
            yield from _walk(item, (*path, str(index)), lines)


def _undecided(node: yaml.Node, path: Path_, file: Path) -> Iterator[ConfigFinding]:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            key = str(getattr(key_node, "value", ""))
            yield from _undecided(value_node, (*path, key), file)
    elif isinstance(node, yaml.ScalarNode) and node.value == UNDECIDED:
        line = node.start_mark.line
        text = file.read_text("utf-8").splitlines()[line]
        question = text.partition("# decide: ")[2]
        mend = f"Write {question}." if question else f"Replace {UNDECIDED}."
        yield ConfigFinding(".".join(path), line + 1, "has still to be decided.", mend)


def _line(key: Path_, lines: dict[Path_, int]) -> int:
    while key not in lines:
        key = key[:-1]
    return lines[key]


def _finding(detail: Any, lines: dict[Path_, int], root: type[BaseModel] = Study) -> ConfigFinding:
    """Say one of pydantic's error details in the researcher's words."""
    # Union members and key checks put markers into the location that stand in no file.
    marks = {"str", "[key]", "dict[constrained-str,str]"}
    key = tuple(str(part) for part in detail["loc"] if str(part) not in marks)
    key = tuple(part for part in key if not part.startswith(("dict[", "function-")))
    name, kind, found = ".".join(key), detail["type"], detail["input"]
    line = _line(key, lines)
    if kind == "extra_forbidden" and key in MOVED:
        problem = f"stands under {MOVED[key]} now."
        mend = f"Delete the line here and write its value there: {MOVED[key]}: {_short(found)}."
        return ConfigFinding(name, line, problem, mend)
    if kind == "extra_forbidden":
        return ConfigFinding(name, line, "is not a known key here.", _suggest(key, root))
    if kind == "missing":
        return ConfigFinding(name, line, "is missing.", "Add it to this section.")
    if kind == "literal_error":
        expected = detail["ctx"]["expected"].replace("'", "")
        near = difflib.get_close_matches(str(found), expected.replace(" or ", ", ").split(", "))
        mend = f"Did you mean {near[0]}?" if near else ""
        return ConfigFinding(name, line, f"found {found!r}, expected {expected}.", mend)
    if kind == "string_pattern_mismatch":
        problem = f"{found!r} cannot be a name."
        mend = "Use letters, digits, _ or +, starting with a letter."
        return ConfigFinding(name, line, problem, mend)
    if kind == "value_error":
        return ConfigFinding(name, line, str(detail["ctx"]["error"]) + ".")
    shown = f"found {found!r}, " if not isinstance(found, dict | list) else ""
    message = detail["msg"][0].lower() + detail["msg"][1:]
    return ConfigFinding(name, line, f"{shown}{message}.")


def _short(value: object) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000).removesuffix("...\n")
    return text.strip()


def _suggest(key: Path_, root: type[BaseModel]) -> str:
    section = _model_at(key[:-1], root)
    if section is None:
        return ""
    known = list(section.model_fields)
    renamed = RENAMED.get(key[-1])
    if renamed in known:
        return f"It is called {renamed} here."
    near = difflib.get_close_matches(key[-1], known, n=1, cutoff=0.5)
    return f"Did you mean {near[0]}?" if near else f"Known here are {', '.join(known)}."


def _model_at(key: Path_, root: type[BaseModel]) -> type[BaseModel] | None:
    """Return the section's class at a key path, looking through dict, list and optional types."""
    model: Any = root
    for part in key:
        if isinstance(model, type) and issubclass(model, BaseModel):
            if part not in model.model_fields:
                return None
            model = model.model_fields[part].annotation
        else:  # a dict of sections: the part is its key
            model = typing.get_args(model)[-1] if typing.get_args(model) else None
        while typing.get_origin(model) in (typing.Union, types.UnionType, typing.Annotated):
            members = [m for m in typing.get_args(model) if m is not type(None)]
            model = members[0]
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _missing_files(study: Study, folder: Path, lines: dict[Path_, int]) -> Iterator[ConfigFinding]:
    for name, trial in study.trials.items():
        files: dict[Path_, str | None] = {
            ("export", "file"): trial.export.file,
            ("export", "dictionary"): trial.export.dictionary,
            ("export", "catalog"): trial.export.catalog,
            ("corrections",): trial.corrections,
        }
        for number, one in enumerate(trial.export.further_files):
            files["export", "further_files", str(number)] = one
        for place, file in files.items():
            if file is not None and not (folder / file).is_file():
                key = ("trials", name, *place)
                mend = f"Paths are relative to the folder of config.yaml ({folder.resolve().name})."
                yield ConfigFinding(
                    ".".join(key), _line(key, lines), f"there is no file {file}.", mend
                )
        for further, described in trial.process.items():
            if not (folder / described.file).is_file():
                where = ("trials", name, "process", further, "file")
                mend = f"Paths are relative to the folder of config.yaml ({folder.resolve().name})."
                problem = f"there is no file {described.file}."
                yield ConfigFinding(".".join(where), _line(where, lines), problem, mend)


def _missing_tables(study: Study, folder: Path, lines: dict[Path_, int]) -> Iterator[ConfigFinding]:
    for name, plan in study.synthesis.items():
        if plan.published is not None and not (folder / plan.published.file).is_file():
            key = ("synthesis", name, "published", "file")
            mend = f"Paths are relative to the folder of config.yaml ({folder.resolve().name})."
            yield ConfigFinding(
                ".".join(key), _line(key, lines), f"there is no file {plan.published.file}.", mend
            )


def _once(findings: list[ConfigFinding]) -> list[ConfigFinding]:
    return list(dict.fromkeys(findings))
