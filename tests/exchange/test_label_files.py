"""Labels are written line by line, and a run that was stopped can go on."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.domain.confidence import Confidence
from llmlabel.domain.label import Label, Route
from llmlabel.domain.prediction import Outcome, Prediction, Source
from llmlabel.errors import InvalidInput
from llmlabel.exchange import LabelWriter, label_record, resume
from llmlabel.exchange.seen import Seen


def a_label(id: str = "d1", *, answered: bool = True) -> Label:
    source = Source(labeler="llm", model="m", prompt="choice@1.0.0", examples=("E-1",))
    answer = ChoiceAnswer(label="positive")
    opinion = (
        Prediction(answer=answer, probability=0.9, method="label_path", source=source)
        if answered
        else Prediction(outcome=Outcome.REFUSED, source=source, detail="declined")
    )
    return Label(
        document_id=id,
        text_sha256="0" * 64,
        guideline="sentiment@1.0.0",
        guideline_sha256="1" * 64,
        answer=answer if answered else None,
        confidence=Confidence(value=0.9, method="label_path") if answered else None,
        route=Route.ACCEPTED if answered else Route.REVIEW,
        reason="café 🍎",
        threshold=0.8,
        opinions=(opinion,),
        created_at=datetime(2026, 1, 2, tzinfo=UTC),
    )


def test_a_record_has_the_promised_keys_and_names_its_makers() -> None:
    record = label_record(a_label())
    assert list(record) == [
        "id", "text_sha256", "guideline", "answer", "confidence", "route", "reason",
        "promise", "certificate", "source", "units",
    ]  # fmt: skip
    assert record["confidence"] == {"value": 0.9, "method": "label_path", "calibrated": False}
    assert record["source"]["opinions"][0]["source"]["prompt"] == "choice@1.0.0"
    assert json.loads(json.dumps(record)) == record


def test_a_label_without_an_answer_says_so() -> None:
    record = label_record(a_label(answered=False))
    assert record["answer"] is None
    assert record["confidence"] is None
    assert record["source"]["opinions"][0]["outcome"] == "refused"


def test_written_lines_are_read_back_and_known_as_done(tmp_path: Path) -> None:
    out = tmp_path / "labels.jsonl"
    with LabelWriter(out) as writer:
        writer.write(a_label("d1"))
        writer.write(a_label("d2"))
        assert len(out.read_text().splitlines()) == 2, "each line is on disk once written"
    done = resume(out)
    assert done.labels == 2
    assert done.has("d1", "sentiment@1.0.0", "0" * 64)
    assert done.has("d1", "sentiment@1.0.0")
    assert not done.has("d1", "sentiment@1.1.0", "0" * 64)
    assert not done.has("d1", "sentiment@1.0.0", "2" * 64)
    assert not done.has("d3", "sentiment@1.0.0")


@pytest.mark.parametrize("cut", [1, 2, 20, 200])
def test_a_half_written_last_line_is_cut_and_written_anew(tmp_path: Path, cut: int) -> None:
    out = tmp_path / "labels.jsonl"
    with LabelWriter(out) as writer:
        writer.write(a_label("d1"))
        writer.write(a_label("d2"))
    whole = out.read_bytes()
    out.write_bytes(whole[:-cut])
    done = resume(out)
    assert done.labels == 1
    assert done.cut_bytes > 0
    with LabelWriter(out, append=True) as writer:
        writer.write(a_label("d2"))
    assert out.read_bytes() == whole


def test_a_file_that_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "notes.jsonl"
    out.write_text('{"id": "x"}\nhalf')
    with pytest.raises(InvalidInput, match=":1 is not a label"):
        resume(out)
    with pytest.raises(InvalidInput, match="not empty"):
        LabelWriter(out)
    assert out.read_text() == '{"id": "x"}\nhalf'


def test_an_output_in_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="create its folder"):
        LabelWriter(tmp_path / "none" / "labels.jsonl")
    assert resume(tmp_path / "none.jsonl").labels == 0


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full to fill a disk")
def test_a_full_disk_is_an_error_that_says_how_to_go_on() -> None:
    from llmlabel.errors import StoreUnavailable

    writer = LabelWriter(Path("/dev/full"))
    with pytest.raises(StoreUnavailable, match="free some space"):
        writer.write(a_label())
    assert writer.written == 0
    writer.close()


def test_a_stream_can_take_the_labels() -> None:
    stream = io.StringIO()
    with LabelWriter(stream) as writer:
        writer.write(a_label())
    assert not stream.closed
    assert json.loads(stream.getvalue())["id"] == "d1"


def test_seen_keys_keep_their_first_value() -> None:
    seen = Seen()
    assert seen.add(("a", "b"), "first") is None
    assert seen.add(("a", "b"), "second") == "first"
    assert ("a", "b") in seen
    assert ("ab",) not in seen
    assert len(seen) == 1
    seen.close()
