"""Arithmetic by which a number of a register is told from any other number.

Each function takes an entry as it stands and says whether its check digits fit.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable


def digits(text: str) -> list[int]:
    """Return the digits of an entry.

    Examples
    --------
    >>> digits("943 476-5919")
    [9, 4, 3, 4, 7, 6, 5, 9, 1, 9]
    """
    return [int(c) for c in text if c.isdigit()]


def luhn(text: str) -> bool:
    """Check by Luhn's sum (ISO/IEC 7812-1, annex B): cards, IMEI, Canadian insurance numbers.

    Examples
    --------
    >>> luhn("4111 1111 1111 1111"), luhn("4111 1111 1111 1112")
    (True, False)
    """
    places = digits(text)[::-1]
    doubled = (2 * d - 9 * (d > 4) for d in places[1::2])
    return len(places) > 1 and any(places) and (sum(places[::2]) + sum(doubled)) % 10 == 0


def card(text: str) -> bool:
    """Check a payment card: 13 to 19 digits that begin as issuers' numbers do, and Luhn's sum.

    Examples
    --------
    >>> card("5500 0000 0000 0004"), card("0000 0000 0000 0000")
    (True, False)
    """
    return 13 <= len(digits(text)) <= 19 and digits(text)[0] in (3, 4, 5, 6) and luhn(text)


def nhs(text: str) -> bool:
    """Check an NHS number: weights 10 to 2, modulus 11.

    Examples
    --------
    >>> nhs("943 476 5919"), nhs("943 476 5918")
    (True, False)
    """
    places = digits(text)
    if len(places) != 10:
        return False
    rest = 11 - sum(d * w for d, w in zip(places, range(10, 1, -1), strict=False)) % 11
    return rest != 10 and places[9] == rest % 11


def bsn(text: str) -> bool:
    """Check a Dutch service number: weights 9 to 2 and -1, modulus 11.

    Examples
    --------
    >>> bsn("111222333"), bsn("111222334")
    (True, False)
    """
    weights = (9, 8, 7, 6, 5, 4, 3, 2, -1)
    places = digits(text)
    return len(places) == 9 and sum(d * w for d, w in zip(places, weights, strict=True)) % 11 == 0


def ean13(text: str) -> bool:
    """Check by the weights 1 and 3 of EAN-13: Swiss insurance numbers.

    Examples
    --------
    >>> ean13("756.9217.0769.85"), ean13("756.9217.0769.84")
    (True, False)
    """
    places = digits(text)
    weighted = sum(d * (1 if place % 2 == 0 else 3) for place, d in enumerate(places))
    return len(places) == 13 and weighted % 10 == 0


def iban(text: str) -> bool:
    """Check an account number: moved by four, letters as numbers, modulus 97 (ISO 13616).

    Examples
    --------
    >>> iban("GB82 WEST 1234 5698 7654 32"), iban("GB82 WEST 1234 5698 7654 33")
    (True, False)
    """
    plain = re.sub(r"\s", "", text).upper()
    if not re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", plain):
        return False
    return int("".join(str(int(c, 36)) for c in plain[4:] + plain[:4])) % 97 == 1


def vin(text: str) -> bool:
    """Check a vehicle's number: weighted sum, modulus 11, in place 9 (49 CFR 565.15).

    Examples
    --------
    >>> vin("1M8GDM9AXKP042788"), vin("1M8GDM9A1KP042788")
    (True, False)
    """
    values = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))
    weights = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
    plain = text.upper()
    if len(plain) != 17 or not all(c.isdigit() or c in values for c in plain):
        return False
    total = sum(int(values.get(c, c)) * w for c, w in zip(plain, weights, strict=True)) % 11
    return plain[8] == ("X" if total == 10 else str(total))


def plate(text: str) -> bool:
    """Tell a licence plate from a study number such as ``A-2``: two letters or more, three digits.

    Examples
    --------
    >>> plate("B-MW 1234"), plate("A-2"), plate("T-A1")
    (True, False, False)
    """
    if re.match(r"(licen[sc]e )?plate", text, re.IGNORECASE):
        return True
    return " " in text and len(digits(text)) >= 3


def address(text: str) -> bool:
    """Check an address of the Internet, of either version.

    Examples
    --------
    >>> address("192.168.0.12"), address("2001:db8::1"), address("10:30:15"), address("12.5")
    (True, True, False, False)
    """
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


CHECKS: dict[str, Callable[[str], bool]] = {
    "luhn": luhn,
    "card": card,
    "nhs": nhs,
    "bsn": bsn,
    "ean13": ean13,
    "iban": iban,
    "vin": vin,
    "plate": plate,
    "address": address,
}
"""Name of a check in the table of identifiers: its function."""
