"""What kind of file a recording is, by its first bytes: what its sender says is not believed."""

from __future__ import annotations

UNKNOWN = "application/octet-stream"
FIRST_BYTES = 64

_AT_START = (
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"#!AMR-WB", "audio/amr-wb"),
    (b"#!AMR", "audio/amr"),
    (b"caff", "audio/x-caf"),
    (b".snd", "audio/basic"),
    (b"wvpk", "audio/x-wavpack"),
    (b"FLV", "video/x-flv"),
)
_RIFF = {b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_EBML = b"\x1a\x45\xdf\xa3"


def media_type_of(head: bytes) -> str:
    """The media type of a recording, or `application/octet-stream` where it is not a known one.

    A file that a client sent as `text/html` would otherwise be served as a page.

    Args:
        head: Its first `FIRST_BYTES` bytes.
    """
    for mark, media_type in _AT_START:
        if head.startswith(mark):
            return media_type
    if head[:4] in (b"RIFF", b"RF64"):
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[:4] == b"FORM" and head[8:11] == b"AIF":
        return "audio/aiff"
    if head[4:8] == b"ftyp":
        return "audio/mp4" if head[8:11] in (b"M4A", b"M4B") else "video/mp4"
    if head.startswith(_EBML):
        return "video/webm" if b"webm" in head else "video/x-matroska"
    return _bare_frames(head)


def _bare_frames(head: bytes) -> str:
    """MPEG sound without a container: eleven set bits, then the layer (0 in ADTS, which is AAC)."""
    if len(head) < 2 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return UNKNOWN
    return "audio/mpeg" if head[1] & 0x06 else "audio/aac"
