"""Draw the figures of one trial that show persons; they stay inside."""

from collections.abc import Sequence

from ipt_outcomes.provenance.job import job


def main(
    *,
    config: str,
    trial: str,
    scores: str,
    participants: str,
    tables: Sequence[str],
    residuals: Sequence[str],
    figures: str,
) -> None:
    """Write the figures into the folder."""
    from pathlib import Path

    import pandas as pd

    from ipt_outcomes.figures.insiders import draw_insiders
    from ipt_outcomes.frames import read_participants, read_scores
    from ipt_outcomes.results import estimates, read
    from ipt_outcomes.study import load_study

    rows = [read(path) for path in tables]
    draw_insiders(
        load_study(config),
        trial,
        scores=read_scores(scores),
        participants=read_participants(participants),
        rows=pd.concat(rows, ignore_index=True) if rows else estimates([]),
        residuals={
            Path(path).stem.removeprefix("residuals_"): pd.read_csv(path) for path in residuals
        },
        folder=figures,
    )


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            trial=snakemake.wildcards.trial,
            scores=snakemake.input.scores,
            participants=snakemake.input.participants,
            tables=[*snakemake.input.restricted, *snakemake.input.shared],
            residuals=snakemake.input.residuals,
            figures=snakemake.output.figures,
        )
