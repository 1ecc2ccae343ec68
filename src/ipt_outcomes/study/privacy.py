"""The section ``privacy`` of ``config.yaml``: what may be told of a person, and to how many."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ipt_outcomes.study.sections import Name, Section

SmallestGroup = Literal[5, 11]


class Privacy(Section):
    """How participants are protected. Every setting has a safe default."""

    smallest_group: SmallestGroup = 5
    """Counts below this are not shown, and participants whose quasi-identifiers they share with
    fewer others are counted as recognisable: 5, or 11 as public agencies ask for (a risk of 0.09).
    """
    quasi_identifiers: list[Name] = Field(default_factory=list)
    """Characteristics (or ``site``, ``therapist``, ``problem_area``) by which somebody who knows a
    participant might recognise them. Numbers count by tens. Anonymised data are published only
    when ``smallest_group`` participants share every combination of those that are not withheld."""
    identifiers_in_unused_columns: Literal["stop", "leave out"] = "stop"
    """Direct identifiers in columns that this file does not name stop the run, because the export
    should not hold them; or they are left out and listed."""
    not_identifying: list[str] = Field(default_factory=list)
    """Columns of exports that look like direct identifiers and were found to be none."""
