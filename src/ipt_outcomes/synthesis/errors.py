"""What keeps trials from being pooled, said in the researcher's words."""

from __future__ import annotations

from collections.abc import Iterable


class SynthesisError(ValueError):
    """Effects that cannot be pooled as asked, with every reason found.

    Parameters
    ----------
    findings
        One sentence or more per problem: what was found, what was expected, how to mend it.

    Examples
    --------
    >>> raise SynthesisError(["trial A: the standard error is 0"])
    Traceback (most recent call last):
    ...
    ipt_outcomes.synthesis.errors.SynthesisError: trial A: the standard error is 0
    """

    def __init__(self, findings: str | Iterable[str]) -> None:
        self.findings: list[str] = [findings] if isinstance(findings, str) else list(findings)
        super().__init__("\n".join(self.findings))
