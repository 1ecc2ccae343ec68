"""What can be wrong with data or a request, said in the researcher's words.

Every refusal of the engine is a :class:`MixedModelError`. It is a ``ValueError`` that carries all
findings of one kind at once, so that a data set is mended in one go and not finding by finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class MixedModelError(ValueError):
    """A model that cannot be fitted as asked, with every reason found.

    Parameters
    ----------
    findings
        One sentence per problem: what was found, what was expected, how to mend it.

    Examples
    --------
    >>> raise MixedModelError(["column 'arm' is missing"])
    Traceback (most recent call last):
    ...
    ipt_outcomes.mixed.errors.MixedModelError: column 'arm' is missing
    """

    def __init__(self, findings: str | Iterable[str]) -> None:
        self.findings: list[str] = [findings] if isinstance(findings, str) else list(findings)
        super().__init__("\n".join(self.findings))


class DesignError(MixedModelError):
    """The data or the formula cannot give the model that was asked for."""


class ConvergenceError(MixedModelError):
    """No covariance of the sequence reached a maximum of the likelihood."""


def one_of(what: str, value: object, choices: Iterable[str]) -> str:
    """Return ``value`` if it is among ``choices``, else raise with the nearest choice named.

    Examples
    --------
    >>> one_of("df", "satterthwaite", ["satterthwaite", "normal"])
    'satterthwaite'
    """
    known = list(choices)
    if isinstance(value, str) and value in known:
        return value
    near = get_close_matches(str(value).lower(), known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise MixedModelError(
        f"{what}={value!r} is not known; choose one of: {', '.join(known)}.{hint}"
    )
