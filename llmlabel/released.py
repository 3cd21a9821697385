"""Released files: `name@version`, the order of versions, and the lock that keeps them unchanged.

Guidelines and prompts are files `<folder>/<name>/<version><suffix>`. Once a file is in the
folder's lock its bytes never change: labels already delivered name it, and must mean the same
tomorrow. A better wording is a new version.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from pydantic import JsonValue

from llmlabel.domain.guideline import NAME_PATTERN, VERSION_PATTERN


class Ref(NamedTuple):
    """A released file by name and version, written `name@version`."""

    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True)
class Problem:
    """What is wrong with a file, where, and what to do about it."""

    path: Path
    line: int | None
    message: str

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else str(self.path)
        return f"{where}: {self.message}"


def parse_ref(text: str) -> tuple[str, str | None]:
    """Split `name` or `name@version`; the version is None where none is given.

    Raises:
        ValueError: It is neither.
    """
    name, at, version = text.partition("@")
    if not re.fullmatch(NAME_PATTERN, name) or (at and not re.fullmatch(VERSION_PATTERN, version)):
        raise ValueError(f"{text!r} is not of the form `name` or `name@1.0.0`")
    return name, version or None


def version_key(version: str) -> tuple[int, ...]:
    """Sort key of a version, so that 1.10.0 comes after 1.9.0."""
    return tuple(int(part) for part in version.split("."))


def in_order(refs: Iterable[Ref]) -> list[Ref]:
    """By name, then version from old to new."""
    return sorted(refs, key=lambda ref: (ref.name, version_key(ref.version)))


def sha256_of_bytes(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def did_you_mean(word: str, known: Sequence[str]) -> str:
    """` Did you mean `x`?` where a known word is close, else nothing."""
    close = get_close_matches(word, known, n=1)
    return f" Did you mean `{close[0]}`?" if close else ""


def released_files(folder: Path, suffix: str) -> Iterator[tuple[Ref, Path]]:
    """Every `<name>/<version><suffix>` of a folder, by name, then version from old to new."""
    found = {
        Ref(path.parent.name, path.name.removesuffix(suffix)): path
        for path in folder.glob(f"*/*{suffix}")
        if path.is_file()
        and re.fullmatch(NAME_PATTERN, path.parent.name)
        and re.fullmatch(VERSION_PATTERN, path.name.removesuffix(suffix))
    }
    yield from ((ref, found[ref]) for ref in in_order(found))


def find_released(
    folders: Sequence[Path], suffix: str
) -> tuple[dict[Ref, Path], dict[str, tuple[str, ...]]]:
    """The files of several folders, of which the first wins.

    Returns:
        The path of every ref, and for every name the versions of the first folder that has it,
        from old to new: the last one is what the bare name means.
    """
    paths: dict[Ref, Path] = {}
    versions: dict[str, tuple[str, ...]] = {}
    for folder in folders:
        here: dict[str, list[str]] = {}
        for ref, path in released_files(folder, suffix):
            paths.setdefault(ref, path)
            here.setdefault(ref.name, []).append(ref.version)
        for name, found in here.items():
            versions.setdefault(name, tuple(found))
    return paths, versions


def misplaced_files(folder: Path, suffix: str) -> list[Problem]:
    """Files with the suffix that no library reads, because their path is not `name/1.0.0`."""
    read = {path for _, path in released_files(folder, suffix)}
    return [
        Problem(
            path,
            None,
            f"not read: the path must be `<name>/<version>{suffix}`, such as "
            f"`my-task/1.0.0{suffix}`; move or rename it",
        )
        for path in sorted(folder.rglob(f"*{suffix}"))
        if path not in read and path.name.lower() != "readme.md"
    ]


# The lock ---------------------------------------------------------------------------------


def lock_path(folder: Path, name: str) -> Path:
    """Where a folder keeps its lock: `guidelines/guidelines.lock`, `prompts/prompts.lock`."""
    return folder / f"{name}.lock"


def read_lock(path: Path) -> dict[str, str]:
    """The hash of every released file by ref; empty where there is no lock yet.

    Raises:
        ValueError: The file is not a JSON object of strings.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except json.JSONDecodeError as exc:
        raise ValueError(f"{path}:{exc.lineno}: not JSON: {exc.msg}") from exc
    if not isinstance(content, dict) or not all(isinstance(h, str) for h in content.values()):
        raise ValueError(f"{path}: a lock is a JSON object of ref to sha256")
    return content


def check_lock(path: Path, present: Mapping[Ref, Path]) -> list[Problem]:
    """What was changed or removed since it was released."""
    try:
        lock = read_lock(path)
    except ValueError as exc:
        return [Problem(path, None, f"{exc}; restore it from version control")]
    here = {str(ref): file for ref, file in present.items()}
    problems = []
    for ref, sha256 in lock.items():
        if ref not in here:
            problems.append(
                Problem(path, None, f"{ref} was released and its file is gone; restore it")
            )
        elif sha256_of_bytes(here[ref].read_bytes()) != sha256:
            problems.append(
                Problem(
                    here[ref],
                    None,
                    f"{ref} was released and has changed; restore it and write the change "
                    "as a new version",
                )
            )
    return problems


def drafts(path: Path, present: Iterable[Ref]) -> list[Ref]:
    """What is not in the lock yet, and so may still change.

    Raises:
        ValueError: The lock cannot be read.
    """
    lock = read_lock(path)
    return [ref for ref in present if str(ref) not in lock]


def update_lock(path: Path, present: Mapping[Ref, Path]) -> list[str]:
    """Add the files that are not in the lock; what is in it stays as it is.

    Returns:
        The refs added.

    Raises:
        ValueError: The lock cannot be read.
    """
    lock = read_lock(path)
    added = [str(ref) for ref in drafts(path, present)]
    if added:
        for ref, file in present.items():
            lock.setdefault(str(ref), sha256_of_bytes(file.read_bytes()))
        text = json.dumps(dict(sorted(lock.items())), indent=2) + "\n"
        scratch = path.with_name(path.name + ".new")
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    return added


def sha256_of_json(value: JsonValue) -> str:
    """SHA-256 of a JSON value in one canonical form: sorted keys, no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256_of_bytes(text.encode())
