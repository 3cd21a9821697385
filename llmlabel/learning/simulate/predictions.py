"""What was computed of documents once and need not be again: predictions and vectors."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from pydantic import JsonValue, TypeAdapter, ValidationError

from llmlabel.domain.base import Value
from llmlabel.domain.document import Document, sha256_of
from llmlabel.domain.prediction import Outcome, Prediction
from llmlabel.learning.simulate.stream import Vectors
from llmlabel.released import sha256_of_json

Predict = Callable[[Sequence[Document]], Awaitable[Sequence[Sequence[Prediction]]]]
Embed = Callable[[Sequence[str]], Vectors]
Progress = Callable[[int], None]

BATCH = 64
VECTORS_AT_ONCE = 256


class _Line(Value):
    text_sha256: str
    opinions: tuple[Prediction, ...]


_LINES = TypeAdapter(_Line)


class PredictionCache:
    """The opinions of one set of labelers, a line per text, in a file that only grows.

    Only whole answers are kept: where a labeler failed it is asked again another time.

    Args:
        folder: Where simulations keep their files; made where missing.
        identity: All that the answers depend on; another identity is another file.
    """

    def __init__(self, folder: Path, identity: Mapping[str, JsonValue]) -> None:
        self.path = folder / f"predictions-{sha256_of_json(dict(identity))[:24]}.jsonl"
        self._known = self._read()

    async def opinions(
        self, documents: Sequence[Document], predict: Predict, progress: Progress
    ) -> list[tuple[Prediction, ...]]:
        """What the labelers say of each document; only unknown texts are put to them.

        Args:
            documents: Shape (n,).
            predict: Asks the labelers.
            progress: Told how many more documents are done.
        """
        asked = {d.text_sha256: d for d in documents if d.text_sha256 not in self._known}
        fresh = list(asked.values())
        progress(len(documents) - len(fresh))
        failed: dict[str, tuple[Prediction, ...]] = {}
        for start in range(0, len(fresh), BATCH):
            batch = fresh[start : start + BATCH]
            said = [tuple(each) for each in await predict(batch)]
            pairs = list(zip(batch, said, strict=True))
            whole = [(d.text_sha256, s) for d, s in pairs if _is_whole(s)]
            failed.update((d.text_sha256, s) for d, s in pairs if not _is_whole(s))
            self._append(whole)
            progress(len(batch))
        return [self._known.get(d.text_sha256) or failed[d.text_sha256] for d in documents]

    def _append(self, pairs: Sequence[tuple[str, tuple[Prediction, ...]]]) -> None:
        self._known.update(pairs)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lines = [_Line(text_sha256=sha, opinions=said).model_dump_json() for sha, said in pairs]
        with self.path.open("a", encoding="utf-8") as stream:
            # A line that an interruption cut off is ended first, and ignored by readers.
            stream.write("\n" + "".join(f"{line}\n" for line in lines))

    def _read(self) -> dict[str, tuple[Prediction, ...]]:
        if not self.path.is_file():
            return {}
        known = {}
        with self.path.open("rb") as stream:
            for raw in stream:
                if not raw.strip():
                    continue
                try:
                    line = _LINES.validate_json(raw)
                except ValidationError:
                    continue  # cut off while it was written; the text is asked again
                known[line.text_sha256] = line.opinions
        return known


def vectors_of(
    texts: Sequence[str], path: Path, embed: Callable[[], Embed], progress: Progress
) -> Vectors:
    """Sentence vectors, from the file where it has them and into it where not.

    Args:
        texts: Shape (n,).
        path: An npz file; one encoder's only.
        embed: Gives the encoder; called only if a text is not in the file.
        progress: Told how many more texts are done.

    Returns:
        Shape (n, d).
    """
    shas = [sha256_of(text) for text in texts]
    known = _read_vectors(path)
    missing = {sha: text for sha, text in zip(shas, texts, strict=True) if sha not in known}
    progress(len(texts) - len(missing))
    if missing:
        encode, names = embed(), list(missing)
        for start in range(0, len(names), VECTORS_AT_ONCE):
            part = names[start : start + VECTORS_AT_ONCE]
            made = encode([missing[sha] for sha in part])
            known.update(zip(part, made, strict=True))
            progress(len(part))
        _write_vectors(path, known)
    return np.stack([known[sha] for sha in shas]).astype(np.float32)


def _read_vectors(path: Path) -> dict[str, Vectors]:
    if not path.is_file():
        return {}
    try:
        with np.load(path, allow_pickle=False) as stored:
            names, vectors = stored["text_sha256"], stored["vectors"]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile):
        return {}  # not ours or broken: computed again and written anew
    return dict(zip(map(str, names), vectors, strict=True))


def _write_vectors(path: Path, known: Mapping[str, Vectors]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f"{path.name}.{os.getpid()}.new")
    with scratch.open("wb") as stream:
        np.savez(
            stream,
            text_sha256=np.array(list(known)),
            vectors=np.stack(list(known.values())).astype(np.float32),
        )
    scratch.replace(path)


def _is_whole(said: Sequence[Prediction]) -> bool:
    return bool(said) and all(each.outcome is Outcome.ANSWERED for each in said)
