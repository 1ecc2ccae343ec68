"""What stands in the way of an imputation, said in the researcher's words."""

from __future__ import annotations

from collections.abc import Iterable


class ImputationError(ValueError):
    """Data or a request that cannot be imputed as asked, with every reason found.

    Parameters
    ----------
    findings
        One sentence per problem: what was found, what was expected, how to mend it.
    shareable
        The same without any participant's name, for what leaves the study's own computer; empty
        when no such text exists.

    Examples
    --------
    >>> raise ImputationError(["no visit is called 'week_99'"])
    Traceback (most recent call last):
    ...
    ipt_outcomes.imputation.errors.ImputationError: no visit is called 'week_99'
    """

    def __init__(self, findings: str | Iterable[str], shareable: str = "") -> None:
        self.shareable = shareable
        self.findings: list[str] = [findings] if isinstance(findings, str) else list(findings)
        super().__init__("\n".join(self.findings))


def listed(values: Iterable[object], most: int = 6) -> str:
    """Write some values as a list that ends with how many more there are.

    Examples
    --------
    >>> listed(["P1", "P2", "P3"], most=2)
    'P1, P2 and 1 more'
    """
    texts = [str(value) for value in values]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
