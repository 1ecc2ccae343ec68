"""Read one trial's export into the canonical frames."""

import json
import os

from ipt_outcomes.provenance.job import job


def main(*, config: str, trial: str, scores: str, participants: str, findings: str, counts: str):
    """Write the frames, the findings and the counts; never stops for bad data."""
    from ipt_outcomes.frames import write_frames
    from ipt_outcomes.ingest import ingest_trial, write_findings
    from ipt_outcomes.study import load_study

    read = ingest_trial(load_study(config), trial, os.path.dirname(config) or ".")
    write_frames(read.scores, read.participants, scores, participants)
    write_findings(read.findings, findings)
    with open(counts, "w", encoding="utf-8") as stream:
        json.dump(read.counts, stream, indent=1, sort_keys=True)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            trial=snakemake.wildcards.trial,
            **dict(snakemake.output.items()),
        )
