"""Reviews: who may decide an item, what a verdict may say, what it makes of the label."""

from __future__ import annotations

from llmlabel.review.answers import check_answer, token_offsets
from llmlabel.review.queue import ReviewQueue

__all__ = ["ReviewQueue", "check_answer", "token_offsets"]
