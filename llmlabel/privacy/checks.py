"""Checksums that tell a card or an account from any other number."""

from __future__ import annotations

IBAN_LENGTHS = range(15, 35)
"""Characters of an IBAN, without spaces (ISO 13616)."""


def luhn(digits: str) -> bool:
    """Whether the last digit of a card number fits the others.

    Source: ISO/IEC 7812-1, annex B.
    """
    total = 0
    for place, char in enumerate(reversed(digits)):
        value = int(char) * (1 + place % 2)
        total += value - 9 * (value > 9)
    return total % 10 == 0


def iban(compact: str) -> bool:
    """Whether an IBAN without spaces has the right check digits.

    Source: ISO 13616-1; ISO/IEC 7064 MOD 97-10.
    """
    if len(compact) not in IBAN_LENGTHS or not (compact.isascii() and compact.isalnum()):
        return False
    turned = (compact[4:] + compact[:4]).upper()
    return int("".join(str(int(char, 36)) for char in turned)) % 97 == 1
