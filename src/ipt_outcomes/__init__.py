"""IPT Outcomes: from the export of an Interpersonal Psychotherapy trial to its results."""

from __future__ import annotations

from importlib.metadata import version

__version__ = version("ipt-outcomes")

__all__ = ["__version__"]
