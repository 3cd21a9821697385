"""Gold from files and back: read with every fault named, refused or imported as a whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from llmlabel.domain.answer import Answer, ChoiceAnswer, SpansAnswer, TokensAnswer
from llmlabel.domain.base import Value
from llmlabel.domain.document import Document
from llmlabel.domain.gold import GoldItem, NewGold
from llmlabel.domain.guideline import Guideline
from llmlabel.errors import InvalidInput, LlmlabelError, NotFound, Unsupported
from llmlabel.evaluation.cases import GOLD_FIELD, case_of, read_row
from llmlabel.released import did_you_mean
from llmlabel.review import check_answer
from llmlabel.store import Store
from llmlabel.store.gold import label_names


class GoldFile(Value):
    """What a file holds: right answers, each text once, and what is wrong with the other lines."""

    items: tuple[NewGold, ...]
    repeats: int = 0
    problems: tuple[str, ...] = ()


class Imported(Value):
    """What became of a file."""

    added: int
    replaced: int
    known: int
    repeats: int
    problems: tuple[str, ...] = ()


def import_gold(
    store: Store,
    guideline: Guideline,
    path: Path,
    *,
    skip_bad: bool = False,
    replace: bool = False,
) -> Imported:
    """Import the right answers of a file, all of them or none.

    Args:
        store: Where they are kept.
        guideline: Under which they are right.
        path: JSON lines, as `llmlabel eval` reads them. A null where the answer stands says
            that no right answer exists.
        skip_bad: Import the good lines although others are bad.
        replace: Where another answer was imported of a text, take the file's.

    Raises:
        NotFound: There is no such file.
        InvalidInput: It is empty, or lines are bad; names every one of them.
        Unsupported: The guideline asks for transcripts.
    """
    found = read_gold(path, guideline)
    problems = list(found.problems)
    items = found.items
    if not replace:
        items, against = _apart(store, guideline, items)
        problems += against
    if problems and not skip_bad:
        lines = "1 line" if len(problems) == 1 else f"{len(problems)} lines"
        raise InvalidInput(
            f"{lines} of {path} cannot be used, so nothing was imported; mend them, or leave "
            "them out with --skip-bad:\n" + "\n".join(problems),
            field="file",
        )
    if not items and not problems and not found.repeats:
        raise InvalidInput(f"{path} is empty; write one JSON object a line.", field="file")
    result = store.gold.add(items, guideline.ref, origin=path.name, replace=replace)
    return Imported(**result.model_dump(), repeats=found.repeats, problems=tuple(problems))


def read_gold(path: Path, guideline: Guideline) -> GoldFile:
    """Read the right answers of a file; bad lines are told, not raised.

    Lines that contradict each other are all bad: which one is right is not known.

    Raises:
        NotFound: There is no such file.
        Unsupported: The guideline asks for transcripts.
    """
    if guideline.kind == "transcript":
        raise Unsupported(
            f"Gold of {guideline.ref} cannot be imported, since a recording's text is known only "
            "after it is transcribed. Submit the recordings and review them: verdicts on "
            "audited ones are gold.",
            field="guideline",
        )
    if not path.is_file():
        raise NotFound(f"There is no file {path}.", field="file")
    first: dict[str, NewGold] = {}
    contradicted: set[str] = set()
    problems: list[tuple[int, str]] = []
    numbers: dict[str, int] = {}
    repeats = 0
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            if not raw.strip():
                continue
            try:
                item = _item(raw, guideline, path, number)
            except LlmlabelError as error:
                problems.append((number, error.detail))
                continue
            except ValidationError as error:
                problems.append((number, f"{path}:{number}: {_fault(error)}"))
                continue
            sha256 = item.document.text_sha256
            before = first.setdefault(sha256, item)
            if before is item:
                numbers[sha256] = number
            elif before.answer == item.answer:
                repeats += 1
            else:
                contradicted.add(sha256)
                words = f"`{_words(item.answer)}` here, `{_words(before.answer)}` at {before.place}"
                problems.append(
                    (number, f"{item.place}: the same text has two answers: {words}; keep one.")
                )
    return GoldFile(
        items=tuple(item for sha256, item in first.items() if sha256 not in contradicted),
        repeats=repeats,
        problems=tuple(text for _, text in sorted(problems)),
    )


def gold_lines(items: Sequence[GoldItem]) -> Iterator[dict[str, Any]]:
    """Gold as lines that `import_gold` reads again: each text once, each id once.

    Of several verdicts on one text the newest is told.

    Raises:
        Unsupported: It is of transcripts, whose recordings no line can carry.
    """
    by_text = {item.document.text_sha256: item for item in items}
    kinds = {item.answer.kind for item in items if item.answer is not None}
    if "transcript" in kinds:
        raise Unsupported("Gold of transcripts cannot be exported without its recordings.")
    kind = kinds.pop() if kinds else "choice"
    used: set[str] = set()
    for item in by_text.values():
        id = item.document.id if item.document.id not in used else item.id
        used.add(id)
        line: dict[str, Any] = {"id": id, "text": item.document.text}
        line[GOLD_FIELD[kind]] = _written(item.answer)
        if item.document.language is not None:
            line["language"] = item.document.language
        yield line | {"part": item.part, "source": item.source}


def _item(raw: bytes, guideline: Guideline, path: Path, number: int) -> NewGold:
    place = f"{path}:{number}"
    row = read_row(raw, place)
    field = GOLD_FIELD[guideline.kind]
    if field in row and row[field] is None:
        text = row.get("text")
        if not isinstance(text, str):
            raise InvalidInput(f"{place}: `text` must be a string, found {text!r}.", field="text")
        try:
            document = Document.of_text(text, id=str(row.get("id") or f"{path.stem}-{number}"))
        except LlmlabelError as error:
            raise InvalidInput(f"{place}: {error.detail}", field="text") from error
        return NewGold(document=document, answer=None, place=place)
    case = case_of(row, guideline.kind, path, number)
    assert case is not None, "only recordings have lines without gold"
    assert case.document is not None, "only recordings have no text"
    for name in label_names(case.gold):
        if name not in guideline.label_names:
            raise InvalidInput(
                f"{place}: `{name[:80]}` is not a label of {guideline.ref}."
                f"{did_you_mean(name, guideline.label_names)} Its labels: "
                f"{', '.join(guideline.label_names)}.",
                field="label",
            )
    try:
        check_answer(case.gold, guideline, case.document, None)
    except InvalidInput as error:
        raise InvalidInput(f"{place}: {error.detail}", field=error.field) from error
    return NewGold(document=case.document, answer=case.gold, place=place)


def _apart(
    store: Store, guideline: Guideline, items: Sequence[NewGold]
) -> tuple[tuple[NewGold, ...], list[str]]:
    # What does not contradict imported gold, and what is wrong with the rest.
    stored = store.gold.stored_answers(guideline.ref, [item.document.text_sha256 for item in items])
    good: list[NewGold] = []
    problems: list[str] = []
    for item in items:
        id, answer = stored.get(item.document.text_sha256, ("", item.answer))
        if answer == item.answer:
            good.append(item)
        else:
            problems.append(
                f"{item.place}: `{_words(item.answer)}`, but {id} was imported with "
                f"`{_words(answer)}` of the same text; leave the line out, or take it with "
                "--replace."
            )
    return tuple(good), problems


def _fault(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"`{'.'.join(str(each) for each in first['loc'])}` cannot be used: {first['msg']}."


def _written(answer: Answer | None) -> object:
    match answer:
        case ChoiceAnswer(label=label):
            return label
        case SpansAnswer(spans=spans):
            return [span.model_dump() for span in spans]
        case TokensAnswer(tokens=tokens):
            return [token.model_dump() for token in tokens]
    return None


def _words(answer: Answer | None) -> str:
    match answer:
        case None:
            return "no right answer"
        case ChoiceAnswer(label=label):
            return label
    units = answer.model_dump_json(exclude={"kind"})
    return units if len(units) <= 120 else units[:119] + "…"
