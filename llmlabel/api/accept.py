"""From what a client sent to what the queue accepts: checked texts and full references."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pydantic import JsonValue

from llmlabel.api.document_shapes import DocumentIn, DocumentItem, DocumentsIn
from llmlabel.api.service import Service
from llmlabel.audio.decode import open_recording
from llmlabel.domain.document import Document
from llmlabel.domain.metadata import check_metadata
from llmlabel.errors import InvalidInput, LlmlabelError, Unsupported
from llmlabel.store import StoredDocument


class Sound(NamedTuple):
    """An uploaded recording."""

    stream: BinaryIO
    file_name: str
    media_type: str | None


def accept_documents(
    service: Service, body: DocumentIn | DocumentsIn
) -> tuple[list[StoredDocument], bool]:
    """Accept one text or several; durable when it returns.

    Returns:
        The stored documents in order, and whether it was a list.

    Raises:
        InvalidInput: A text, id or metadata cannot be used; the field names which.
        UnknownGuideline: No such guideline or version.
        DocumentConflict: An id is taken by other content; nothing is accepted.
        QueueFull: Too much waits; nothing is accepted.
    """
    if isinstance(body, DocumentIn):
        document = _document(service, body, "")
        refs = full_refs(service, body.guidelines, spoken=False)
        return service.jobs.submit([document], refs), False
    limit = service.settings.max_documents
    if len(body.documents) > limit:
        raise InvalidInput(
            f"The list has {len(body.documents):,} documents, the limit is {limit:,}; send "
            "several lists or raise LLMLABEL_MAX_DOCUMENTS.",
            field="documents",
        )
    documents = [
        _document(service, item, f"documents.{place}.") for place, item in enumerate(body.documents)
    ]
    asked: dict[str, list[str]] = {}
    for place, (item, document) in enumerate(zip(body.documents, documents, strict=True)):
        named = item.guidelines or body.guidelines
        if named is None:
            raise InvalidInput(
                "Required, here or once for the whole list as `guidelines`.",
                field=f"documents.{place}.guidelines",
            )
        asked.setdefault(document.id, []).extend(named)
    full = {
        ref: full_refs(service, [ref], spoken=False)[0] for refs in asked.values() for ref in refs
    }
    by_id = {id: [full[ref] for ref in refs] for id, refs in asked.items()}
    return service.jobs.submit(documents, by_id), True


def accept_recording(
    service: Service,
    sound: Sound,
    guidelines: Sequence[str],
    *,
    id: str | None,
    language: str | None,
    metadata: str | None,
) -> StoredDocument:
    """Accept a recording; durable when it returns.

    Raises: as `accept_documents`; and
        InvalidAudio, AudioTooLong: As `check_recording`.
    """
    refs = full_refs(service, guidelines, spoken=True)
    kept = _parsed(metadata)
    service.jobs.check_room(1 + len(refs))  # before the recording is kept
    with tempfile.TemporaryDirectory(prefix="llmlabel-") as folder:
        # Under its own name, so that errors speak of the file that the client knows.
        copy = Path(folder) / _plain_name(sound.file_name)
        with copy.open("wb") as target:
            shutil.copyfileobj(sound.stream, target)
        check_recording(
            copy,
            max_bytes=service.settings.max_audio_bytes,
            max_seconds=service.settings.max_audio_seconds,
        )
        with copy.open("rb") as stream:
            recording = service.store.recordings.save(
                stream, sound.file_name, media_type=sound.media_type
            )
    return service.jobs.submit_recording(recording, refs, id=id, language=language, metadata=kept)


def _plain_name(name: str) -> str:
    """A client's name for a file without what a folder or a file system reads into it."""
    # The longest name has 255 bytes, and a letter up to four.
    return re.sub(r"[^\w.-]", "_", name)[-60:].lstrip(".") or "recording"


def check_recording(path: Path, *, max_bytes: int, max_seconds: float) -> None:
    """Refuse at once what could never be transcribed; decodes its first seconds.

    Raises:
        InvalidAudio: It is empty, broken, has no sound or is not a recording.
        AudioTooLong: It is larger, or declares to be longer, than the limit.
    """
    with open_recording(path, max_bytes=max_bytes, max_seconds=max_seconds) as recording:
        next(recording.chunks(), None)


def full_refs(service: Service, refs: Sequence[str], *, spoken: bool) -> list[str]:
    """Each guideline asked for as `name@version`, once.

    Raises:
        UnknownGuideline: There is none of that name or version.
        Unsupported: A text is to be transcribed.
    """
    found = [service.guidelines.get(ref) for ref in refs]
    for guideline in found:
        if guideline.kind == "transcript" and not spoken:
            raise Unsupported(
                f"{guideline.ref} is for recordings; send one to /v1/audio, or leave it out.",
                field="guidelines",
            )
    return list(dict.fromkeys(guideline.ref for guideline in found))


def _document(service: Service, item: DocumentItem, where: str) -> Document:
    try:
        check_metadata(item.metadata)
        return Document.of_text(
            item.text,
            id=item.id,
            language=item.language,
            metadata=item.metadata,
            max_chars=service.settings.max_text_chars,
        )
    except LlmlabelError as error:
        error.field = f"{where}{error.field}"
        raise


def _parsed(metadata: str | None) -> dict[str, JsonValue]:
    try:
        parsed = json.loads(metadata or "{}")
    except ValueError as error:
        raise InvalidInput(f"`metadata` is not JSON: {error}.", field="metadata") from error
    if not isinstance(parsed, dict):
        raise InvalidInput("`metadata` must be a JSON object.", field="metadata")
    check_metadata(parsed)
    return parsed
