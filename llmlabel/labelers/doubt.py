"""From a spaCy softmax to the probability that a unit is right.

A softmax of spaCy's small models is far too sure of itself: of the entities it gives .99 and
more, one in eight is wrong on text unlike its news and talk. The softmax is therefore tempered,
`sigmoid(slope * logit(p) + offset)` (Platt 1999). The constants were fitted once, with
en_core_web_sm 3.8, on the training files of UNER EWT and WikiGold (entities) and UD EWT (parts
of speech); they are a start that a calibrator fitted on verified labels replaces.
"""

from __future__ import annotations

import math

ENTITY_SLOPE, ENTITY_OFFSET = 0.47, -1.06
OUTSIDE_WEIGHT = 0.5
"""How much the doubt about a token outside of entities counts: half of the near misses are
boundaries that the doubt about a neighbouring entity states already."""
TAG_SLOPE, TAG_OFFSET = 0.5, 0.2
TAG_OFFSETS = {"PROPN": -1.1, "X": -2.9, "SYM": -1.4, "NUM": -0.8, "PUNCT": -0.6}
"""By part of speech: names and signs are confused more often than their softmax says."""
MIXED_OFFSET = -1.7
"""Letters and signs in one token (`and/or`, an address): the token itself may be wrong."""

_LEAST = 1e-5


def entity_probability(softmax: float) -> float:
    """Probability that an entity's offsets and label are right.

    Args:
        softmax: The lowest over the transitions that made it.
    """
    return _tempered(softmax, ENTITY_SLOPE, ENTITY_OFFSET)


def token_probability(softmax: float, part_of_speech: str, word: str) -> float:
    """Probability that a token and its part of speech are right.

    Args:
        softmax: The tagger's for its best tag.
        part_of_speech: The universal part of speech it was given.
        word: The token's text.
    """
    offset = TAG_OFFSET + TAG_OFFSETS.get(part_of_speech, 0.0)
    if not word.isalpha() and any(char.isalpha() for char in word):
        offset += MIXED_OFFSET
    return _tempered(softmax, TAG_SLOPE, offset)


def _tempered(softmax: float, slope: float, offset: float) -> float:
    p = min(max(softmax, _LEAST), 1 - _LEAST)
    return 1 / (1 + math.exp(-(slope * math.log(p / (1 - p)) + offset)))
