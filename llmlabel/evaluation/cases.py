"""Gold cases: what was labeled by people, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from llmlabel.domain.answer import (
    Answer,
    ChoiceAnswer,
    Kind,
    Span,
    SpansAnswer,
    TokensAnswer,
    TranscriptAnswer,
)
from llmlabel.domain.base import Value
from llmlabel.domain.document import Document
from llmlabel.errors import InvalidInput, LlmlabelError, NotFound
from llmlabel.released import did_you_mean

Split = Literal["test", "calibration", "all"]

GOLD_FIELD: dict[Kind, str] = {
    "choice": "label",
    "spans": "entities",
    "tokens": "tokens",
    "transcript": "file",
}
"""The field of a line that tells its kind."""


class Case(Value):
    """One document or recording whose right answer is known."""

    id: str
    gold: Answer
    document: Document | None = None
    recording: Path | None = None
    language: str | None = None
    clauses: tuple[str, ...] = ()
    place: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels of the gold answer, repeats included; none of a transcript."""
        if isinstance(self.gold, ChoiceAnswer):
            return (self.gold.label,)
        if isinstance(self.gold, SpansAnswer):
            return tuple(span.label for span in self.gold.spans)
        if isinstance(self.gold, TokensAnswer):
            return tuple(token.label for token in self.gold.tokens)
        return ()


