"""The arms of an export, by the codes of their column and what these are called."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ipt_outcomes.draft.exports import ExportRead
from ipt_outcomes.draft.roles import Roles

PSYCHOTHERAPIES = {
    r"\bipt\w*|interpersonal": "IPT", r"\bcbt\w*|cognitive|beat the blues|btheb": "CBT",
    r"supportive": "supportive", r"psychodynamic": "psychodynamic", r"counsel": "counselling",
    r"behaviou?ral activation": "behavioural activation",
}  # fmt: skip
MEDICATION = re.compile(
    r"medic|antidepress|tablet|pill|drug|nortriptyline|imipramine|sertraline|fluoxetine|"
    r"escitalopram|citalopram|ssri|pharmaco"
)
CONTROL = re.compile(
    r"\b(tau|usual|control|wait ?list|waiting|wl|placebo|cau|attention|minimal|no treatment)\b"
)


@dataclass(frozen=True)
class ArmGuess:
    """An arm.

    Parameters
    ----------
    code, name, label
        Its code in the export, our name for it, and what it is called.
    participants
        How many were randomised to it.
    psychotherapy, medication
        Its components as its label tells them; None when it does not.
    is_control
        Whether it is called like a control.
    """

    code: str
    name: str
    label: str
    participants: int
    psychotherapy: str | None
    medication: str | None
    is_control: bool


def arm_guesses(export: ExportRead, roles: Roles) -> list[ArmGuess]:
    """Describe the arms of an export; none when no column tells them.

    Parameters
    ----------
    export, roles
        The export, and the parts that its columns play.
    """
    column = roles.columns.get("arm")
    if column is None:
        return []
    one = export.columns[column]
    cells = export.table.cells[[export.participant, column]].dropna().drop_duplicates()
    counts = cells[column].value_counts()
    guesses = []
    for code in sorted(one.texts):
        label = one.labels.get(code, code)
        bare = code == label and re.fullmatch(r"[\d.]+", code) is not None
        guesses.append(_guess(code, f"{column} {code}" if bare else label, int(counts[code])))
    return guesses


def _guess(code: str, label: str, participants: int) -> ArmGuess:
    words = label.lower()
    therapy = next((name for sign, name in PSYCHOTHERAPIES.items() if re.search(sign, words)), None)
    medication = "medication" if MEDICATION.search(words) else None
    control = CONTROL.search(words) is not None
    if therapy or medication or control:
        therapy, medication = therapy or "none", medication or "none"
    name = re.sub(r"\s*\+\s*", "+", label)
    name = re.sub(r"[^A-Za-z0-9+]+", "_", name).strip("_")[:40]
    name = name if name[:1].isalpha() else f"arm_{name}"[:40]
    # "no" and "yes", "on" and "off" would be read as truth values.
    name = f"arm_{name}" if name.lower() in {"yes", "no", "on", "off", "true", "false"} else name
    return ArmGuess(code, name, label, participants, therapy, medication, control)
