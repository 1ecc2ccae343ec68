"""Write the bundled example anew: ``python -m ipt_outcomes.simulate [--folder data/example]``."""

from __future__ import annotations

import argparse

from ipt_outcomes.simulate.example import SEED, write_example


def main(arguments: list[str] | None = None) -> None:
    """Read the command line and write the example.

    Parameters
    ----------
    arguments
        The command line's words; those of the process when left out.
    """
    parser = argparse.ArgumentParser(prog="python -m ipt_outcomes.simulate", description=__doc__)
    parser.add_argument("--folder", default="data/example", help="where to write")
    parser.add_argument("--seed", type=int, default=SEED, help="seed of the trial and its truth")
    chosen = parser.parse_args(arguments)
    for path in write_example(chosen.folder, chosen.seed):
        print(path)


if __name__ == "__main__":
    main()
