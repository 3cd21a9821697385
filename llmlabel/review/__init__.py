"""Reviews: who may decide an item, what a verdict may say, what it makes of the label."""

from __future__ import annotations

from llmlabel.domain.review import Filter
from llmlabel.review.answers import check_answer, token_offsets
from llmlabel.review.queue import MAX_TAKE, ReviewQueue

__all__ = ["MAX_TAKE", "Filter", "ReviewQueue", "check_answer", "token_offsets"]
