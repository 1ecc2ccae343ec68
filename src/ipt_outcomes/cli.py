"""The ``ipt`` command: what researchers, planners and reviewers do outside a run of the workflow.

Each command is a module with ``arguments(parser)`` and ``run(options) -> int``, loaded when it is
called, so that ``ipt --version`` costs nothing. Mistakes in files and options end with their
message and exit code 1; what a command means by other codes stands in its own module.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

COMMANDS: Mapping[str, tuple[str, str]] = {
    "init": ("ipt_outcomes.commands.init", "draft config.yaml for an export"),
    "lock": ("ipt_outcomes.study.lock_command", "lock the analysis plan of a study"),
    "combine": ("ipt_outcomes.commands.combine", "one model over the sums of several sites"),
    "power": ("ipt_outcomes.commands.power", "plan a trial: power and precision by simulation"),
    "summarise": ("ipt_outcomes.commands.summarise", "a site's sums to share, without any row"),
    "verify": ("ipt_outcomes.commands.verify", "rebuild a published bundle, judge each number"),
}
"""Name of each command: the module that carries it out and what it does, in one line."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments
        The words after ``ipt``; by default those of the command line.

    Examples
    --------
    >>> main(["--version"])  # doctest: +ELLIPSIS
    ipt-outcomes ...
    0
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        from ipt_outcomes import __version__

        print(f"ipt-outcomes {__version__}")
        return 0
    parser = argparse.ArgumentParser(prog="ipt", description="Around a study of IPT Outcomes.")
    parser.add_argument("--version", action="store_true", help="the version, nothing else")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    asked = words[0] if words else None
    for name, (module, what) in COMMANDS.items():
        command = commands.add_parser(name, help=what, description=what)
        if name == asked:
            import_module(module).arguments(command)
    options = parser.parse_args(words)
    try:
        return int(import_module(COMMANDS[options.command][0]).run(options))
    except ValueError as error:
        # Every error of ours that speaks to the user is a ValueError; others keep their traceback.
        if not type(error).__module__.startswith("ipt_outcomes"):
            raise
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
