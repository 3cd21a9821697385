"""What a file's structure tells that the decoder does not: it is cut off, or it lies."""

from __future__ import annotations

import os
from typing import BinaryIO, Literal

_UNKNOWN_SIZES = (0, 0xFFFFFFFF)  # written by encoders that stream and cannot go back
_OGG_LAST_PAGE = 0x04


def promised_more(file: BinaryIO) -> str | None:
    """Say so when a WAV or Ogg file ends before its own structure says it should.

    The decoder shortens the declared duration of such files to what is there, so that a
    comparison of declared and decoded seconds finds nothing. Leaves the file at its beginning.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    found = None
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        found = _wav_cut_off(file, size)
    elif head[:4] == b"OggS":
        found = _ogg_cut_off(file, size)
    file.seek(0)
    return found


def claims_too_much(file: BinaryIO) -> bool:
    """Whether a WAV file has a part, before its sound, that claims to be larger than the file.

    The decoder would set the memory aside that is claimed, up to 2 GB of it. Leaves the file at
    its beginning.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    found, at = False, 12
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:12] == b"WAVE":
        order: Literal["little", "big"] = "big" if head[:4] == b"RIFX" else "little"
        while at + 8 <= size and not found:
            file.seek(at)
            name, length = file.read(4), int.from_bytes(file.read(4), order)
            if name == b"data":
                break
            at += 8 + length + length % 2
            found = at > size + 1
    file.seek(0)
    return found


def _wav_cut_off(file: BinaryIO, size: int) -> str | None:
    at = 12
    while at + 8 <= size:
        file.seek(at)
        name, length = file.read(4), int.from_bytes(file.read(4), "little")
        if name == b"data":
            there = size - at - 8
            if length in _UNKNOWN_SIZES or length <= there:
                return None
            return (
                f"The file declares {length:,} bytes of sound but holds {there:,}; it is cut off."
            )
        at += 8 + length + length % 2
    return None


def _ogg_cut_off(file: BinaryIO, size: int) -> str | None:
    """The last page of every Ogg stream is marked as the last (RFC 3533, section 6)."""
    file.seek(max(0, size - 2 * 65_307))  # two pages of the largest size
    tail = file.read()
    last = tail.rfind(b"OggS")
    if last >= 0 and last + 5 < len(tail) and tail[last + 5] & _OGG_LAST_PAGE:
        return None
    return "The Ogg stream has no end mark; the file is cut off or was never finished."
