"""Turns a GGUF file, once, into the form the embedded runtime loads quickly."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from llmlabel.domain.base import Value
from llmlabel.errors import CacheFull, MissingModel, ModelCorrupt
from llmlabel.llm.gguf_file import read_gguf
from llmlabel.llm.gguf_tokenizer import tokenizer_json

FORM = 2
"""Number of this form of prepared folder; another form is prepared anew."""

_TOKENIZER = "tokenizer.json"
_CARD = "model.json"


class ModelCard(Value):
    """What the runtime must know of a prepared model besides its weights."""

    name: str
    sha256: str
    architecture: str
    context_tokens: int
    end_token: int
    begin_token: str
    end_text: str
    chat_template: str


def prepare(gguf: Path, prepared: Path) -> Path:
    """Make `<prepared>/<first 16 digits of the file's SHA-256>-<form>/`, unless it is there.

    Takes about 20 s and 4 GB of memory for 1.5 billion parameters, and as much disk as the
    GGUF file and a quarter. Processes that ask for the same at once wait for the first one. What is
    unfinished lies in a hidden folder and never under the final name.

    Raises:
        MissingModel: There is no such file.
        ModelCorrupt: It is no whole GGUF file.
        ModelRejected: The runtime cannot run this model.
        CacheFull: The disk is full; nothing half-written stays.
    """
    if not gguf.is_file():
        raise MissingModel(f"There is no file {gguf}; get the weights with: llmlabel models pull")
    try:
        prepared.mkdir(parents=True, exist_ok=True)
        with _locked(prepared / f".{gguf.parent.name}.lock"):
            digest = weights_sha256(gguf, prepared)
            folder = prepared / f"{digest[:16]}-{FORM}"
            if not folder.is_dir():
                _make(gguf, digest, folder)
            return folder
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(prepared) from exc
        raise


def read_prepared(folder: Path) -> tuple[ModelCard, str]:
    """The card and the tokenizer.json of a prepared folder.

    Raises:
        ModelCorrupt: They cannot be read.
    """
    try:
        card = ModelCard.model_validate_json((folder / _CARD).read_text("utf-8"))
        return card, (folder / _TOKENIZER).read_text("utf-8")
    except (OSError, ValueError) as exc:
        raise ModelCorrupt(
            f"The prepared model {folder} cannot be read ({exc}); delete the folder and try "
            "again: it will be prepared anew."
        ) from exc


def _make(gguf: Path, digest: str, folder: Path) -> None:
    facts = read_gguf(gguf)
    tokenizer = tokenizer_json(facts)
    begin = "" if facts.begin_token is None else facts.tokens[facts.begin_token]
    card = ModelCard(
        name=facts.name,
        sha256=digest,
        architecture=facts.architecture,
        context_tokens=facts.context_tokens,
        end_token=facts.end_token,
        begin_token=begin,
        end_text=facts.tokens[facts.end_token],
        chat_template=facts.chat_template,
    )
    if shutil.disk_usage(folder.parent).free < gguf.stat().st_size * 3 // 2:
        raise _full(folder.parent)
    with tempfile.TemporaryDirectory(prefix=".preparing-", dir=folder.parent) as name:
        unfinished = Path(name) / "model"
        unfinished.mkdir()
        (unfinished / _CARD).write_text(card.model_dump_json(indent=1), "utf-8")
        (unfinished / _TOKENIZER).write_text(tokenizer, "utf-8")
        _convert(gguf, unfinished)
        unfinished.replace(folder)


def _convert(gguf: Path, folder: Path) -> None:
    ran = subprocess.run(  # noqa: S603 - our own module with paths as arguments, no shell
        [sys.executable, "-m", "llmlabel.llm.convert", str(gguf), str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode == 0:
        return
    said = (ran.stderr.strip() or ran.stdout.strip()).splitlines()
    if shutil.disk_usage(folder).free < gguf.stat().st_size // 4:
        raise _full(folder)
    raise ModelCorrupt(
        f"{gguf} could not be converted for the embedded runtime (exit code {ran.returncode}: "
        f"{said[-1] if said else 'no message; the process may have run out of memory'}); verify "
        "the file with: llmlabel models verify"
    )


def _full(folder: Path) -> CacheFull:
    return CacheFull(
        f"The disk that holds {folder} is too full to prepare the model (one and a half times "
        "its size is needed); free some space or set LLMLABEL_HOME to a folder on another disk."
    )


def weights_sha256(gguf: Path, prepared: Path) -> str:
    """The file's hash, kept beside the prepared models while size and time stay the same."""
    prepared.mkdir(parents=True, exist_ok=True)
    about = gguf.stat()
    key = f"{gguf.resolve()}|{about.st_size}|{about.st_mtime_ns}"
    notes = prepared / ".sha256.json"
    known: dict[str, str] = {}
    try:
        known = json.loads(notes.read_text("utf-8"))
    except (OSError, ValueError):
        known = {}
    if key not in known:
        with gguf.open("rb") as stream:
            known[key] = hashlib.file_digest(stream, "sha256").hexdigest()
        unfinished = notes.with_suffix(f".{os.getpid()}.new")
        unfinished.write_text(json.dumps(known, indent=1), "utf-8")
        unfinished.replace(notes)
    return known[key]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(stream, fcntl.LOCK_UN)
