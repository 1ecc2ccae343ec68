"""Tables of a trial: pure functions of the configuration and the estimates table."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__all__ = ["make_table", "make_tables", "means_name", "table_names"]


def __getattr__(name: str) -> Any:
    # By name and not by an import: what uses one module of this package (see
    # provenance.fingerprint) does not depend on all the others.
    if name in __all__:
        return getattr(import_module("ipt_outcomes.tables.catalogue"), name)
    raise AttributeError(f"module {__name__} has no attribute {name}")
