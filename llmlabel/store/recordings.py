"""Recordings: bytes in a folder under their hash, a reference in the database."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import sqlalchemy as sa

from llmlabel.errors import AudioTooLong, Gone, InvalidAudio, NotFound, StoreUnavailable
from llmlabel.store.database import Database
from llmlabel.store.records import Recording
from llmlabel.store.tables import recordings

BLOCK = 1024 * 1024


class Recordings:
    """The recordings of one database, kept in one folder."""

    def __init__(self, database: Database, folder: Path) -> None:
        self._database = database
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Where they are kept."""
        return self._folder

    def save(
        self,
        source: BinaryIO,
        file_name: str,
        *,
        media_type: str | None = None,
        max_bytes: int | None = None,
    ) -> Recording:
        """Keep a recording; the same bytes are kept once, and never half-written.

        Raises:
            InvalidAudio: It is empty.
            AudioTooLong: It has more than `max_bytes`.
            StoreUnavailable: The folder cannot be written.
        """
        try:
            sha256, size = self._keep(source, max_bytes)
        except OSError as error:
            raise self._unwritable(error) from error
        row = {
            "sha256": sha256,
            "file_name": file_name,
            "media_type": media_type,
            "bytes": size,
            "created_at": self._database.clock(),
        }
        with self._database.write() as connection:
            self._database.insert_new(connection, recordings, [row], [recordings.c.sha256])
        return Recording(sha256=sha256, file_name=file_name, media_type=media_type, bytes=size)

    def path(self, sha256: str) -> Path:
        """The file that holds a recording.

        Raises:
            NotFound: There is no such recording.
            Gone: Its file is no longer there.
        """
        with self._database.read() as connection:
            known = connection.execute(
                sa.select(recordings.c.sha256).where(recordings.c.sha256 == sha256)
            ).scalar()
        if known is None:
            raise NotFound(f"There is no recording with sha256 {sha256[:64]!r}.", field="sha256")
        path = self._path(sha256)
        if not path.is_file():
            raise Gone(
                f"The file of the recording is gone: {path}; send the recording again.",
                field="sha256",
            )
        return path

    def derived(self, sha256: str, ending: str, make: Callable[[Path, Path], None]) -> Path:
        """A file made from a recording, kept beside it; made when it is first asked for.

        Args:
            sha256: The recording.
            ending: Tells the files made from one recording apart, such as `.flac`.
            make: Writes it, given the recording's file and where to write.

        Raises:
            NotFound, Gone: As `path`; and whatever `make` raises, then nothing is kept.
            StoreUnavailable: The folder cannot be written.
        """
        source = self.path(sha256)
        path = source.with_name(sha256 + ending)
        if path.is_file():
            return path
        try:
            with tempfile.TemporaryDirectory(prefix="making-", dir=self._folder) as folder:
                made = Path(folder) / path.name
                make(source, made)
                made.replace(path)
        except OSError as error:
            raise self._unwritable(error) from error
        return path

    def discard(self, sha256: str) -> None:
        """Delete the bytes of a recording, and the files made of them; call it twice at will.

        Raises:
            StoreUnavailable: A file cannot be deleted.
        """
        try:
            for file in sorted(self._path(sha256).parent.glob(f"{sha256}*")):
                file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreUnavailable(
                f"A recording could not be deleted from {self._folder}: {error}. Its document is "
                f"gone; delete the files {sha256[:2]}/{sha256}* there by hand."
            ) from error

    def _unwritable(self, error: OSError) -> StoreUnavailable:
        return StoreUnavailable(
            f"The recording could not be written to {self._folder}: {error}. Make room or "
            "set LLMLABEL_HOME to another disk."
        )

    def _path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256

    def _keep(self, source: BinaryIO, max_bytes: int | None) -> tuple[str, int]:
        self._folder.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(prefix="incoming-", dir=self._folder)
        incoming = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:
                while block := source.read(BLOCK):
                    size += len(block)
                    if max_bytes is not None and size > max_bytes:
                        raise AudioTooLong(
                            f"The recording has more than {max_bytes:,} bytes; send a shorter "
                            "or compressed one, or raise LLMLABEL_MAX_AUDIO_BYTES.",
                            field="file",
                        )
                    digest.update(block)
                    target.write(block)
                target.flush()
                os.fsync(target.fileno())
            if not size:
                raise InvalidAudio("The recording is empty; send a file with sound.", field="file")
            path = self._path(digest.hexdigest())
            path.parent.mkdir(exist_ok=True)
            incoming.replace(path)
        finally:
            incoming.unlink(missing_ok=True)
        return digest.hexdigest(), size
