"""Going on with an output file that an earlier run left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from llmlabel.errors import InvalidInput
from llmlabel.exchange.seen import Seen


class Done:
    """The labels an output file holds already."""

    def __init__(self) -> None:
        self._exact = Seen()
        self._any = Seen()
        self.labels = 0
        self.cut_bytes = 0

    def add(self, id: str, guideline: str, text_sha256: str) -> None:
        """Remember one label."""
        self.labels += 1
        self._exact.add((id, guideline, text_sha256))
        self._any.add((id, guideline))

    def has(self, id: str, guideline: str, text_sha256: str | None = None) -> bool:
        """Whether the document has this label (`guideline` is name@version).

        Without a hash any text counts: of a recording it is known only after transcription.
        """
        if text_sha256 is None:
            return (id, guideline) in self._any
        return (id, guideline, text_sha256) in self._exact

    def close(self) -> None:
        """Free what it holds."""
        self._exact.close()
        self._any.close()


def resume(path: Path) -> Done:
    """Read an output file, cut off a half-written last line, and say what is done.

    A file that does not exist has nothing done. After this, `LabelWriter(path, append=True)`
    goes on where the file ends.

    Raises:
        InvalidInput: A line before the last is not a label; the file is left as it is.
    """
    done = Done()
    if not path.exists():
        return done
    good_end = 0
    with path.open("rb") as stream:
        for number, raw in enumerate(stream, 1):
            if not raw.endswith(b"\n"):
                break  # only the last line can lack its end: the writer was stopped in it
            if raw.strip():
                record = _label_line(raw, path, number)
                done.add(record["id"], record["guideline"], record["text_sha256"])
            good_end += len(raw)
    size = path.stat().st_size
    if good_end < size:
        done.cut_bytes = size - good_end
        with path.open("r+b") as stream:
            stream.truncate(good_end)
    return done


def _label_line(raw: bytes, path: Path, number: int) -> dict[str, Any]:
    try:
        record = json.loads(raw)
        fields = [record[key] for key in ("id", "guideline", "text_sha256")]
        if all(isinstance(field, str) for field in fields):
            return dict(record)
    except (ValueError, KeyError, TypeError):
        pass
    raise InvalidInput(
        f"{path}:{number} is not a label written by llmlabel; name another output file, or remove "
        "the line.",
        field="out",
    )
