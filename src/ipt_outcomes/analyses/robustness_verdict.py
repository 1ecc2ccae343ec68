"""The verdict on robustness in plain words: what would have to be true for it to change."""

from __future__ import annotations

from ipt_outcomes.imputation import Tipping
from ipt_outcomes.results import Row


def conclusion(row: Row) -> int:
    """Return 1 when the interval lies above zero, -1 below, 0 when it holds zero.

    Examples
    --------
    >>> conclusion({"lower": -5.0, "upper": -1.0})
    -1
    """
    return int(row["lower"] > 0) - int(row["upper"] < 0)


def nothing_missing(visit: str) -> str:
    """Say that the conclusion rests on no assumption about the endpoint.

    Examples
    --------
    >>> nothing_missing("Week 16")
    'No score of Week 16 is missing: nothing there rests on an assumption.'
    """
    return f"No score of {visit} is missing: nothing there rests on an assumption."


def verdict(
    row: Row,
    *,
    arm: str,
    other: str,
    visit: str,
    unit: str,
    higher_is_worse: bool,
    first: str,
    same: int,
    others: list[str],
    tips: Tipping | None,
    largest: float | None,
    sd: float | None,
) -> str:
    """Say in plain words how far the conclusion depends on unseen scores.

    Parameters
    ----------
    row
        Estimate, lower and upper of the difference under the first assumption.
    arm, other, visit, unit
        Their names.
    higher_is_worse
        Direction of the outcome.
    first
        The first assumption in words.
    same
        Number of assumptions, the first one included, with its conclusion.
    others
        Assumptions that lead to another conclusion.
    tips, largest
        The tipping-point analysis and the largest shift that it examined.
    sd
        Observed standard deviation at the visit, to judge the size of a shift.

    Examples
    --------
    >>> row = {"estimate": -3.0, "lower": -5.0, "upper": -1.0}
    >>> print(verdict(row, arm="IPT", other="Medication", visit="Week 16", unit="points",
    ...               higher_is_worse=True, first="missing at random", same=4, others=[],
    ...               tips=None, largest=None, sd=None))
    Assuming missing at random, IPT did better than Medication at Week 16 by 3.0 points (interval \
1.0 to 5.0). The conclusion is the same under all 4 assumptions examined.
    """
    sign = -1 if higher_is_worse else 1
    size = sorted([sign * row["lower"], sign * row["upper"]])
    advantage = sign * row["estimate"]
    better = conclusion(row) * sign
    interval = f"(interval {size[0]:.1f} to {size[1]:.1f})"
    if better > 0:
        opening = f"{arm} did better than {other} at {visit} by {advantage:.1f} {unit} {interval}"
    elif better < 0:
        interval = f"(interval {-size[1]:.1f} to {-size[0]:.1f})"
        opening = f"{arm} did worse than {other} at {visit} by {-advantage:.1f} {unit} {interval}"
    else:
        opening = (
            f"no difference between {arm} and {other} was shown at {visit}: an advantage of "
            f"{advantage:.1f} {unit} {interval}"
        )
    parts = [f"Assuming {first}, {opening}."]
    total = same + len(others)
    if not others:
        parts.append(f"The conclusion is the same under all {total} assumptions examined.")
    else:
        parts.append(
            f"The conclusion is the same under {same} of {total} assumptions examined; it is "
            f"another one under {', '.join(others)}."
        )
    if tips is not None and largest is not None:
        parts.append(_tip_words(tips, largest, arm, other, unit, sign, better, sd))
    return " ".join(parts)


def _tip_words(
    tips: Tipping, largest: float, arm: str, other: str, unit: str, sign: int, better: int,
    sd: float | None,
) -> str:  # fmt: skip
    # A shift against the arm is one in the direction of worse scores.
    against, favour = tips.tip(-sign), tips.tip(sign)
    scale = f" (the observed SD there is {sd:.1f})" if sd is not None else ""
    as_predicted = f"those of {other} being as predicted"
    if better:
        tip, way = (against, "worse") if better > 0 else (favour, "better")
        if tip is None:
            return (
                f"No shift of the unseen scores of {arm} up to {largest:g} {unit} {way} than "
                f"predicted changes it, {as_predicted}{scale}."
            )
        return (
            f"It would change only if the unseen scores of {arm} were on average at least "
            f"{abs(tip):.1f} {unit} {way} than predicted, {as_predicted}{scale}."
        )
    ways = [
        f"{abs(tip):.1f} {unit} {way} than predicted (then {arm} would do {way})"
        for tip, way in ((favour, "better"), (against, "worse"))
        if tip is not None
    ]
    if not ways:
        return (
            f"No shift of the unseen scores of {arm} up to {largest:g} {unit} in either direction "
            f"changes it, {as_predicted}{scale}."
        )
    return (
        f"It would change only if the unseen scores of {arm} were on average at least "
        f"{' or '.join(ways)}, {as_predicted}{scale}."
    )
