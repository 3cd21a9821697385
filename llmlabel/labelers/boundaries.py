"""Where an entity begins and ends, by the rules every guideline for spans shares.

Outside of an entity are: white space and punctuation around it, a leading determiner or
preposition, a trailing possessive ('s), a dangling preposition or determiner at its end, and
the title before a person's name. A guideline that says otherwise names the rule it lifts. The sign
of a currency or of a share belongs to the number beside it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Set

from llmlabel.domain.guideline import TRIM_RULES as ALL
from llmlabel.domain.guideline import TrimRule as Rule

REVISION = 2
"""Raised when a rule changes: what was certified under another one is not this process."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


DETERMINERS = _words(
    "the a an this that these those its his her their our my your some any each every"
)
ARTICLES = _words("the a an")
"""All that is cut off a date: `this week` and `every Friday` say which one."""
ABOUT = _words("about almost nearly over around approximately roughly")
DANGLING = _words("of the a an and or in on at for to by with from & as")
TITLES = _words(
    "mr mrs ms miss mx dr prof professor sir dame lord lady sen senator rep president capt "
    "captain gen general col colonel lt sgt maj major rev reverend judge justice pm "
    "minister chancellor governor gov mayor king queen prince princess pope"
)
PERSONS = _words("person per")
DATES = _words("date time")
ADDRESS = re.compile(r"^\W*(?:https?://|www\.|\S+@\S+\.\S+$)", re.IGNORECASE)
_PHONE = re.compile(
    r"\+\d[\d ().-]{5,20}\d|(?<!\d)\(?\d{3}\)?[ .-]{1,2}\d{3}[ .-]\d{4}(?!\d)"
    r"|(?<!\d)\d{3}-\d{4}(?!\d)"
)
_PHONE_SIGNS = " +().-"
_LONGEST_PHONE = 24

_WORD = re.compile(r"\S+")
_EDGE_LEFT = re.compile(r"^[\s\"'“”‘’`«»()\[\]{}<>,;:!?*/\\|_=+~–—-]+|^\.(?!\w)")
_EDGE_RIGHT = re.compile(r"[\s\"'“”‘’`«»(\[{}<>,;:!?*/\\|_=~–—-]+$")
_POSSESSIVE = re.compile(r"\s*(?:['’‘]s|(?<=s)['’])$", re.IGNORECASE)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[^\W\d_]\.)+$|\b(?:inc|ltd|co|corp|jr|sr|st|no|bros|llc)\.$", re.I
)


def trim(
    text: str, start: int, end: int, rules: Collection[Rule] = ALL, *, label: str = ""
) -> tuple[int, int]:
    """The span without what does not belong to the name.

    Args:
        text: The document's text.
        start: First code point of the span.
        end: After its last code point.
        rules: Those the guideline keeps; white space and punctuation always go.
        label: A title goes off the front of a person only, `this` not off that of a date.

    Returns:
        The new start and end; equal when nothing is left. Trimming again changes nothing.
    """
    kind = label.casefold()
    titles = TITLES if "titles" in rules and kind in PERSONS else frozenset[str]()
    front = ARTICLES if kind in DATES else DETERMINERS
    if "determiners" not in rules:
        front = frozenset()
    while start < end:
        before = (start, end)
        start, end = _edges(text, start, end, "possessives" in rules)
        start = _front(text, start, end, front, titles)
        if "determiners" in rules:
            end = _back(text, start, end)
        if (start, end) == before:
            break
    return start, end


def is_no_name(surface: str, *, number: bool = False) -> bool:
    """True for what is never an entity: an address, or signs without a letter.

    Args:
        surface: Of the span.
        number: Whether digits alone can be one, as in a date or a sum.
    """
    if ADDRESS.match(surface):
        return True
    return not any(char.isalpha() or (number and char.isdigit()) for char in surface)


def is_in_phone_number(text: str, start: int, end: int) -> bool:
    """True for digits of a phone number, in international or North American form.

    What holds a letter or another sign, as of a currency, is none.
    """
    if not all(char.isdigit() or char in _PHONE_SIGNS for char in text[start:end]):
        return False
    first = max(0, start - _LONGEST_PHONE)
    return any(
        first + match.start() < end and start < first + match.end()
        for match in _PHONE.finditer(text[first : end + _LONGEST_PHONE])
    )


def with_sign(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a number with the sign of a currency or of a share right beside it.

    `128` of `$128` becomes the whole, and so does `40` of `40 %` and of `40 €`.
    """
    if start < end and text[start].isdigit() and _is_currency(text[start - 1 : start]):
        start -= 1
    if start < end and text[end - 1].isdigit():
        at = end + (text[end : end + 1] == " ")
        sign, beyond = text[at : at + 1], text[at + 1 : at + 2]
        if (sign in {"%", "‰"} or _is_currency(sign)) and not beyond.isalnum():
            end = at + 1
    return start, end


def _is_currency(char: str) -> bool:
    return char != "" and unicodedata.category(char) == "Sc"


def _edges(text: str, start: int, end: int, possessives: bool) -> tuple[int, int]:
    left = _EDGE_LEFT.match(text[start:end])
    if left:
        start += left.end()
    if possessives and (cut := _POSSESSIVE.search(text[start:end])):
        end = start + cut.start()
    right = _EDGE_RIGHT.search(text[start:end])
    if right:
        end = start + right.start()
    surface = text[start:end]
    if surface.endswith(")") and surface.count(")") > surface.count("("):
        end -= 1
    if surface.endswith("]") and surface.count("]") > surface.count("["):
        end -= 1
    if surface.endswith(".") and not _ABBREVIATION.search(surface):
        end -= 1
    return start, end


def _front(text: str, start: int, end: int, front: Set[str], titles: Set[str]) -> int:
    words = list(_WORD.finditer(text[start:end]))
    if len(words) < 2:
        return end if text[start:end].lower() in front else start
    first = words[0].group().lower()
    amount = bool(front) and first in ABOUT and any(c.isdigit() for c in text[start:end])
    droppable = first in front or first.rstrip(".") in titles or amount
    return start + words[1].start() if droppable else start


def _back(text: str, start: int, end: int) -> int:
    words = list(_WORD.finditer(text[start:end]))
    if len(words) >= 2 and words[-1].group() in DANGLING:
        return start + words[-2].end()
    return end