class CaseFile(Value):
    """The cases of a suite or file.

    `unscored` counts lines that have no gold answer (a transcript of null).
    """

    name: str
    split: Split
    kind: Kind
    cases: tuple[Case, ...]
    paths: tuple[Path, ...]
    unscored: int = 0
    is_suite: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label of the gold, sorted."""
        return tuple(sorted({label for case in self.cases for label in case.labels}))


def load(
    target: str,
    suites: Sequence[Path],
    *,
    split: Split = "test",
    kind: Kind | None = None,
    where: Mapping[str, str] | None = None,
) -> CaseFile:
    """Read a suite by name, or any JSONL file by path.

    Args:
        target: `sentiment`, or the path of a JSONL file.
        suites: Folders that hold suites as `<name>/test.jsonl` and `<name>/calibration.jsonl`.
        split: Which part of a suite; a file has only one.
        kind: What the gold is; without it, the first line decides.
        where: Keep only lines whose field has this value.

    Raises:
        NotFound: There is neither such a suite nor such a file.
        InvalidInput: A line is not a case; names the file, the line and the field.
    """
    path = Path(target)
    if path.is_file():
        return _read([path], _name_of(path), "all", kind, where or {})
    for folder in suites:
        names: dict[Split, list[str]] = {
            "test": ["test"],
            "calibration": ["calibration"],
            "all": ["calibration", "test"],
        }
        found = [folder / target / f"{name}.jsonl" for name in names[split]]
        there = [each for each in found if each.is_file()]
        if there:
            return _read(there, target, split, kind, where or {}).model_copy(
                update={"is_suite": True}
            )
    known = sorted({each.parent.name for folder in suites for each in folder.glob("*/*.jsonl")})
    raise NotFound(
        f"There is no file and no suite `{target}` with a {split} part."
        f"{did_you_mean(target, known)} Suites: {', '.join(known) or 'none'}; or name a JSONL "
        "file.",
        field="suite",
    )


def _name_of(path: Path) -> str:
    generic = {"test", "train", "dev", "calibration", "manifest", "data", "all"}
    return path.resolve().parent.name if path.stem.lower() in generic else path.stem


def _read(
    paths: Sequence[Path], name: str, split: Split, kind: Kind | None, where: Mapping[str, str]
) -> CaseFile:
    cases: list[Case] = []
    unscored = 0
    ids: dict[str, str] = {}
    for path in paths:
        with path.open("rb") as stream:
            for number, raw in enumerate(stream, 1):
                place = f"{path}:{number}"
                if not raw.strip():
                    continue
                row = read_row(raw, place)
                if any(str(row.get(field)) != value for field, value in where.items()):
                    continue
                kind = kind or _kind_of(row, place)
                case = case_of(row, kind, path, number)
                if case is None:
                    unscored += 1
                    continue
                if case.id in ids:
                    raise InvalidInput(
                        f"{place}: the id {case.id!r} is used at {ids[case.id]} too; give each "
                        "case its own.",
                        field="id",
                    )
                ids[case.id] = place
                cases.append(case)
    if not cases or kind is None:
        chosen = "".join(f" with {field}={value}" for field, value in where.items())
        raise InvalidInput(f"{paths[0]} holds no case{chosen} to score.", field="suite")
    return CaseFile(
        name=name,
        split=split,
        kind=kind,
        cases=tuple(cases),
        paths=tuple(paths),
        unscored=unscored,
    )


def read_row(raw: bytes, place: str) -> dict[str, Any]:
    """One line as an object.

    Raises:
        InvalidInput: It is something else; `place` is named.
    """
    try:
        row = json.loads(raw.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, RecursionError) as exc:
        raise InvalidInput(f"{place}: not JSON ({exc}); write one object a line.") from exc
    if not isinstance(row, dict):
        raise InvalidInput(f"{place}: the line is not a JSON object; write one object a line.")
    return row


def _kind_of(row: dict[str, Any], place: str) -> Kind:
    for kind, field in GOLD_FIELD.items():
        if field in row:
            return kind
    raise InvalidInput(
        f"{place}: a case has `text` with `label`, `entities` or `tokens`, or `file` with "
        f"`transcript`; this line has {', '.join(f'`{key}`' for key in row) or 'nothing'}.",
        field="label",
    )


def case_of(row: dict[str, Any], kind: Kind, path: Path, number: int) -> Case | None:
    """One line as a case; None where a recording has no gold transcript.

    Args:
        row: The line.
        kind: What its gold is.
        path: The file it stands in.
        number: Of the line, from 1.

    Raises:
        InvalidInput: It is not a case; names the file, the line and the field.
    """
    place = f"{path}:{number}"
    identity = str(row.get("id") or f"{path.stem}-{number}")
    field = GOLD_FIELD[kind]
    if field not in row:
        raise InvalidInput(f"{place}: the field `{field}` is missing; add it.", field=field)
    clauses = row.get("clauses", row.get("clause")) or ()
    common: dict[str, Any] = {
        "id": identity,
        "clauses": (clauses,) if isinstance(clauses, str) else tuple(clauses),
        "language": row.get("language"),
        "place": place,
    }
    if kind == "transcript":
        if row.get("transcript") is None:
            return None
        gold: Answer = TranscriptAnswer(text=_string(row, "transcript", place))
        recording = path.parent / _string(row, "file", place)
        if not recording.is_file():
            raise InvalidInput(
                f"{place}: there is no recording {recording}; `file` is relative to the JSONL.",
                field="file",
            )
        return Case(**common, gold=gold, recording=recording)
    text = _string(row, "text", place)
    try:
        document = Document.of_text(text, id=identity, language=row.get("language"))
    except LlmlabelError as exc:
        raise InvalidInput(f"{place}: {exc.detail}", field="text") from exc
    if kind == "choice":
        gold = ChoiceAnswer(label=_string(row, "label", place))
    elif kind == "spans":
        gold = SpansAnswer(spans=_spans(row, "entities", ("label",), text, place))
    else:
        gold = TokensAnswer(tokens=_spans(row, "tokens", ("pos", "label"), text, place))
    return Case(**common, gold=gold, document=document)


def _string(row: dict[str, Any], field: str, place: str) -> str:
    value = row.get(field)
    if not isinstance(value, str):
        raise InvalidInput(f"{place}: `{field}` must be a string, found {value!r}.", field=field)
    return value


def _spans(
    row: dict[str, Any], field: str, keys: tuple[str, ...], text: str, place: str
) -> tuple[Span, ...]:
    values = row[field]
    if not isinstance(values, list):
        raise InvalidInput(f"{place}: `{field}` must be a list, found {values!r}.", field=field)
    found = []
    for index, value in enumerate(values):
        here = f"{field}[{index}]"
        try:
            label = next(value[key] for key in keys if key in value)
            start, end = value["start"], value["end"]
            # No rounding: an offset that is no whole number was meant for something else.
            if type(start) is not int or type(end) is not int or not isinstance(label, str):
                raise TypeError
        except (KeyError, TypeError, StopIteration) as exc:
            raise InvalidInput(
                f"{place}: {here} needs whole numbers `start` and `end`, and `{keys[0]}`; found "
                f"{value!r}.",
                field=here,
            ) from exc
        if not 0 <= start < end <= len(text):
            raise InvalidInput(
                f"{place}: {here} runs from {start} to {end}, the text from 0 to {len(text)}; "
                "offsets count code points and `end` is exclusive.",
                field=here,
            )
        found.append(Span(start=start, end=end, label=label))
    return tuple(sorted(found, key=lambda span: (span.start, span.end)))
