"""The study as its researchers describe it: ``config.yaml`` read, checked and typed."""

from __future__ import annotations

from ipt_outcomes.study.config import Study
from ipt_outcomes.study.findings import ConfigError, ConfigFinding
from ipt_outcomes.study.reading import load_sections, load_study

__all__ = ["ConfigError", "ConfigFinding", "Study", "load_sections", "load_study"]
