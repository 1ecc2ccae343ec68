"""A made-up trial for tables."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from made_up_fixtures import example, hostile, hostile_rows, rows, whole, whole_rows

__all__ = ["example", "hostile", "hostile_rows", "rows", "whole", "whole_rows"]
