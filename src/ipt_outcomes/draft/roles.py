"""Which column of an export plays which part, by its name, its label and what it holds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ipt_outcomes.draft.exports import Column, ExportRead
from ipt_outcomes.draft.outcomes import OutcomeGuess, outcome_guesses
from ipt_outcomes.draft.timing import Timing, plain_words, timing_in, timings_of_codes
from ipt_outcomes.ingest.identifiers import identifying_name

DATES = {
    "randomisation_date": r"rand\w*|allocation date|baseline date",
    "treatment_start_date": r"(treatment|therapy|first session|first dose) start\w*|trtsdt|"
                            r"start of (treatment|therapy)|first session( date)?",
    "treatment_stop_date": r"(treatment|therapy)? ?(stop\w*|discontinu\w*|end)( date)?|trtedt",
    "study_exit_date": r"(study )?(exit|left|withdraw\w*|drop ?out|lost)( on| date)?|eosdt",
}  # fmt: skip
PERSONS = {
    "received_arm": r"received( arm| treatment)?|arm received|actual (arm|treatment)|trt01a|actarm",
    "site": r"site|centre|center|clinic|hospital|siteid|location",
    "therapist": r"therapist( id| code)?|clinician( id)?|provider( id)?",
    "sessions_attended": r"(n |number of |no of )?sessions( attended| completed)?|attendance",
    "treatment_stop_reason": r"(treatment |therapy )?stop\w* reason|reason for (stopping|"
                             r"discontinu\w*)|discontinuation reason",
    "study_exit_reason": r"(study )?(exit|left|withdrawal|drop ?out) reason|dcsreas|"
                         r"reason for (leaving|withdraw\w*)",
}  # fmt: skip
"""Key of ``columns``: what a column that plays this part is called, as words."""

ARM = re.compile(
    r"(randomi[sz]ed|allocated|assigned|planned|treatment|study|trial)? ?(arm|group|condition|"
    r"allocation|intervention|treatment|trt|tx)( code| group)?|trt01pn?|armcd|randomi[sz]ed to"
)
VISIT = re.compile(
    r"(redcap )?(event( name)?|visit( name| num| no| number)?|visitnum|avisitn?|time( ?point)?|"
    r"wave|week|month|occasion|assessment|period|phase)"
)
SESSION = re.compile(r"session( number| no| nr)?|visit session")
DAY = re.compile(r"(study )?days?( since randomi[sz]ation)?|ady|qsdy|visit day")
NUMBERS = re.compile(r"age.*|years of education|education years|episodes|number of .*|baseline .*")
CATEGORIES = re.compile(
    r"sex|gender|ethnicity|race|marital( status)?|education|employment|recurrent.*|comorbid.*|"
    r"drug|medication|antidepressant.*|length.*|severity|diagnosis|endog|subtype"
)
AREAS = {
    "grief": "grief|bereave", "role_disputes": "dispute|conflict|strained",
    "role_transitions": "transition|life change",
    "interpersonal_deficits": "deficit|isolation|sensitiv",
}  # fmt: skip


@dataclass
class Roles:
    """The parts that the columns of an export play.

    Parameters
    ----------
    columns
        Key of ``columns`` in the configuration: the column.
    unsure
        Keys whose column was only guessed from what it holds.
    visits
        Code of the visit column, or column suffix: its timing.
    visit_dates
        Visit: column with its date, where each visit has one.
    outcomes
        The scores found.
    characteristics
        Name: column.
    focus, flags
        The problem areas' columns.
    candidates
        Columns that do not change within participants and play no part.
    identifiers
        Columns whose names are those of direct identifiers.
    """

    columns: dict[str, str] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    visits: dict[str, Timing] = field(default_factory=dict)
    outcomes: list[OutcomeGuess] = field(default_factory=list)
    characteristics: dict[str, Column] = field(default_factory=dict)
    visit_dates: dict[str, str] = field(default_factory=dict)
    focus: str | None = None
    flags: dict[str, str] = field(default_factory=dict)
    candidates: list[str] = field(default_factory=list)
    identifiers: list[str] = field(default_factory=list)

    @property
    def used(self) -> set[str]:
        """Return the columns that play a part already."""
        scores = {name for one in self.outcomes for name in one.all_columns}
        people = {column.name for column in self.characteristics.values()}
        others = {
            *self.visit_dates.values(),
            *self.columns.values(),
            *self.flags.values(),
            *self.identifiers,
        }
        return scores | people | others | ({self.focus} if self.focus else set())


def guess_roles(export: ExportRead) -> Roles:
    """Guess the part of every column.

    Parameters
    ----------
    export
        The export.
    """
    roles = Roles(columns={"participant": export.participant})
    free = {name: one for name, one in export.columns.items() if name != export.participant}
    roles.identifiers = [name for name in free if identifying_name(name) is not None]
    free = {name: one for name, one in free.items() if name not in roles.identifiers}
    system = {name for name in free if name.startswith("redcap_") and name != "redcap_event_name"}
    system |= {name for name in free if name.endswith("_complete")}
    free = {name: one for name, one in free.items() if name not in system}
    long = export.layout in ("long", "adam", "sdtm") or any(
        name == "redcap_event_name" for name in free
    )
    _guess_areas(roles, free)
    _guess_named(roles, free, long=long)
    if long:
        _guess_visit(roles, free)
    _guess_dates(roles, free, long=long)
    rest = {name: one for name, one in free.items() if name not in roles.used}
    roles.outcomes, by_column = outcome_guesses(export, rest, long=long)
    roles.visits |= by_column
    if by_column and "randomisation_date" in roles.columns:
        for name, one in free.items():
            told = timing_in(name)
            if one.orders and told and told[0].name in by_column and name not in roles.used:
                roles.visit_dates.setdefault(told[0].name, name)
    _guess_arm_by_content(roles, free)
    _guess_characteristics(roles, free)
    return roles


def _named(free: Mapping[str, Column], pattern: re.Pattern[str], used: set[str]) -> list[Column]:
    """Return the columns whose name, or else label, is such a name."""
    open_ = [one for name, one in free.items() if name not in used]
    by_name = [one for one in open_ if pattern.fullmatch(plain_words(one.name))]
    return by_name or [one for one in open_ if pattern.fullmatch(plain_words(one.question))]


def _guess_named(roles: Roles, free: Mapping[str, Column], *, long: bool) -> None:
    for one in _named(free, ARM, roles.used):
        if 2 <= one.distinct <= 8 and not one.varies:
            roles.columns["arm"] = one.name
            break
    for key, pattern in PERSONS.items():
        for one in _named(free, re.compile(pattern), roles.used):
            if not one.varies and (key != "sessions_attended" or one.numeric):
                roles.columns[key] = one.name
                break
    if long:
        for one in _named(free, SESSION, roles.used):
            if one.varies and one.numeric:
                roles.columns["session"] = one.name
                break


def _guess_visit(roles: Roles, free: Mapping[str, Column]) -> None:
    candidates = [
        one for one in _named(free, VISIT, roles.used) if one.varies and 2 <= one.distinct <= 40
    ]
    if not candidates:
        return
    one = next((c for c in candidates if c.name == "redcap_event_name"), candidates[0])
    roles.columns["visit"] = one.name
    roles.visits = timings_of_codes(one.texts, one.name, one.labels)


def _guess_dates(roles: Roles, free: Mapping[str, Column], *, long: bool) -> None:
    dated = {name: one for name, one in free.items() if one.orders and name not in roles.used}
    for key, pattern in DATES.items():
        for one in _named(dated, re.compile(rf"({pattern})( date| on| dt)?"), roles.used):
            if not one.varies:
                roles.columns[key] = one.name
                break
    if long:
        varying = [one for name, one in dated.items() if one.varies and name not in roles.used]
        if varying and "randomisation_date" in roles.columns:
            best = next((o for o in varying if re.search("assess|visit|adt|qsdtc", o.name, re.I)),
                        varying[0])  # fmt: skip
            roles.columns["visit_date"] = best.name
        elif "visit" not in roles.columns or "randomisation_date" not in roles.columns:
            for one in _named(free, DAY, roles.used):
                if one.varies and one.numeric:
                    roles.columns["visit_day"] = one.name
                    break
    if "randomisation_date" not in roles.columns:  # without day 0 no date says anything
        for key in [key for key in roles.columns if key.endswith("_date")]:
            del roles.columns[key]


def _guess_areas(roles: Roles, free: Mapping[str, Column]) -> None:
    for name, one in free.items():
        meanings = " | ".join(one.labels.values()).lower()
        hits = [area for area, words in AREAS.items() if re.search(words, meanings)]
        if len(hits) >= 3 and "___" not in name and roles.focus is None:
            roles.focus = name
        _, ticked, code = name.partition("___")
        if ticked:
            for area, words in AREAS.items():
                if re.search(words, one.labels.get(code, one.question).lower()):
                    roles.flags.setdefault(area, name)


def _guess_arm_by_content(roles: Roles, free: Mapping[str, Column]) -> None:
    if "arm" in roles.columns:
        return
    few = [one for name, one in free.items() if name not in roles.used and not one.varies
           and 2 <= one.distinct <= 6 and not one.orders]  # fmt: skip
    if few:
        roles.columns["arm"] = few[0].name
        roles.unsure.add("arm")


def _guess_characteristics(roles: Roles, free: Mapping[str, Column]) -> None:
    for name, one in free.items():
        if name in roles.used or one.varies or "___" in name or not one.filled:
            continue
        words = plain_words(name)
        number = one.numeric and one.distinct > 3 and NUMBERS.fullmatch(words)
        few = 2 <= one.distinct <= 8 and not one.orders
        if number or (few and CATEGORIES.fullmatch(words)):
            roles.characteristics[_short(name)] = one
        elif one.distinct >= 2 and not one.orders:
            roles.candidates.append(name)


def baseline_columns(roles: Roles) -> dict[str, str]:
    """Find scores from before treatment that stand in the same way in all rows of a participant.

    Parameters
    ----------
    roles
        The parts that the columns of an export with a row per assessment play.

    Returns
    -------
    dict
        Outcome: the column that is named like its baseline score, such as ``bdi.pre``.
    """
    constant = [*roles.candidates, *(one.name for one in roles.characteristics.values())]
    found: dict[str, str] = {}
    for outcome in roles.outcomes:
        if not isinstance(outcome.columns, str):
            continue
        stem = plain_words(outcome.columns)
        for name in constant:
            told = timing_in(name)
            if told is not None and told[0].phase == "baseline" and told[1] == stem:
                found.setdefault(outcome.name, name)
    return found


def _short(name: str) -> str:
    short = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()[:40]
    return short if short[:1].isalpha() else f"c_{short}"[:40]
