"""``ipt combine FILE…``: the primary model over the sums of several sites.

Exit code 1: nothing was fitted, and the message says why.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ipt_outcomes.synthesis.shared_sums import NOT_NEUTRAL, combined, read_summary


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("files", type=Path, nargs="+", help="files of `ipt summarise`")
    parser.add_argument(
        "--out", type=Path, help="estimates table to write (CSV; .parquet beside it)"
    )
    parser.add_argument("--without-sites", action="store_true",
                        help="leave the sites out of the model")  # fmt: skip


def run(options: argparse.Namespace) -> int:
    """Fit, print, and write if asked."""
    from ipt_outcomes.results import write

    found = combined(
        [read_summary(file) for file in options.files], sites_in_model=not options.without_sites
    )
    print(found.fit)
    differences = found.rows[found.rows["quantity"] == "difference"]
    shown = ["contrast", "visit", "estimate", "se", "df", "lower", "upper", "p"]
    print(differences[shown].to_string(index=False, float_format=lambda x: f"{x:.4f}"))
    if found.withheld:
        print(
            f"WITHHELD by the sites: {found.withheld:.1%} of their participants. {NOT_NEUTRAL} "
            "Compare with a run in which the sites withhold fewer, if they may."
        )
    else:
        print("Nothing was withheld: these are the numbers of the pooled rows.")
    if options.out is not None:
        write(found.rows, options.out.with_suffix(".parquet"), options.out)
        print(f"written to {options.out}")
    return 0
