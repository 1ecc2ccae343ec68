"""Read one trial's export into the canonical frames."""

import json
import os

from ipt_outcomes.provenance.job import job


def main(
    *,
    config: str,
    trial: str,
    masked: bool,
    scores: str,
    participants: str,
    process: str,
    unscheduled: str,
    findings: str,
    counts: str,
    quality: str,
) -> None:
    """Write the frames, the findings and the counts; never stops for bad data."""
    from ipt_outcomes.frames import write_frames
    from ipt_outcomes.ingest import ingest_trial, write_findings
    from ipt_outcomes.ingest.release import release
    from ipt_outcomes.study import load_study
    from ipt_outcomes.study.pseudonym_key import pseudonym_key

    study = load_study(config)
    read = ingest_trial(study, trial, os.path.dirname(config) or ".")
    read = release(read, study, trial, key=pseudonym_key(), masked=masked)
    write_frames(read.scores, read.participants, scores, participants, read.process, process)
    read.unscheduled.to_parquet(unscheduled, index=False)
    write_findings(read.findings, findings)
    for content, path in ((read.counts, counts), (read.quality, quality)):
        with open(path, "w", encoding="utf-8") as stream:
            json.dump(content, stream, indent=1, sort_keys=True)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            trial=snakemake.wildcards.trial,
            masked=snakemake.params.masked,
            **dict(snakemake.output.items()),
        )
