"""What may be kept beside a document: values that can be stored and given back as they came."""

from __future__ import annotations

import json
import math

from pydantic import JsonValue

from llmlabel.errors import InvalidInput, InvalidText

MAX_METADATA_CHARS = 65_536


def check_metadata(metadata: dict[str, JsonValue]) -> None:
    """Refuse what cannot be stored and given back as it came.

    Raises:
        InvalidText: A string holds NUL or a lone surrogate.
        InvalidInput: A number is not finite, or it is too large.
    """
    _check(metadata, "metadata")
    if len(json.dumps(metadata)) > MAX_METADATA_CHARS:
        raise InvalidInput(
            f"`metadata` has more than {MAX_METADATA_CHARS:,} characters as JSON; keep less.",
            field="metadata",
        )


def _check(value: JsonValue, where: str) -> None:
    match value:
        case str():
            if "\x00" in value or (not value.isascii() and _has_surrogate(value)):
                raise InvalidText(
                    f"`{where}` holds a NUL character or a lone surrogate; remove it.",
                    field=where,
                )
        case float() if not math.isfinite(value):
            raise InvalidInput(f"`{where}` is not a finite number.", field=where)
        case dict():
            for key, inner in value.items():
                _check(key, where)
                _check(inner, f"{where}.{key}")
        case list():
            for place, inner in enumerate(value):
                _check(inner, f"{where}.{place}")


def _has_surrogate(value: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in value)
