"""Which software made a result."""

from __future__ import annotations

import platform
from importlib.metadata import version

PACKAGES = (
    "ipt-outcomes",
    "snakemake",
    "numpy",
    "scipy",
    "pandas",
    "statsmodels",
    "pingouin",
    "formulaic",
    "matplotlib",
    "seaborn",
)


def software() -> dict[str, str]:
    """Return names and versions of what computes and draws the results.

    Examples
    --------
    >>> sorted(software())[0]
    'Python'
    """
    return {"Python": platform.python_version(), **{name: version(name) for name in PACKAGES}}
