"""Further files for the reference trial: its configuration and its process rows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.frames import no_process, validate_process
from ipt_outcomes.study import Study

CLOCKS = ("session", "day", "visit")


def with_process(
    data: TrialData, plans: dict[str, Any], change: Any = None, **files: pd.DataFrame
) -> TrialData:
    """Switch analyses on and give the trial further files.

    Parameters
    ----------
    plans
        Sections under ``analyses``.
    change
        Function that may change the configuration.
    files
        Name: participant, clocks and variables.
    """
    content = data.study.model_dump(mode="json", exclude_none=True)
    content["analyses"] |= plans
    trial = content["trials"][data.trial]
    trial["process"] = {}
    parts = [no_process()]
    for name, frame in files.items():
        clocks = [clock for clock in CLOCKS if clock in frame]
        variables = [c for c in frame if c not in ("participant", *clocks)]
        kinds = {v: "number" if pd.api.types.is_numeric_dtype(frame[v]) else "category"
                 for v in variables}  # fmt: skip
        trial["process"][name] = {
            "file": f"{name}.csv",
            "participant": "id",
            **{clock: clock for clock in clocks},
            "variables": {v: {"column": v, "kind": kinds[v]} for v in variables},
        }
        for variable in variables:
            part = frame[["participant", *clocks]].assign(
                trial=data.trial, record=name, variable=variable
            )
            part["value" if kinds[variable] == "number" else "text"] = frame[variable]
            whole = no_process()
            part = part.reindex(columns=whole.columns).astype(whole.dtypes)
            parts.append(part[part["value"].notna() | part["text"].notna()])
    if change is not None:
        change(content)
    return replace(
        data,
        study=Study.model_validate(content),
        process=validate_process(pd.concat(parts, ignore_index=True)),
    )
