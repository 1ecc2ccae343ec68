"""Draw one figure of one trial."""

from ipt_outcomes.provenance.job import job


def main(*, config: str, trial: str, figure: str, estimates: str, stem: str) -> None:
    """Write the figure in all its formats, with its data and caption."""
    from ipt_outcomes.figures import draw_figure
    from ipt_outcomes.results import read
    from ipt_outcomes.study import load_study

    study, rows = load_study(config), read(estimates)
    draw_figure(figure, study=study, estimates=rows, trial=trial).save(stem)


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            trial=snakemake.wildcards.trial,
            figure=snakemake.wildcards.figure,
            estimates=snakemake.input.estimates,
            stem=snakemake.output.png.removesuffix(".png"),
        )
