"""``ipt summarise``: a site's sums for an analysis over several sites, without a row of its data.

Exit code 1: nothing was written, and the message says why.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from ipt_outcomes.analyses.data import TrialData
from ipt_outcomes.frames import read_participants, read_scores
from ipt_outcomes.study import load_study
from ipt_outcomes.synthesis.shared_sums import (
    NOT_NEUTRAL,
    SummaryError,
    site_summary,
    write_summary,
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("--config", type=Path, default=Path("config.yaml"), help="the study")
    parser.add_argument("--trial", help="short name of the trial; needed when there are several")
    parser.add_argument("--site", action="append", default=[], help="only this site (repeatable)")
    parser.add_argument("--name", help="name of the sums; by default the site's or the trial's")
    parser.add_argument("--out", type=Path, required=True, help="the file to write (JSON)")
    what = "withhold patterns of fewer participants (default 5; 1 withholds none)"
    parser.add_argument("--smallest", type=int, default=5, help=what)


def run(options: argparse.Namespace) -> int:
    """Sum, write, and say what was withheld."""
    study = load_study(options.config, check_files=False)
    trials = list(study.trials)
    trial = options.trial or (trials[0] if len(trials) == 1 else None)
    if trial not in trials:
        raise SummaryError(f"--trial: name one of {', '.join(trials)}.")
    if options.smallest < 1:
        raise SummaryError(f"--smallest {options.smallest}: must be 1 or more.")
    folder = options.config.parent / "results" / "restricted" / trial
    if not (folder / "scores.parquet").is_file():
        raise SummaryError(f"{folder} holds no scores yet: run `snakemake check` first.")
    data = TrialData(
        study,
        trial,
        read_scores(folder / "scores.parquet"),
        read_participants(folder / "participants.parquet"),
    )
    name = options.name or "+".join(options.site) or trial
    site = site_summary(data, source=name, smallest=options.smallest, sites=tuple(options.site))
    write_summary(site, options.out)
    own = site.summary
    print(f"{options.out}: {own.participants} participants in {len(own.cells)} patterns")
    if own.withheld_participants:
        total = own.participants + own.withheld_participants
        print(
            f"WITHHELD: {own.withheld_participants} of {total} participants "
            f"({own.withheld_participants / total:.1%}), in {own.withheld_patterns} patterns of "
            f"fewer than {own.smallest}.\n{NOT_NEUTRAL}"
        )
    else:
        print("nothing was withheld" + (
            ": patterns of one participant show that participant's scores."
            if own.smallest < 5 else "."
        ))  # fmt: skip
    return 0
