"""From any trial's export to the canonical frames, with findings about the data and a gate."""

from __future__ import annotations

from ipt_outcomes.ingest.findings import (
    DataErrors,
    Findings,
    gate,
    read_findings,
    render,
    write_findings,
)
from ipt_outcomes.ingest.trial import Ingested, ingest_trial, read_export

__all__ = [
    "DataErrors",
    "Findings",
    "Ingested",
    "gate",
    "ingest_trial",
    "read_export",
    "read_findings",
    "render",
    "write_findings",
]
