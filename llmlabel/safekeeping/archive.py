"""A backup as one file: a tar archive whose members are proved by a manifest at its end."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import ValidationError

from llmlabel.errors import BrokenBackup, Conflict
from llmlabel.safekeeping.manifest import FORMAT, MANIFEST, Manifest, Member

BLOCK = 1024 * 1024

Advance = Callable[[int], None]
"""Told how many bytes more are done."""


class _Hashing(io.RawIOBase):
    """A stream that knows what was read of it, and does not end before its time."""

    def __init__(self, source: IO[bytes], advance: Advance) -> None:
        self._source = source
        self._advance = advance
        self.digest = hashlib.sha256()
        self.bytes = 0
        self.is_short = False

    def read(self, size: int = -1, /) -> bytes:
        """So many bytes; zeros, where the file was cut while it was read."""
        block = self._source.read(size)
        if len(block) < size:
            self.is_short = True
            block = block.ljust(size, b"\0")
        self.digest.update(block)
        self.bytes += len(block)
        self._advance(len(block))
        return block


class Writer:
    """Adds files to an archive."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive
        self.members: dict[str, Member] = {}

    def add(
        self,
        name: str,
        file: Path,
        advance: Advance,
        sha256: str | None = None,
        *,
        held: IO[bytes] | None = None,
    ) -> bool:
        """Add a file; returns whether it was there, and whole, with the hash it should have.

        One that was not is no member: nothing tells of what of it is in the archive.

        Args:
            name: Of the member.
            file: Where it lies.
            advance: Told what is done.
            sha256: That it should have.
            held: The same file, opened before and taken where it has been deleted since.
        """
        try:
            source = file.open("rb")
        except FileNotFoundError:
            if held is None:
                return False
            source = os.fdopen(os.dup(held.fileno()), "rb")
        with source:
            hashing = _Hashing(source, advance)
            status = os.fstat(source.fileno())
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = status.st_size, int(status.st_mtime), 0o600
            self._archive.addfile(info, hashing)
        found = hashing.digest.hexdigest()
        if hashing.is_short or (sha256 is not None and found != sha256):
            return False
        self.members[name] = Member(sha256=found, bytes=hashing.bytes)
        return True

    def close(self, manifest: Manifest) -> None:
        """Add the manifest; the last thing there is."""
        content = manifest.model_dump_json(indent=1).encode()
        info = tarfile.TarInfo(MANIFEST)
        info.size, info.mode = len(content), 0o600
        self._archive.addfile(info, io.BytesIO(content))


@contextmanager
def written(file: Path) -> Iterator[tuple[Writer, Path]]:
    """A new archive, and a folder for what it is made of; it appears when it is whole.

    Raises:
        Conflict: There is such a file.
    """
    if file.exists():
        raise Conflict(f"{file} is there already; a backup is never written over.", field="file")
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{file.name}.", dir=file.parent) as name:
        folder = Path(name)
        made = folder / "archive"
        with made.open("xb") as stream:
            made.chmod(0o600)  # it holds the secrets of webhooks, and texts
            with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
                yield Writer(archive), folder
            stream.flush()
            os.fsync(stream.fileno())
        made.rename(file)


class Reader:
    """An archive that is read.

    Raises:
        BrokenBackup: It is none, or of a release that came later.
    """

    def __init__(self, archive: tarfile.TarFile, file: Path) -> None:
        self._archive = archive
        self._file = file
        self.manifest = self._manifest()

    def verify(self, advance: Advance) -> None:
        """Read every member and compare it with the manifest.

        Raises:
            BrokenBackup: One is missing or is not as it was written.
        """
        for name, member in self.manifest.members.items():
            for block in self._blocks(name, member):
                advance(len(block))

    def extract(self, name: str, file: Path, advance: Advance) -> None:
        """Write a member to a file, which appears when it is whole and proved.

        Raises:
            BrokenBackup: As `verify`.
        """
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, partial = tempfile.mkstemp(prefix="restoring-", dir=file.parent)
        try:
            with os.fdopen(handle, "wb") as target:
                for block in self._blocks(name, self.manifest.members[name]):
                    target.write(block)
                    advance(len(block))
                target.flush()
                os.fsync(target.fileno())
            Path(partial).replace(file)
        finally:
            Path(partial).unlink(missing_ok=True)

    def _blocks(self, name: str, member: Member) -> Iterator[bytes]:
        try:
            stream = self._archive.extractfile(name)
        except KeyError:
            stream = None
        if stream is None:
            raise BrokenBackup(f"{self._file} lacks {name}; use another backup.", field="file")
        digest = hashlib.sha256()
        try:
            while block := stream.read(BLOCK):
                digest.update(block)
                yield block
        except (tarfile.TarError, OSError) as error:
            raise BrokenBackup(
                f"{self._file} ends within {name} ({error}); use another backup.", field="file"
            ) from error
        if digest.hexdigest() != member.sha256:
            raise BrokenBackup(
                f"{name} in {self._file} is not as it was written; use another backup.",
                field="file",
            )

    def _manifest(self) -> Manifest:
        try:
            stream = self._archive.extractfile(MANIFEST)
            assert stream is not None
            content = stream.read()
            manifest = Manifest.model_validate_json(content)
        except (KeyError, AssertionError, ValidationError, tarfile.TarError, OSError) as error:
            raise BrokenBackup(
                f"{self._file} has no table of contents that this release can read: it is no "
                "backup of llmlabel, was broken off, or is of a newer release.",
                field="file",
            ) from error
        if manifest.format != FORMAT:
            raise BrokenBackup(
                f"{self._file} has format {manifest.format} and was made by llmlabel "
                f"{manifest.release}; restore it with that release.",
                field="file",
            )
        return manifest


@contextmanager
def opened(file: Path) -> Iterator[Reader]:
    """A backup, to be read.

    Raises:
        BrokenBackup: It is none.
    """
    try:
        archive = tarfile.open(file, mode="r:")  # noqa: SIM115 - closed below
    except tarfile.TarError as error:
        raise BrokenBackup(f"{file} is no backup of llmlabel: {error}.", field="file") from error
    with archive:
        yield Reader(archive, file)
