"""From spaCy's tag of a token to the part of speech that Universal Dependencies gives it.

spaCy's English pipelines map Penn tags to parts of speech by rules of their own. Where these
differ from Universal Dependencies (English EWT) in a regular way, the rule of the latter is
applied here. Each rule is a clause of the shipped guideline `pos`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

QUANTIFIERS = frozenset(["all", "some", "any", "each", "every", "another", "no", "a", "an", "the"])
_NAME_ADJECTIVES = (
    "new united great good big old high supreme national international central federal royal "
    "northern southern eastern western american british french german italian spanish russian "
    "chinese japanese indian african european asian arab iraqi iranian islamic catholic "
    "christian jewish holy foreign general public military political social"
)
NAME_ADJECTIVES = frozenset(_NAME_ADJECTIVES.split())
"""Adjectives that stay adjectives inside of a name."""
_BY_WORD: Mapping[tuple[str, str], str] = {
    ("FW", "etc"): "NOUN",
    ("FW", "etc."): "NOUN",
    ("NN", "%"): "SYM",
    ("RB", "at"): "ADP",
    ("RP", "in"): "ADV",
    ("IN", "due"): "ADJ",
    ("RBS", "least"): "ADJ",
    ("NNP", "am"): "NOUN",
    ("NNP", "pm"): "NOUN",
    ("NNP", "a.m."): "NOUN",
    ("NNP", "p.m."): "NOUN",
    ("IN", "upon"): "ADP",
}


def part_of_speech(token: Any) -> str:
    """The universal part of speech of a spaCy token, `SPACE` for white space."""
    tag, word, given = token.tag_, token.lower_, str(token.pos_)
    if (tag, word) in _BY_WORD:
        return _BY_WORD[tag, word]
    if tag == "DT" and given == "PRON":
        return _determiner(token, word)
    if tag == "IN" and token.dep_ == "prep":
        return _preposition(token, given)
    changed = (
        (tag == "WRB", "ADV"),
        (tag == "LS" and any(char.isdigit() for char in word), "NUM"),
        (tag == "TO" and token.dep_ == "quantmod", "ADP"),
        (tag == "NNP" and word in NAME_ADJECTIVES and token.dep_ in ("compound", "amod"), "ADJ"),
    )
    return next((label for applies, label in changed if applies), given)


def _determiner(token: Any, word: str) -> str:
    """`this` and `that` alone are pronouns, words of quantity stay determiners."""
    if word in ("both", "either", "neither") and token.dep_ in ("preconj", "advmod"):
        return "CCONJ"
    return "DET" if word in QUANTIFIERS else "PRON"


def _preposition(token: Any, given: str) -> str:
    """Before a clause (`of going`) a subordinator, before a noun phrase an adposition."""
    below = list(token.children)
    clause = any(
        (child.dep_ == "pcomp" and child.pos_ in ("VERB", "AUX"))
        or (child.dep_ == "pobj" and child.tag_ == "VBG" and _is_bare(child))
        for child in below
    )
    if clause and given == "ADP":
        return "SCONJ"
    return "ADP" if any(child.dep_ == "pobj" for child in below) else given


def _is_bare(token: Any) -> bool:
    """True for an -ing form without the article or adjective that a noun would take."""
    return token.pos_ == "VERB" and all(
        child.dep_ not in ("det", "amod", "poss", "compound") for child in token.children
    )
