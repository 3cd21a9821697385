"""Files, folders and standard input become documents; what is broken is named and passed over."""

from __future__ import annotations

import csv
import io
import json
import string
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmlabel.exchange import BadLine, Reader, ReadOptions, Recording, TextItem


def read(
    *sources: Path | str, options: ReadOptions | None = None, stdin: bytes = b""
) -> tuple[list[str], list[BadLine], Reader]:
    reader = Reader(sources, options, stdin=io.BytesIO(stdin))
    texts, bad = [], []
    for item in reader:
        if isinstance(item, BadLine):
            bad.append(item)
        elif isinstance(item, TextItem):
            texts.append(item.document.text)
        else:
            texts.append(f"<{item.path.name}>")
    assert reader.counts.bad == len(bad)
    return texts, bad, reader


def test_a_text_file_is_one_document_kept_byte_for_byte(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"\xef\xbb\xbf one\r\n two \xf0\x9f\x8d\x8e\r\n")
    texts, bad, _ = read(file)
    assert texts == [" one\r\n two 🍎\r\n"]
    assert not bad
    (item,) = Reader([file])
    assert isinstance(item, TextItem)
    assert item.document.id == str(file)


def test_a_text_file_can_hold_one_document_a_line(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"one\r\n\n  \ntwo\nthree")
    texts, bad, _ = read(file, options=ReadOptions(lines=True))
    assert texts == ["one", "two", "three"]
    assert not bad


