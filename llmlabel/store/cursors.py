"""Opaque cursors of lists that are read page by page."""

from __future__ import annotations

import base64
import binascii

from llmlabel.errors import InvalidInput


def cursor_of(seq: int) -> str:
    """The cursor that continues after the row with this number."""
    return base64.urlsafe_b64encode(f"d{seq}".encode()).decode().rstrip("=")


def seq_of(cursor: str) -> int:
    """The row a cursor stands for.

    Raises:
        InvalidInput: It is not a cursor that `cursor_of` gave.
    """
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
        if text[:1] != "d" or not text[1:].isdigit() or len(text) > 19:
            raise ValueError(text)
        seq = int(text[1:])
        if cursor_of(seq) != cursor:  # the decoder passes over what it does not know
            raise ValueError(text)
        return seq
    except (ValueError, binascii.Error) as error:
        raise InvalidInput(
            "The cursor is not one that this service gave; leave it out to start from the "
            "newest document.",
            field="cursor",
        ) from error
