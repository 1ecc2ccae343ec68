"""A first ``config.yaml`` for an export: what can be read off it, and what has to be decided."""

from __future__ import annotations

from ipt_outcomes.draft.exports import DraftError
from ipt_outcomes.draft.writing import Decision, draft_config

__all__ = ["Decision", "DraftError", "draft_config"]
