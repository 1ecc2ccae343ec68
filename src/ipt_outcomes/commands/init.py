"""``ipt init``: a commented draft of ``config.yaml`` for an export; never overwrites a file.

Exit code 1: nothing was written, and the message says why.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ipt_outcomes.draft import draft_config
from ipt_outcomes.draft.writing import write_new


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    files = "the files of the export, with a REDCap data dictionary or a SAS catalog"
    parser.add_argument("exports", nargs="+", type=Path, metavar="EXPORT", help=files)
    out = "the file to write (default config.yaml); it must not exist"
    parser.add_argument("--out", type=Path, default=Path("config.yaml"), help=out)
    sheet = "sheet of a workbook with the data (repeatable)"
    parser.add_argument("--sheet", action="append", default=[], help=sheet)


def run(options: argparse.Namespace) -> int:
    """Draft, write, and list what has to be decided."""
    folder = options.out.parent
    draft = draft_config(options.exports, folder, sheets=options.sheet)
    write_new(draft.text, options.out)
    print(f"{options.out}: a draft, with {draft.checks} lines to check")
    if draft.decisions:
        print(f"To decide, before the study can run ({len(draft.decisions)}):")
    for one in draft.decisions:
        print(f"  line {one.line}, {one.key}: {one.question}")
    print("Then: snakemake check")
    return 0
