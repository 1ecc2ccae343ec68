"""The report: one HTML page with everything in it, a pure function of results."""

from __future__ import annotations

from ipt_outcomes.report.page import render_report
from ipt_outcomes.report.pieces import TrialPieces

__all__ = ["TrialPieces", "render_report"]
