"""What is wrong in a configuration, in words that its author can act on."""

from __future__ import annotations

from dataclasses import dataclass

Problem = tuple[tuple[str, ...], str, str]
"""Key path in a configuration, what is wrong, how to mend it."""


@dataclass(frozen=True)
class ConfigFinding:
    """One thing to mend in ``config.yaml``.

    Parameters
    ----------
    key
        Where it stands, as a dotted path such as ``visits.week_4.week``.
    line
        Line of the file, counted from 1; 0 when the finding has no line of its own.
    problem
        What was found and what was expected.
    mend
        What to write instead.
    """

    key: str
    line: int
    problem: str
    mend: str = ""

    def __str__(self) -> str:
        where = f"line {self.line}: " if self.line else ""
        mend = f" {self.mend}" if self.mend else ""
        return f"{where}{self.key or 'the file'}: {self.problem}{mend}"


class ConfigError(ValueError):
    """A configuration that cannot be run; carries every finding at once.

    Parameters
    ----------
    path
        The file, as the researcher named it.
    findings
        All that has to be mended, in the order of the file.
    """

    def __init__(self, path: str, findings: list[ConfigFinding]) -> None:
        self.path = path
        self.findings = sorted(findings, key=lambda finding: finding.line)
        count = len(self.findings)
        things = "1 thing" if count == 1 else f"{count} things"
        lines = "\n".join(f"  - {finding}" for finding in self.findings)
        super().__init__(f"{path} cannot be used: {things} to mend.\n{lines}")
