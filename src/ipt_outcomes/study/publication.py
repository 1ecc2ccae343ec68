"""The section ``publication`` of ``config.yaml``: what a bundle for reviewers may hold."""

from __future__ import annotations

import datetime
from typing import Literal

from pydantic import Field

from ipt_outcomes.study.sections import Section


class Publication(Section):
    """What leaves the house with the results, for others to rebuild them."""

    data: Literal["anonymised", "synthetic", "simulated"] = "synthetic"
    """``anonymised``: the analysis data under new numbers, when the checks of privacy pass;
    ``synthetic``: made-up data of the same structure, with which the programs run but no number
    can be rebuilt; ``simulated``: the study's data were simulated and describe nobody, so they are
    published under new numbers and nobody is looked for who could be recognised."""
    withhold: list[str] = Field(default_factory=list)
    """Columns of participants that stay in the house even so: ``site``, ``therapist``,
    ``problem_area``, characteristics ... Numbers that need them cannot be rebuilt by others."""
    date: datetime.date
    """The day of publication. It is written down rather than taken from the clock, so that the
    same results make the same bundle."""
    licence: str = "CC-BY-4.0"
    """The licence of results and data (SPDX name)."""
