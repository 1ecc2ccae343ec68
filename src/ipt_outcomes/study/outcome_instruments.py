"""The instruments of a study's outcomes: of the registry, or of the section ``instruments``."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipt_outcomes.instruments import InstrumentDefinition
    from ipt_outcomes.study.config import Study


def instrument_of(study: Study, name: str) -> InstrumentDefinition:
    """Return an instrument of the study's own, or of the registry.

    Parameters
    ----------
    study
        The configuration.
    name
        The instrument's name.

    Raises
    ------
    ipt_outcomes.instruments.InstrumentError
        When there is none of this name, or its definition is not valid.
    """
    from ipt_outcomes.instruments import define, instrument

    own = study.instruments.get(name)
    return instrument(name) if own is None else define({**own, "name": name})
