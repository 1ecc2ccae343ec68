"""Pack the results of the study for reviewers."""

from ipt_outcomes.provenance.job import job


def main(*, config: str, bundle: str, digest: str) -> None:
    """Write the bundle, and its hash beside it."""
    import os
    from pathlib import Path

    from ipt_outcomes.provenance.bundle import publish

    made = publish(os.path.dirname(config) or ".", bundle)
    Path(digest).write_text(f"{made.sha256}  {os.path.basename(bundle)}\n", "utf-8")
    print(f"{made.files} files, {made.data} data, SHA-256 {made.sha256}")


if "snakemake" in globals():
    with job(snakemake.log[0]):
        main(config=snakemake.input.config, **dict(snakemake.output.items()))
