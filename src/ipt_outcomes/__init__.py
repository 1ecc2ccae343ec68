"""IPT Outcomes: from the export of an Interpersonal Psychotherapy trial to its results."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Any

__version__ = version("ipt-outcomes")

__all__ = ["__version__", "load_results"]


def __getattr__(name: str) -> Any:
    # Loaded when it is asked for: every job of the workflow imports this package.
    if name == "load_results":
        return import_module("ipt_outcomes.explore").load_results
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
