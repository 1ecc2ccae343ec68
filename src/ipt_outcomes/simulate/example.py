"""The bundled example: one simulated trial as a REDCap export, with its truth beside it.

The seed was fixed before any result was looked at. Every file is a pure function of the design
and the seed, so that writing the example anew gives the same bytes.
"""

from __future__ import annotations

import json
from pathlib import Path

from ipt_outcomes.simulate.design import TrialDesign
from ipt_outcomes.simulate.readme import readme
from ipt_outcomes.simulate.redcap import dictionary, export
from ipt_outcomes.simulate.trial import simulate_trial
from ipt_outcomes.simulate.truth import true_values
from ipt_outcomes.whole_files import whole_file

SEED = 20261122
"""Seed of the bundled example."""

PEOPLE = 1_000_000
"""People followed under every arm for the truth of the bundled example."""


def example_files(
    design: TrialDesign | None = None, seed: int = SEED, people: int = PEOPLE
) -> dict[str, str]:
    """Make the files of an example study.

    Parameters
    ----------
    design
        The trial; the default design when left out.
    seed
        Seed of the trial and of its truth.
    people
        People followed under every arm for the truth.

    Returns
    -------
    dict of str to str
        File name: content.

    Examples
    --------
    >>> list(example_files(TrialDesign(participants=30), seed=1, people=100))
    ['redcap_export.csv', 'redcap_dictionary.csv', 'truth.json', 'README.md']
    """
    design = design or TrialDesign()
    truth = true_values(design, seed, people)
    trial = simulate_trial(design, seed)
    return {
        "redcap_export.csv": export(trial).to_csv(index=False, lineterminator="\n"),
        "redcap_dictionary.csv": dictionary(design).to_csv(index=False, lineterminator="\n"),
        "truth.json": json.dumps(truth.as_json(), indent=1) + "\n",
        "README.md": readme(trial, truth),
    }


def write_example(folder: str | Path, seed: int = SEED, people: int = PEOPLE) -> list[Path]:
    """Write the example into a folder; each file appears whole or not at all.

    Returns
    -------
    list of pathlib.Path
        The files written.
    """
    written = []
    for name, text in example_files(seed=seed, people=people).items():
        written.append(Path(folder, name))
        with whole_file(written[-1]) as part:
            part.write_text(text, encoding="utf-8", newline="\n")
    return written
