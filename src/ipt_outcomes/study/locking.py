"""The locked analysis plan: a hashed copy of the plan, and what was changed since.

``ipt lock`` writes ``analysis_plan.lock.yaml`` beside ``config.yaml``. From then on every change
of the plan is a *deviation*: it is listed in the report, and the estimates that it touches are no
longer confirmatory. Without a lock no estimate is confirmatory.

The plan is everything that decides what is estimated and how: arms, visits, outcomes, estimands,
analysis sets, analyses, and how columns and codes of the export are read. Titles and labels, the
name and the encoding of the export, counts of screening and settings of privacy are not part of it.
Values that are the program's defaults are left out on both sides: stating a default is no change.
"""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ipt_outcomes.study.config import Study
from ipt_outcomes.whole_files import whole_file

PLAN_FILE = "analysis_plan.lock.yaml"
LOCK_VERSION = 1

_HEAD = """\
# The analysis plan of this study, as it was locked by `ipt lock`. Never edit this file: its hash
# would no longer fit, and the run would stop. Change config.yaml instead: the change is then listed
# in the report as a deviation from this plan.
"""
_COSMETIC = frozenset({"label", "short_label"})
_OUTSIDE_THE_PLAN = ("study", "enrolment", "privacy", "publication", "config_version")
_OUTSIDE_A_TRIAL = ("export", "corrections")
_ABSENT = "(not stated)"

Scope = dict[str, str]
"""What a deviation touches: values of ``section``, ``trial``, ``outcome`` and ``estimand``; all of
them for what is not named."""


class PlanError(ValueError):
    """A plan that cannot be locked, or a lock that cannot be trusted."""


@dataclass(frozen=True)
class Deviation:
    """One change of the plan since it was locked.

    Parameters
    ----------
    key
        Where it stands in ``config.yaml``, as a dotted path.
    locked, now
        What the plan says and what the configuration says, as text.
    """

    key: str
    locked: str
    now: str

    def __str__(self) -> str:
        return f"{self.key}: {self.locked} in the locked plan, now {self.now}"

    @property
    def scope(self) -> Scope:
        """What the change touches: an analysis, a trial, an outcome, an estimand, or everything."""
        parts = self.key.split(".")
        # What the primary analysis adjusts for is inherited by others: it touches everything.
        if parts[0] == "analyses" and len(parts) > 1 and parts[1] != "primary":
            return {"section": parts[1]}
        if parts[0] == "synthesis" and len(parts) > 1:
            return {"section": f"synthesis.{parts[1]}"}
        scope: Scope = {}
        if parts[0] == "trials" and len(parts) > 1:
            scope["trial"] = parts[1]
            parts = parts[2:]
            if parts[:2] == ["columns", "outcomes"] and len(parts) > 2:
                scope["outcome"] = parts[2]
        elif parts[0] == "outcomes" and len(parts) > 1:
            scope["outcome"] = parts[1]
        elif parts[0] == "estimands" and len(parts) > 1:
            scope["estimand"] = parts[1]
        return scope


@dataclass(frozen=True)
class Plan:
    """How a study stands to its plan.

    Parameters
    ----------
    locked_on
        Day on which the plan was locked; empty when it is not.
    sha256
        Its hash.
    blinded
        Whether arms were masked until then.
    deviations
        What was changed since.
    """

    locked_on: str = ""
    sha256: str = ""
    blinded: bool = False
    deviations: tuple[Deviation, ...] = field(default=())

    @property
    def is_locked(self) -> bool:
        """Whether there is a locked plan."""
        return bool(self.locked_on)

    def __str__(self) -> str:
        if not self.is_locked:
            return "no locked plan"
        masked = ", arms masked until then" if self.blinded else ""
        return f"{PLAN_FILE} of {self.locked_on} (SHA-256 {self.sha256[:12]}{masked})"

    def touches_synthesis(self, name: str) -> list[Scope] | None:
        """Return what is no longer confirmatory in a synthesis: everything, or nothing.

        A change of a trial, an outcome or an estimand reaches a pooled effect by its parts.
        """
        found = self.touched(f"synthesis.{name}")
        return [{}] if found else found

    def touched(self, section: str, trial: str | None = None) -> list[Scope] | None:
        """Return what is no longer confirmatory in one analysis.

        Parameters
        ----------
        section
            Name of the analysis under ``analyses`` in ``config.yaml``.
        trial
            The trial analysed; None for an analysis of all trials.

        Returns
        -------
        list of dict, or None
            One per deviation that touches the analysis, see :data:`Scope`; None when there is no
            locked plan, so that nothing is confirmatory.
        """
        if not self.is_locked:
            return None
        scopes = []
        for deviation in self.deviations:
            scope = deviation.scope
            other = scope.pop("section", section) != section
            elsewhere = trial is not None and scope.get("trial", trial) != trial
            if not other and not elsewhere and scope not in scopes:
                scopes.append(scope)
        return scopes


