"""``ipt verify BUNDLE``: rebuild a published bundle and judge each number and figure.

Exit codes: 0, everything was rebuilt and agrees; 1, something fails, or the file is no bundle; 3,
nothing fails, but data are withheld and not everything can be rebuilt.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from ipt_outcomes.provenance.claims import read_claims
from ipt_outcomes.provenance.verify import verify
from ipt_outcomes.provenance.verify_page import VERDICTS, verification_page, verification_table
from ipt_outcomes.whole_files import whole_file

SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("bundle", type=Path, help="the ZIP file of `snakemake publish`")
    parser.add_argument("--claims", type=Path, help="a paper's numbers: CSV what,value,tolerance")
    parser.add_argument("--sha256", help="the hash that the paper prints, or its beginning")
    parser.add_argument("--out", type=Path, help="folder for verification.html and .csv")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)


def run(options: argparse.Namespace) -> int:
    """Verify, write the page, and print the verdict."""
    claims = read_claims(options.claims) if options.claims else None
    found = verify(
        options.bundle, claims=claims, digest=options.sha256, processes=options.processes
    )
    out = options.out or options.bundle.parent
    for ending, text in (("html", verification_page(found)), ("csv", verification_table(found))):
        with whole_file(out / f"verification.{ending}") as part:
            part.write_bytes(text.encode("utf-8"))
    failing = [check for check in found.checks if check.status == "fail"]
    for check in failing[:SHOWN]:
        print(f"FAIL {check.kind}: {check.what}: {check.detail}")
    if len(failing) > SHOWN:
        print(f"... and {len(failing) - SHOWN} more")
    counts = ", ".join(f"{n} {status}" for status, n in found.counts.items())
    print(f"{VERDICTS[found.exit_code]}\n{counts}; every check: {out / 'verification.html'}")
    return found.exit_code
