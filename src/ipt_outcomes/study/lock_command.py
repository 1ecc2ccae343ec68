"""``ipt lock``: lock a study's analysis plan."""

from __future__ import annotations

import argparse
from pathlib import Path

from ipt_outcomes.study.locking import lock_plan


def arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command's options."""
    parser.add_argument(
        "folder", nargs="?", default=".", help="the study's folder, with config.yaml (default: .)"
    )


def run(options: argparse.Namespace) -> int:
    """Lock the plan and say what that means."""
    path = lock_plan(Path(options.folder) / "config.yaml")
    print(
        f"The analysis plan is locked in {path}. Keep this file with config.yaml, under version "
        "control. Any later change of the plan is listed in the report."
    )
    return 0
