"""The files of batches while they are read: what was sent, and the lines unpacked of it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from filelock import FileLock, Timeout

from llmlabel.errors import Conflict, StoreUnavailable, UploadMismatch


class Upload:
    """A file that is being received; what was written stays when the connection breaks.

    Attributes:
        offset: Bytes that are here.
    """

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file = file
        self.offset = offset

    def write(self, data: bytes) -> None:
        """Append.

        Raises:
            StoreUnavailable: The disk is full or gone.
        """
        rest = memoryview(data)
        while rest:
            with _explained():
                # As much as there is room for, which may be less than was given.
                written = self._file.write(rest)
            self.offset += written
            rest = rest[written:]

    def sync(self) -> None:
        """Have all of it on the disk."""
        with _explained():
            os.fsync(self._file.fileno())


class BatchFiles:
    """A folder with a folder per batch. All processes of a service have to see the same one.

    Args:
        folder: It; made when the first file comes.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def sent(self, id: str) -> Path:
        """Where the file lies as it was sent."""
        return self.folder / id / "sent"

    def lines(self, id: str) -> Path:
        """Where its lines lie, if they had to be unpacked."""
        return self.folder / id / "lines"

    def offset(self, id: str) -> int:
        """How many bytes of the file are here."""
        try:
            return self.sent(id).stat().st_size
        except FileNotFoundError:
            return 0

    @contextmanager
    def receiving(
        self, id: str, at: int | None, check: Callable[[], object] = lambda: None
    ) -> Iterator[Upload]:
        """Write the file of a batch, one writer at a time.

        Args:
            id: Of the batch.
            at: The byte with which the sender goes on; None begins anew.
            check: Called before anything is touched, when nobody else can write any more: what
                was true before may not be by then. What it raises is raised.

        Raises:
            Conflict: Another request is sending it now.
            UploadMismatch: It does not go on where the file ends.
            StoreUnavailable: It cannot be written.
        """
        path = self.sent(id)
        with _explained():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(path.with_name("lock"), blocking=False, thread_local=False)
        try:
            with _explained():
                lock.acquire()
        except Timeout:
            raise Conflict(
                "Another request is sending the file of this batch; ask for the offset with HEAD "
                "when it has ended, and go on there.",
                field="id",
            ) from None
        try:
            check()
            with _explained():
                file = open(path, "ab", buffering=0, opener=_private)  # noqa: SIM115 - the mode
            with file:
                if at is None:
                    file.truncate(0)
                here = os.fstat(file.fileno()).st_size
                if at is not None and at != here:
                    raise UploadMismatch(here)
                yield Upload(file, here)
        finally:
            lock.release()

    def remove(self, id: str) -> None:
        """Delete what is here of a batch; nothing may be."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(self.folder / id)

    def ids(self) -> list[str]:
        """The batches of which a file is here."""
        try:
            return sorted(each.name for each in self.folder.iterdir() if each.is_dir())
        except FileNotFoundError:
            return []


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except Timeout:
        raise
    except OSError as error:
        raise StoreUnavailable(
            f"The file of the batch cannot be written ({error.strerror}); make room on the disk "
            "of LLMLABEL_HOME, then go on with the upload."
        ) from error