def plan_of(study: Study) -> dict[str, Any]:
    """Return the part of a configuration that is its analysis plan, as plain values.

    Examples
    --------
    >>> from ipt_outcomes.study import load_study
    >>> study = load_study("config.yaml", check_files=False)  # doctest: +SKIP
    >>> sorted(plan_of(study))[:3]  # doctest: +SKIP
    ['analyses', 'analysis_sets', 'arms']
    """
    content = study.model_dump(mode="json", exclude_defaults=True)
    for name in _OUTSIDE_THE_PLAN:
        content.pop(name, None)
    for trial in content["trials"].values():
        for name in _OUTSIDE_A_TRIAL:
            trial.pop(name, None)
    plan: dict[str, Any] = _without(content, _COSMETIC)
    plan["seed"] = study.study.seed
    # The first estimand is the primary one, and a comparison by keys would not see the order.
    plan["primary_estimand"] = study.primary_estimand
    return plan


def _without(content: Any, names: frozenset[str]) -> Any:
    if isinstance(content, dict):
        return {k: _without(v, names) for k, v in content.items() if k not in names}
    return content


def lock_plan(config: str | Path, *, today: datetime.date | None = None) -> Path:
    """Lock the plan of a study.

    Parameters
    ----------
    config
        The study's ``config.yaml``.
    today
        Day to be noted; by default today.

    Returns
    -------
    pathlib.Path
        The file written, beside the configuration.

    Raises
    ------
    PlanError
        When the plan is locked already.
    ConfigError
        When the configuration is not valid.
    """
    from ipt_outcomes.study.reading import load_study

    # The export is no part of the plan, which is locked before there is one.
    study = load_study(config, check_files=False)
    path = Path(config).with_name(PLAN_FILE)
    if path.exists():
        known = read_plan(config, study)
        changes = "".join(f"\n  - {deviation}" for deviation in known.deviations)
        since = f" Since then was changed:{changes}" if changes else " Nothing was changed since."
        raise PlanError(
            f"{path}: the plan was locked on {known.locked_on}.{since}\n"
            "A locked plan stays as it is: changes of config.yaml are listed in the report as "
            "deviations. Only if no result has been seen yet may the file be deleted and the plan "
            "be locked again."
        )
    day = (today or datetime.date.today()).isoformat()
    content = {
        "lock_version": LOCK_VERSION,
        "locked_on": day,
        "arms_masked_until_then": study.study.blinded,
        "plan": plan_of(study),
    }
    content = {**content, "sha256": plan_digest(content)}
    text = _HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    with whole_file(path) as part:
        part.write_text(text, "utf-8")
    return path


def plan_digest(content: Mapping[str, Any]) -> str:
    """Hash what a lock holds, but for the hash itself."""
    hashed = {name: value for name, value in content.items() if name != "sha256"}
    text = json.dumps(hashed, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def read_plan(config: str | Path, study: Study) -> Plan:
    """Read the locked plan beside a configuration and compare the two.

    Parameters
    ----------
    config
        The file ``config.yaml``.
    study
        What it holds.

    Returns
    -------
    Plan
        Not locked when there is no such file.

    Raises
    ------
    PlanError
        When the file was changed after it was written.
    """
    path = Path(config).with_name(PLAN_FILE)
    if not path.exists():
        return Plan()
    mend = (
        "Restore it from your backup or version control. Only if no result has been seen yet may "
        "it be deleted and the plan be locked again with `ipt lock`."
    )
    try:
        content = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise PlanError(f"{path}: cannot be read ({reason}). {mend}") from None
    wanted = {"lock_version", "locked_on", "arms_masked_until_then", "plan", "sha256"}
    if not isinstance(content, dict) or set(content) != wanted:
        raise PlanError(f"{path}: is not a plan that `ipt lock` wrote. {mend}")
    if content["lock_version"] != LOCK_VERSION:
        raise PlanError(
            f"{path}: has the layout {content['lock_version']!r}, and this version of the program "
            f"reads {LOCK_VERSION}. Use the version that it was locked with."
        )
    # YAML reads a bare date as one; it was hashed as text.
    content["locked_on"] = str(content["locked_on"])
    if plan_digest(content) != content["sha256"]:
        raise PlanError(
            f"{path}: was changed after it was locked: its content has the hash "
            f"{plan_digest(content)[:12]}, and it says {str(content['sha256'])[:12]}. {mend}"
        )
    return Plan(
        content["locked_on"],
        content["sha256"],
        content["arms_masked_until_then"],
        tuple(compare(content["plan"], plan_of(study))),
    )


def compare(locked: Any, now: Any, key: str = "") -> Iterator[Deviation]:
    """Yield the differences of two plans, each at the highest key that tells it.

    Examples
    --------
    >>> for deviation in compare({"a": {"b": 1, "c": [0, 52]}}, {"a": {"b": 2}, "d": {"e": 1}}):
    ...     print(deviation)
    a.b: 1 in the locked plan, now 2
    a.c: [0, 52] in the locked plan, now (not stated)
    d: (not stated) in the locked plan, now {"e": 1}
    """
    if isinstance(locked, dict) and isinstance(now, dict):
        for name in dict.fromkeys([*locked, *now]):
            below = f"{key}.{name}" if key else str(name)
            if name not in locked:
                yield Deviation(below, _ABSENT, _shown(now[name]))
            elif name not in now:
                yield Deviation(below, _shown(locked[name]), _ABSENT)
            else:
                yield from compare(locked[name], now[name], below)
    elif locked != now:
        yield Deviation(key, _shown(locked), _shown(now))


def _shown(value: Any, limit: int = 80) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else text[:limit] + "..."
