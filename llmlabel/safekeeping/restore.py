"""A service from a backup, on either kind of database."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path, PurePosixPath

from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.errors import BrokenBackup, Conflict
from llmlabel.safekeeping.archive import Reader, opened
from llmlabel.safekeeping.backup import Step
from llmlabel.safekeeping.copying import copy, refuse_used_target
from llmlabel.safekeeping.manifest import Kept, Manifest
from llmlabel.safekeeping.service import Service
from llmlabel.store.connect import file_beside
from llmlabel.store.schema_state import known_revisions
from llmlabel.store.transfer.files import damage


def verify(file: Path, step: Step) -> Manifest:
    """Read a backup from end to end and compare it with what it says of itself.

    Raises:
        BrokenBackup: It is not as it was written.
    """
    with opened(file) as reader:
        reader.verify(step("comparing", _size(reader.manifest)))
        return reader.manifest


def restore(file: Path, target: Service, scratch: Path, step: Step) -> Manifest:
    """Put a backup in place: every database and every file, proved by their hashes.

    Broken off, it is run again with the same backup.

    Args:
        file: The backup.
        target: Where to; its database must not exist, or be empty.
        scratch: A folder with room for the databases, where the target is no file.
        step: Told what goes on.

    Raises:
        BrokenBackup: A part of it is not as it was written; the target has no database then.
        Conflict: The target is in use.
    """
    with opened(file) as reader:
        manifest = reader.manifest
        _refuse_newer(manifest)
        if target.default.file is not None:
            _refuse_used_files(manifest, target.default.file)
            scratch = target.default.file.parent  # from where it can be moved in one step
        else:
            refuse_used_target(target, _name(manifest))  # before files are written over
        scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="restoring-", dir=scratch) as name:
            # The databases first, to know that they are whole; put in place last.
            made = Path(name) / "llmlabel.db"
            advance = step("databases", _size_of(manifest, [p.database for p in manifest.projects]))
            for each in manifest.projects:
                _extract_database(reader, each, _file(made, each.project), advance)
            for each in manifest.projects:
                _extract_files(reader, each, target, step)
            if target.default.file is not None:
                _put(manifest, made, target.default.file)
            else:
                _copy(made, manifest, target, step)
    return manifest


def _refuse_newer(manifest: Manifest) -> None:
    known = known_revisions()
    for each in manifest.projects:
        if each.revision not in known:
            raise BrokenBackup(
                f"The backup is of llmlabel {manifest.release}, which is newer than this release; "
                "restore it with that one.",
                field="file",
            )


def _refuse_used_files(manifest: Manifest, file: Path) -> None:
    for each in manifest.projects:
        there = _file(file, each.project)
        if there.exists() and not _is_of(manifest, each, there):
            raise Conflict(
                f"{there} is there already; move it away (with -wal and -shm beside it) or name "
                "another place by LLMLABEL_DATABASE_URL. Nothing was changed."
            )


def _is_of(manifest: Manifest, kept: Kept, file: Path) -> bool:
    """Whether a restore that broke off put it there: the default project's comes last."""
    with file.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    return kept.project != DEFAULT_PROJECT and found == manifest.members[kept.database].sha256


def _extract_database(
    reader: Reader, kept: Kept, file: Path, advance: Callable[[int], None]
) -> None:
    reader.extract(kept.database, file, advance)
    wrong = damage(file)
    if wrong:
        raise BrokenBackup(
            f"The database of project {kept.project} in the backup is damaged: {wrong[0]}.",
            field="file",
        )


def _extract_files(reader: Reader, kept: Kept, target: Service, step: Step) -> None:
    folders = target.folders(kept.project)
    for what, files in kept.files.items():
        if what not in folders:
            raise BrokenBackup(
                f"The backup has files ({what}) that this release knows no place for; restore it "
                f"with llmlabel {reader.manifest.release}.",
                field="file",
            )
        advance = step(f"{what} of {kept.project}", _size_of(reader.manifest, files.values()))
        for place, member in files.items():
            path = PurePosixPath(place)
            if path.is_absolute() or ".." in path.parts:
                raise BrokenBackup(f"The backup names a place outside: {place}.", field="file")
            reader.extract(member, folders[what] / path, advance)


def _put(manifest: Manifest, made: Path, file: Path) -> None:
    """Move the databases to their places, the default project's last."""
    for each in sorted(manifest.projects, key=lambda kept: kept.project == DEFAULT_PROJECT):
        place = _file(file, each.project)
        place.parent.mkdir(parents=True, exist_ok=True)
        source = _file(made, each.project)
        for end in ("-wal", "-shm"):  # of a database that was moved away
            place.with_name(place.name + end).unlink(missing_ok=True)
        source.replace(place)


def _copy(made: Path, manifest: Manifest, target: Service, step: Step) -> None:
    with Service(f"sqlite:///{made}", lambda _: {}) as source:
        advance = step("rows", None)
        copy(
            source,
            target,
            expect=lambda rows: None,
            advance=advance,
            name=_name(manifest),
            source_rests=True,
        )


def _name(manifest: Manifest) -> str:
    """Of the source of a copy, by which one that broke off is known again."""
    return f"backup of {manifest.made_at.isoformat()}"


def _file(file: Path, project: str) -> Path:
    return file if project == DEFAULT_PROJECT else file_beside(file, project)


def _size(manifest: Manifest) -> int:
    return sum(member.bytes for member in manifest.members.values())


def _size_of(manifest: Manifest, names: Iterable[str]) -> int:
    return sum(manifest.members[name].bytes for name in names)
