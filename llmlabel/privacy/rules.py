"""What rules find in a text: contacts, numbers, addresses, dates of birth, introduced names.

Every pattern is bounded, so that no text takes longer than its length. Where two finds overlap,
both are masked as one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Literal, NamedTuple

from llmlabel.privacy.checks import IBAN_LENGTHS, iban, luhn
from llmlabel.privacy.names import GIVEN

Kind = Literal[
    "CARD",
    "IBAN",
    "EMAIL",
    "URL",
    "SSN",
    "BIRTHDATE",
    "ADDRESS",
    "IP",
    "PHONE",
    "ACCOUNT",
    "HANDLE",
    "NUMBER",
    "PERSON",
]
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
"""What is masked. Of several that overlap the first in this order names the whole."""


class Found(NamedTuple):
    """Something to mask: offsets in code points, end exclusive."""

    start: int
    end: int
    kind: Kind


_EMAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_URL = re.compile(
    r"(?:\b(?:https?|ftp)://|\bwww\.)[^\s<>\"]{1,2000}"
    r"|(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){1,4}(?:com|org|net|info|io|eu|de|uk|fr|es|it|nl|ch|at)\b"
    r"(?:/[^\s<>\"]{0,2000})?",
    re.IGNORECASE,
)
_HANDLE = re.compile(r"(?<![\w@./])@\w[\w.]{1,49}")
_IP = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.]\d)")
_SSN = re.compile(r"(?<!\d)\d{3}[ -]\d{2}[ -]\d{4}(?!\d)")
_CARD = re.compile(r"(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)")
_PHONE = re.compile(r"(?<![\w+])(?:\+\s?)?\(?\d[\d ()./\u2011-]{5,22}\d(?!\w)")
_DATE = r"(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})"
_PLAIN_DATE = re.compile(rf"{_DATE}(?:[ T]\d.*)?", re.DOTALL)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_BIRTHDATE = re.compile(
    r"\b(?:born|birth(?:day|date)?|d\.?o\.?b\.?|geboren|geb\.)[^\d\n]{0,24}?"
    rf"\b({_DATE}|\d{{1,2}}(?:st|nd|rd|th)?\s+(?:of\s+)?{_MONTH},?\s+\d{{4}}"
    rf"|{_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}}|\d{{4}})(?!\w)",
    re.IGNORECASE,
)
# A month that comes before the day is no digit, so the gap before it must not swallow it.
_BIRTHDATE_MONTH = re.compile(
    r"\b(?:born|birth(?:day|date)?|d\.?o\.?b\.?)(?:\s+(?:is|was|on|in)|\s*:){0,2}\s+"
    rf"({_MONTH}\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+\d{{4}})",
    re.IGNORECASE,
)
_ACCOUNT = re.compile(
    r"\b(?:account|acct|konto|customer|client|member|patient|policy|passport|licen[cs]e|case"
    r"|ticket|order|invoice|booking|tracking|reference|ref|sort code)\b\.?"
    r"(?:\s*(?:number|no|nr|num|id|code|is|#|:|\.)){0,3}\s*#?\s*([A-Z0-9][A-Z0-9/-]{3,29})",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<!\d)\d{6,}(?!\d)|(?<![\w-])\d(?:[ -]?\d){7,}(?!\w)")
_STREET = (
    "Street|St|Avenue|Ave|Road|Rd|Boulevard|Blvd|Lane|Ln|Drive|Dr|Court|Ct|Place|Pl|Square|Sq"
    "|Terrace|Way|Close|Crescent|Parkway|Pkwy|Highway|Hwy"
)
_ADDRESS = re.compile(
    rf"(?<!\w)\d{{1,5}}[A-Za-z]?[ \t]+(?:[A-Z][\w'.-]{{0,30}}[ \t]+){{1,4}}(?:{_STREET})\b\.?"
    r"(?:,?[ \t]+(?:Apt|Apartment|Suite|Unit|Flat)\.?[ \t]+\w{1,6})?"
    r"|(?<!\w)[A-ZÄÖÜ][\w-]{1,40}(?:straße|strasse|str\.|weg|platz|allee|gasse)[ \t]+"
    r"\d{1,4}[a-z]?\b"
    r"|\bP\.?\s?O\.?\s?Box\s+\d{1,6}\b"
    r"|\b[A-Z]{2}[ \t]+\d{5}(?:-\d{4})?\b"
    r"|\b[A-Z]{1,2}\d[A-Z\d]?[ \t]?\d[A-Z]{2}\b"
)
_NAME = r"[^\W\d_a-z][^\W\d_]*(?:['’-][^\W\d_]+)*"
_ONE_NAME = re.compile(rf"(?<![\w@.]){_NAME}(?!\w)")
_NEXT_NAME = re.compile(rf"[ \t]+([A-Z]\.|{_NAME})(?!\w)")
_NAMES = rf"{_NAME}(?:[ \t]+(?:[A-Z]\.|{_NAME})){{0,3}}"
_TITLED = re.compile(rf"\b(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Herr|Frau)\b\.?[ \t]+({_NAMES})")
_SAID = re.compile(
    rf"\b(?:[Mm]y name is|[Nn]ame:|[Nn]amed|[Ii]ch heiße|[Dd]ear|Hi|Hello)[ \t]+({_NAMES})"
)
_SIGNED = re.compile(
    rf"(?:[Rr]egards|[Ss]incerely|[Cc]heers|[Ss]igned|[Bb]est wishes),?\s{{1,4}}({_NAMES})"
)
_NO_NAMES = frozenset(
    (
        *("sir", "madam", "team", "all", "customer", "customers", "there", "everyone", "friends"),
        *("colleagues", "support", "service", "i", "it", "the", "this", "we", "you", "thanks"),
    )
)
_TRAILING = ".,;:!?)]}'\"’”"


def find(text: str) -> list[Found]:
    """Everything the rules find, in no order; finds may overlap."""
    return [
        *_whole(_EMAIL, text, "EMAIL"),
        *(_trimmed(text, each) for each in _whole(_URL, text, "URL")),
        *_whole(_HANDLE, text, "HANDLE"),
        *_whole(_IP, text, "IP"),
        *_whole(_SSN, text, "SSN"),
        *_cards(text),
        *_ibans(text),
        *_phones(text),
        *_group(_BIRTHDATE, text, "BIRTHDATE"),
        *_group(_BIRTHDATE_MONTH, text, "BIRTHDATE"),
        *_whole(_ADDRESS, text, "ADDRESS"),
        *(each for each in _group(_ACCOUNT, text, "ACCOUNT") if _digits(text, each) >= 3),
        *(each for each in _whole(_NUMBER, text, "NUMBER") if not _is_date(text, each)),
        *(
            each
            for pattern in (_TITLED, _SAID, _SIGNED)
            for each in _group(pattern, text, "PERSON")
            if text[each.start : each.end].split(maxsplit=1)[0].casefold() not in _NO_NAMES
        ),
        *_given(text),
    ]


def _whole(pattern: re.Pattern[str], text: str, kind: Kind) -> Iterator[Found]:
    return (Found(*match.span(), kind) for match in pattern.finditer(text))


def _group(pattern: re.Pattern[str], text: str, kind: Kind) -> Iterator[Found]:
    return (Found(*match.span(1), kind) for match in pattern.finditer(text))


def _trimmed(text: str, found: Found) -> Found:
    """An address on the web without the punctuation of the sentence around it."""
    end = found.end
    while end > found.start + 1 and text[end - 1] in _TRAILING:
        end -= 1
    return found._replace(end=end)


def _is_date(text: str, found: Found) -> bool:
    return _PLAIN_DATE.fullmatch(text, found.start, found.end) is not None


def _digits(text: str, found: Found) -> int:
    return sum(char.isdigit() for char in text[found.start : found.end])


def _cards(text: str) -> Iterator[Found]:
    for match in _CARD.finditer(text):
        if luhn("".join(char for char in match[0] if char.isdecimal())):
            yield Found(*match.span(), "CARD")


def _phones(text: str) -> Iterator[Found]:
    for match in _PHONE.finditer(text):
        digits = sum(char.isdecimal() for char in match[0])
        if 7 <= digits <= 15 and not _PLAIN_DATE.fullmatch(match[0]):
            yield Found(*match.span(), "PHONE")


def _given(text: str) -> Iterator[Found]:
    """Known given names with the capitalised words after them."""
    for match in _ONE_NAME.finditer(text):
        if _plain(match[0]) not in GIVEN:
            continue
        end = match.end()
        for _ in range(2):
            follows = _NEXT_NAME.match(text, end)
            if follows is None or follows[1].casefold() in _NO_NAMES:
                break
            end = follows.end()
        yield Found(match.start(), end, "PERSON")


def _plain(name: str) -> str:
    """In lower case, without accents."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    return "".join(char for char in parts if not unicodedata.combining(char))


def _ibans(text: str) -> Iterator[Found]:
    for match in re.finditer(r"(?<![A-Za-z0-9])[A-Za-z]{2}\d{2}", text):
        places: list[int] = []
        at = match.start()
        while at < len(text) and len(places) < IBAN_LENGTHS.stop - 1:
            char = text[at]
            if char.isascii() and char.isalnum():
                places.append(at)
            elif char not in " -" or text[at - 1] in " -":
                break
            at += 1
        for size in range(len(places), IBAN_LENGTHS.start - 1, -1):
            end = places[size - 1] + 1
            if end < len(text) and text[end].isalnum():
                continue
            if iban("".join(text[place] for place in places[:size])):
                yield Found(match.start(), end, "IBAN")
                break