def test_a_bad_json_line_does_not_stop_the_good_ones(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    lines = [
        b'{"id": "a", "text": "good"}',
        b'{"text": ',
        b"[1]",
        b'{"texte": "x"}',
        b'{"text": 3}',
        b'{"text": "  "}',
        b'{"text": "a\\u0000b"}',
        b'{"text": "a\\ud800b"}',
        b'{"id": "", "text": "x"}',
        b'{"text": "caf\xe9"}',
        b"[" * 100_000,
        b'{"id": 7, "text": "last", "language": "en", "topic": "fruit"}',
    ]
    file.write_bytes(b"\n".join(lines))
    texts, bad, reader = read(file)
    assert texts == ["good", "last"]
    assert [item.line for item in bad] == list(range(2, 12))
    assert [item.field for item in bad] == [
        None, None, "text", "text", "text", "text", "text", "id", None, None,
    ]  # fmt: skip
    assert "`texte`" in bad[2].detail
    assert "UTF-8" in bad[8].detail
    assert all(str(item).startswith(f"{file}:{item.line}: ") for item in bad)
    last = [item for item in Reader([file]) if isinstance(item, TextItem)][-1]
    assert last.document.id == "7"
    assert last.document.language == "en"
    assert last.document.metadata == {"topic": "fruit"}
    assert reader.counts.texts == 2


def test_another_field_can_hold_the_text(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"body": "hello", "key": "k1"}\n')
    (item,) = Reader([file], ReadOptions(column="body", id_column="key"))
    assert isinstance(item, TextItem)
    assert (item.document.text, item.document.id) == ("hello", "k1")


def test_an_id_used_again_with_other_content_is_an_error_for_that_line(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    rows = [("a", "one"), ("b", "two"), ("a", "other"), ("a", "one")]
    file.write_text("".join(json.dumps({"id": i, "text": t}) + "\n" for i, t in rows))
    texts, bad, reader = read(file)
    assert texts == ["one", "two"]
    assert [(item.line, item.field) for item in bad] == [(3, "id")]
    assert f"{file}:1" in bad[0].detail
    assert reader.counts.repeated == 1


def test_a_line_longer_than_the_limit_is_skipped_in_bounded_memory(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    options = ReadOptions(max_chars=100)
    with file.open("wb") as stream:
        stream.write(b'{"text": "before"}\n{"text": "')
        stream.write(b"x" * 3_000_000)
        stream.write(b'"}\n{"text": "after"}\n{"text": "' + b"y" * 101 + b'"}\n')
    texts, bad, _ = read(file, options=options)
    assert texts == ["before", "after"]
    assert [item.line for item in bad] == [2, 4]


def test_a_text_file_larger_than_the_limit_says_what_to_do(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("x" * 1_000_000)
    _, (bad,), _ = read(file, options=ReadOptions(max_chars=1000))
    assert "LLMLABEL_MAX_TEXT_CHARS" in bad.detail


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_the_delimiter_of_a_table_is_seen_from_its_header(tmp_path: Path, mark: str) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(
        b"\xef\xbb\xbf"
        + mark.join(["id", "note, or not; well", "text"])
        .encode()
        .replace(b"note, or not; well", b'"note, or not; well"')
        + b"\r\n"
        + mark.join(["1", "n", f'"a ""quoted""{mark} text\r\nof two lines"']).encode()
        + b"\r\n"
        + mark.join(["2", "n", "plain"]).encode()
    )
    texts, bad, _ = read(file)
    assert not bad
    assert texts == [f'a "quoted"{mark} text\r\nof two lines', "plain"]


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("id,review\n1,good\n")
    texts, (bad,), _ = read(file)
    assert not texts
    assert bad.field == "text"
    assert "id, review" in bad.detail
    assert read(file, options=ReadOptions(column="review"))[0] == ["good"]


def test_a_broken_record_of_a_table_does_not_cost_the_others(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(
        b"id,text\n1,one\n2,two,too many\n3\n4,\n5,caf\xe9\n"
        b'6,six\n7,"never closed\n8,eight\n9,nine\n'
    )
    texts, bad, _ = read(file)
    assert texts == ["one", "six", "eight", "nine"]
    assert [item.line for item in bad] == [3, 4, 5, 6, 8]
    assert "never closes" in bad[-1].detail


def test_a_long_field_of_a_table_is_read(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("text\n" + "x" * 190_000 + "\n")
    assert len(read(file)[0][0]) == 190_000


_cell = st.text(alphabet=string.ascii_letters + ' ,;"\n\té', min_size=1).map(lambda t: "a" + t)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(_cell, _cell), min_size=1, max_size=8), st.sampled_from(",;\t"))
def test_what_the_csv_module_writes_is_read_back(rows: list[tuple[str, str]], mark: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=mark)
    writer.writerow(["n", "note", "text"])
    writer.writerows([(i, *row) for i, row in enumerate(rows)])
    options = ReadOptions(stdin="csv", id_column="n")
    texts, bad, _ = read("-", options=options, stdin=out.getvalue().encode())
    assert not bad
    assert texts == [text for _, text in rows]


@settings(deadline=None, max_examples=100)
@given(st.binary(max_size=200), st.sampled_from(["jsonl", "csv", "text"]), st.booleans())
def test_no_bytes_make_reading_fail(data: bytes, form: str, lines: bool) -> None:
    options = ReadOptions(stdin=form, lines=lines)  # type: ignore[arg-type]
    if form == "csv":
        data = b"text\n" + data
    texts, bad, _ = read("-", options=options, stdin=data)
    assert all(text.strip() for text in texts)
    assert all(item.detail for item in bad)


def test_a_folder_is_read_in_order_with_its_recordings(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "x.txt").write_text("hidden")
    (tmp_path / "b" / "z.txt").write_text("deep")
    (tmp_path / "a.txt").write_text("top")
    (tmp_path / "call.MP3").write_bytes(b"\0")
    (tmp_path / "notes.docx").write_bytes(b"PK")
    texts, bad, reader = read(tmp_path)
    assert texts == ["top", "<call.MP3>", "deep"]
    assert not bad
    assert reader.counts.recordings == 1
    assert reader.counts.ignored == [str(tmp_path / "notes.docx")]


def test_a_recording_is_known_by_its_suffix_and_a_line_can_name_one(tmp_path: Path) -> None:
    (tmp_path / "one.wav").write_bytes(b"RIFF")
    file = tmp_path / "list.jsonl"
    file.write_text('{"id": "r1", "file": "one.wav", "language": "de"}\n')
    (item,) = Reader([file])
    assert item == Recording("r1", tmp_path / "one.wav", f"{file}:1", "de")


def test_a_file_that_is_not_there_or_not_read_says_so(tmp_path: Path) -> None:
    odd = tmp_path / "a.docx"
    odd.write_bytes(b"PK")
    texts, bad, _ = read(tmp_path / "none.txt", odd)
    assert not texts
    assert "no such file" in bad[0].detail
    assert ".docx" in bad[1].detail


def test_standard_input_is_told_apart_by_its_first_character() -> None:
    assert read("-", stdin=b' {"text": "a"}\n{"text": "b"}\n')[0] == ["a", "b"]
    assert read("-", stdin=b"a\nb\n")[0] == ["a\nb\n"]
    assert read("-", stdin=b"a\nb\n", options=ReadOptions(lines=True))[0] == ["a", "b"]
    assert len(read("-", stdin=b"")[1]) == 1
