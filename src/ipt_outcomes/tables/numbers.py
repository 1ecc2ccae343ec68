"""How numbers are written: APA style, the same in every table, figure and sentence.

Two decimals for scores and statistics, no zero before the point of a p-value, a true minus sign
(U+2212), intervals in square brackets. What is not known is an en dash, never an empty cell.

Source: American Psychological Association (2020), Publication Manual, 7th ed., sections 6.32-6.52.
"""

from __future__ import annotations

import math
import re

MINUS = "\N{MINUS SIGN}"
NOT_KNOWN = "\N{EN DASH}"


def number(value: float | None, decimals: int = 2) -> str:
    """Write a number with a fixed count of decimals.

    Parameters
    ----------
    value
        The number; None and NaN are not known.
    decimals
        Digits after the point.

    Examples
    --------
    >>> number(-3.456), number(None)
    ('−3.46', '–')
    >>> number(-0.001)
    '0.00'
    """
    if value is None or math.isnan(value):
        return NOT_KNOWN
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    text = f"{abs(value):.{decimals}f}"
    negative = value < 0 and float(text) != 0
    return f"{MINUS}{text}" if negative else text


def small(value: float | None) -> str:
    """Write a number that may be tiny with two figures that count.

    Examples
    --------
    >>> small(0.0221), small(3.1e-12), small(0.0), small(-0.06)
    ('0.022', '3.1 × 10⁻¹²', '0', '−0.060')
    """
    if value is None or not math.isfinite(value) or value == 0:
        return "0" if value == 0 else number(value)
    power = math.floor(math.log10(abs(value)))
    if power >= -4:
        return number(value, max(0, 1 - power))
    digits = str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{number(value / 10.0**power, 1)} × 10{digits}"


def true_minus(text: str) -> str:
    """Give the numbers of a sentence a true minus sign; ranges and names keep their hyphens.

    Examples
    --------
    >>> true_minus("an interval of -4.9 to 2.6, items 1-4, visit-2")
    'an interval of −4.9 to 2.6, items 1-4, visit-2'
    """
    return re.sub(r"(?<![\w.,)\]-])-(?=\d)", MINUS, text)


def p_value(p: float | None) -> str:
    """Write a p-value without a zero before its point.

    Examples
    --------
    >>> p_value(0.0321), p_value(0.00004), p_value(0.9999)
    ('.032', '< .001', '> .999')
    """
    if p is None or math.isnan(p):
        return NOT_KNOWN
    if p < 0.001:
        return "< .001"
    if p > 0.999:
        return "> .999"
    return f"{p:.3f}".lstrip("0")


def p_equation(p: float | None) -> str:
    """Write a p-value as it stands after the letter p in a sentence.

    Examples
    --------
    >>> p_equation(0.0321), p_equation(0.00004)
    ('= .032', '< .001')
    """
    text = p_value(p)
    return text if text[0] in "<>" else f"= {text}"


def degrees(df: float | None) -> str:
    """Write degrees of freedom: whole numbers as such, others with one decimal.

    Examples
    --------
    >>> degrees(8.0), degrees(187.43)
    ('8', '187.4')
    """
    if df is None or not math.isfinite(df):
        return number(df)
    return f"{df:.0f}" if abs(df - round(df)) < 1e-9 else f"{df:.1f}"


def count(n: float | None) -> str:
    """Write a count of participants.

    Examples
    --------
    >>> count(240), count(None)
    ('240', '–')
    """
    return NOT_KNOWN if n is None or math.isnan(n) else f"{n:.0f}"


def percent(share: float | None, decimals: int = 1) -> str:
    """Write a share between 0 and 1 as a percentage.

    Examples
    --------
    >>> percent(0.2875), percent(0.95, 0)
    ('28.7%', '95%')
    """
    return NOT_KNOWN if share is None else f"{number(100 * share, decimals)}%"


def level(share: float | None) -> str:
    """Write the level of an interval with as many decimals as it needs.

    Examples
    --------
    >>> level(0.95), level(0.975)
    ('95%', '97.5%')
    """
    if share is None or math.isnan(share):
        return NOT_KNOWN
    return f"{round(100 * share, 6):g}%"


def interval(lower: float | None, upper: float | None, decimals: int = 2) -> str:
    """Write an interval in brackets.

    Examples
    --------
    >>> interval(-4.2, -0.42)
    '[−4.20, −0.42]'
    """
    if lower is None or upper is None or math.isnan(lower) or math.isnan(upper):
        return NOT_KNOWN
    return f"[{number(lower, decimals)}, {number(upper, decimals)}]"
