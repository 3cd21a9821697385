"""Rows of the tables as values and back; what makes two submissions the same document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from pydantic import JsonValue

from llmlabel.domain.document import Document, Transcript
from llmlabel.errors import DocumentConflict, InvalidInput
from llmlabel.store.records import Failure, Recording, Request

MAX_ID = 256


def document_of(row: Mapping[str, object] | sa.RowMapping) -> Document | None:
    """A row of `documents` as a document; None while there is no text."""
    if row["text"] is None:
        return None
    transcript = row["transcript"]
    return Document(
        id=str(row["id"]),
        text=str(row["text"]),
        text_sha256=str(row["text_sha256"]),
        language=None if row["language"] is None else str(row["language"]),
        metadata=json.loads(str(row["metadata"])),
        transcript=None if transcript is None else Transcript.model_validate_json(str(transcript)),
    )


class FirstOfText:
    """Passes rows with a `text_sha256` unless one of the same text has passed before."""

    def __init__(self) -> None:
        self._passed: set[bytes] = set()

    def __call__(self, row: Any) -> bool:
        """Whether it is the first."""
        text = bytes.fromhex(row.text_sha256[:24])  # enough to tell any number of texts apart
        if text in self._passed:
            return False
        self._passed.add(text)
        return True


def recording_of(row: sa.RowMapping) -> Recording | None:
    """The recording joined to a row of `documents`, if it came as sound."""
    if row["recording_sha256"] is None:
        return None
    return Recording(
        sha256=row["recording_sha256"],
        file_name=row["file_name"],
        media_type=row["media_type"],
        bytes=row["bytes"],
    )


def failure_of(row: sa.RowMapping) -> Failure | None:
    """Why the work of this row failed, if it did."""
    if row["error_code"] is None:
        return None
    return Failure(code=row["error_code"], detail=row["error"])


def request_of(row: sa.RowMapping) -> Request:
    """A row of `requests` as a value."""
    return Request(
        document_id=row["document_id"],
        guideline=row["guideline"],
        status=row["status"],
        run=row["run"],
        attempts=row["attempts"],
        failure=failure_of(row),
        updated_at=row["updated_at"],
    )


def row_of(document: Document) -> dict[str, object]:
    """A document as a row of `documents`, without its time.

    Raises:
        InvalidInput: Its id cannot be used.
    """
    transcript = document.transcript
    return {
        "id": checked_id(document.id),
        "text": document.text,
        "text_sha256": document.text_sha256,
        "language": document.language,
        "metadata": dumped(document.metadata),
        "transcript": None if transcript is None else transcript.model_dump_json(),
        "recording_sha256": None,
    }


def checked_id(id: str) -> str:
    """The id, if every database and URL can carry it.

    Raises:
        InvalidInput: It is empty, too long or holds control characters.
    """
    if not 0 < len(id) <= MAX_ID or not id.isprintable():
        raise InvalidInput(
            f"The document id {id[:40]!r} cannot be used; an id has 1 to {MAX_ID} printable "
            "characters.",
            field="id",
        )
    return id


def dumped(metadata: dict[str, JsonValue]) -> str:
    """Metadata as the text that is stored and compared."""
    # Sorted, so that equal metadata are equal texts; ASCII, so that every database carries them.
    return json.dumps(metadata, sort_keys=True, ensure_ascii=True)


def same_content(
    stored: Mapping[str, object] | sa.RowMapping, new: Mapping[str, object], id: str
) -> None:
    """Refuse a document whose id is taken by another content.

    Raises:
        DocumentConflict: The message names what differs.
    """
    # A transcript's text is compared through its hash like any other.
    _compare(stored, new, id, {"text_sha256": "text", "language": "language"})


def same_recording(stored: sa.RowMapping, new: Mapping[str, object], id: str) -> None:
    """Refuse a recording whose id is taken by something else.

    Raises:
        DocumentConflict: The message names what differs.
    """
    names = {"recording_sha256": "recording"}
    if new["language"] is not None and stored["transcript"] is None:
        names["language"] = "language"  # later the column holds what was detected
    _compare(stored, new, id, names)


def _compare(
    stored: Mapping[str, object] | sa.RowMapping,
    new: Mapping[str, object],
    id: str,
    names: dict[str, str],
) -> None:
    for column, word in {**names, "metadata": "metadata"}.items():
        if stored[column] != new[column]:
            raise DocumentConflict(
                f"Document `{id}` exists with other {word}; send the same content or choose "
                "another id.",
                field=word,
            )
