from __future__ import annotations

import io
from pathlib import Path

import pytest

from llmlabel.domain.document import Document, Transcript
from llmlabel.errors import AudioTooLong, DocumentConflict, InvalidAudio, NotFound
from llmlabel.store import Asked, Failure, Recording, Store

SENTIMENT, INTENT = "sentiment@1.0.0", "intent@1.0.0"
TRANSCRIPT = Transcript(
    model="tiny", language="en", language_probability=1, duration_seconds=2, speech_seconds=1
)


def _keep(store: Store, content: bytes = b"RIFF....") -> Recording:
    return store.recordings.save(io.BytesIO(content), "call.wav", media_type="audio/wav")


def _folder_is_clean(tmp_path: Path) -> bool:
    return not [path for path in (tmp_path / "recordings").rglob("*") if path.is_file()]


def test_a_recording_is_kept_once_under_its_hash(store: Store, tmp_path: Path) -> None:
    first, again = _keep(store), _keep(store)
    assert first == again
    assert store.recordings.path(first.sha256).read_bytes() == b"RIFF...."
    assert len([p for p in (tmp_path / "recordings").rglob("*") if p.is_file()]) == 1


def test_an_empty_recording_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    with pytest.raises(InvalidAudio):
        _keep(store, b"")
    assert _folder_is_clean(tmp_path)


def test_a_recording_that_is_too_large_leaves_nothing_behind(store: Store, tmp_path: Path) -> None:
    with pytest.raises(AudioTooLong):
        store.recordings.save(io.BytesIO(b"x" * 11), "long.wav", max_bytes=10)
    assert _folder_is_clean(tmp_path)


@pytest.mark.parametrize("sha256", ["f" * 64, "../../etc/passwd", ""])
def test_only_known_recordings_have_a_path(store: Store, sha256: str) -> None:
    with pytest.raises(NotFound):
        store.recordings.path(sha256)


def test_a_recording_gets_its_text_once_and_then_its_guidelines_are_queued(store: Store) -> None:
    recording = _keep(store)
    to_write: list[tuple[str, int]] = []
    queued: list[Asked] = []
    stored = store.documents.add_recording(
        "a",
        recording,
        [SENTIMENT],
        enqueue=lambda _, asked: queued.extend(asked),
        enqueue_recording=lambda _, id, run: to_write.append((id, run)),
    )
    assert (stored.status, stored.document, stored.recording) == ("queued", None, recording)
    assert (to_write, queued) == ([("a", 1)], [])
    for text in ("hello", "something else"):
        store.work.save_transcript("a", 1, text, TRANSCRIPT, lambda _, asked: queued.extend(asked))
    document = store.documents.get("a").document
    assert document == Document.of_text("hello", id="a", language="en").model_copy(
        update={"transcript": TRANSCRIPT}
    )
    assert queued == [Asked("a", SENTIMENT, 1)]


def test_a_guideline_asked_of_a_transcribed_recording_is_queued_at_once(store: Store) -> None:
    recording = _keep(store)
    queued: list[Asked] = []
    store.documents.add_recording("a", recording, [])
    store.work.save_transcript("a", 1, "hello", TRANSCRIPT)
    found = store.documents.add_recording(
        "a", recording, [INTENT], enqueue=lambda _, asked: queued.extend(asked)
    )
    assert not found.created
    assert queued == [Asked("a", INTENT, 1)]


def test_a_failed_recording_fails_what_is_asked_of_it_now_and_later(store: Store) -> None:
    recording = _keep(store)
    broken = Failure(code="invalid-audio", detail="not audio")
    store.documents.add_recording("a", recording, [SENTIMENT])
    assert store.work.fail_transcription("a", 1, broken)
    stored = store.documents.add_recording("a", recording, [INTENT])
    assert stored.status == "failed"
    assert stored.failure == broken
    assert {request.failure for request in stored.requests} == {broken}


def test_a_failed_recording_can_be_queued_again(store: Store) -> None:
    recording = _keep(store)
    again: list[tuple[str, int]] = []
    store.documents.add_recording("a", recording, [SENTIMENT])
    store.work.fail_transcription("a", 1, Failure(code="x", detail="y"))
    store.work.requeue("a", None, lambda _, asked: None, lambda _, id, run: again.append((id, run)))
    assert again == [("a", 2)]
    assert store.documents.get("a").status == "queued"
    queued: list[Asked] = []
    store.work.save_transcript("a", 2, "hi", TRANSCRIPT, lambda _, asked: queued.extend(asked))
    assert queued == [Asked("a", SENTIMENT, 2)]


def test_an_id_of_another_recording_or_text_is_refused(store: Store) -> None:
    store.documents.add_recording("a", _keep(store), [])
    with pytest.raises(DocumentConflict):
        store.documents.add_recording("a", _keep(store, b"other"), [])
    with pytest.raises(DocumentConflict):
        store.documents.add([Document.of_text("hello", id="a")], [])
    store.documents.add([Document.of_text("hello", id="b")], [])
    with pytest.raises(DocumentConflict):
        store.documents.add_recording("b", _keep(store), [])


def test_a_derived_file_is_made_once(store: Store) -> None:
    recording, made = _keep(store), []

    def shout(source: Path, target: Path) -> None:
        made.append(source)
        target.write_bytes(source.read_bytes().upper())

    first = store.recordings.derived(recording.sha256, ".loud", shout)
    assert store.recordings.derived(recording.sha256, ".loud", shout) == first
    assert first.read_bytes() == b"RIFF...."
    assert len(made) == 1


def test_a_derived_file_that_could_not_be_made_is_not_kept(store: Store, tmp_path: Path) -> None:
    recording = _keep(store)

    def give_up(_: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise InvalidAudio("It stops in the middle.")

    with pytest.raises(InvalidAudio):
        store.recordings.derived(recording.sha256, ".loud", give_up)
    files = [path for path in (tmp_path / "recordings").rglob("*") if path.is_file()]
    assert files == [store.recordings.path(recording.sha256)]
