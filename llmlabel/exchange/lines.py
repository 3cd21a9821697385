"""Physical lines of a file that may be broken anywhere, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_UTF8_BOM = b"\xef\xbb\xbf"
_UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")


def numbered_lines(stream: BinaryIO, limit: int) -> Iterator[tuple[int, bytes | None]]:
    """Lines with their numbers from 1, ends included and the BOM removed.

    A line of more than `limit` bytes is skipped as it streams by and given as None.
    """
    number = 0
    while chunk := stream.readline(limit + 1):
        number += 1
        if number == 1:
            chunk = chunk.removeprefix(_UTF8_BOM)
        if len(chunk) > limit and not chunk.endswith(b"\n"):
            while (rest := stream.readline(limit + 1)) and not rest.endswith(b"\n"):
                pass
            yield number, None
        else:
            yield number, chunk


def decode(raw: bytes) -> str:
    """The text of UTF-8 bytes.

    Raises:
        ValueError: They are not UTF-8; the message is for the person who owns the file.
    """
    try:
        return raw.decode()
    except UnicodeDecodeError as exc:
        if raw.startswith(_UTF16_BOMS):
            raise ValueError("The file is UTF-16; save it as UTF-8.") from exc
        raise ValueError(
            f"Byte {exc.start} (0x{raw[exc.start]:02X}) is not UTF-8; save the file as UTF-8."
        ) from exc


def too_long(limit: int) -> str:
    """What to say of a line that was skipped for its length."""
    return (
        f"The line has more than {limit:,} bytes and was skipped; "
        "split the text or raise LLMLABEL_MAX_TEXT_CHARS."
    )
