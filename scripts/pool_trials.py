"""Pool the trials of one synthesis, and draw its figures."""

import os
from collections.abc import Sequence

from ipt_outcomes.provenance.job import job


def main(*, config: str, synthesis: str, own: Sequence[str], estimates: str, figures: str) -> None:
    """Write the rows of the estimates table, the forest and the funnel."""
    from ipt_outcomes.figures.pooling import forest, funnel
    from ipt_outcomes.results import combine, read, write
    from ipt_outcomes.study import load_study
    from ipt_outcomes.synthesis.planned import planned_synthesis

    study = load_study(config)
    tables = combine(read(path) for path in own) if own else None
    found = planned_synthesis(study, synthesis, os.path.dirname(config) or ".", tables)
    for finding in found.findings.to_dict("records"):
        print({name: value for name, value in finding.items() if value == value})
    write(found.rows, estimates)
    for name, draw in (("forest", forest), ("funnel", funnel)):
        draw(study.synthesis[synthesis], synthesis, found.rows).save(os.path.join(figures, name))


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(
            config=snakemake.params.config,
            synthesis=snakemake.wildcards.synthesis,
            own=snakemake.input.get("own", []),
            **dict(snakemake.output.items()),
        )
