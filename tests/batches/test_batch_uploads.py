"""Files as they are received: nothing of them is lost, whoever else sends, or however full."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from batch_service import BatchService

from llmlabel.batches.files import BatchFiles
from llmlabel.errors import Conflict, StoreUnavailable

LINES = b'{"text": "one"}\n{"text": "two"}\n'


def test_a_second_sender_that_comes_late_does_not_begin_anew_what_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = BatchService(f"sqlite:///{tmp_path / 'store.db'}", tmp_path)
    id = service.batches.create(["sentiment"]).id
    enter = BatchFiles.receiving

    def late(*given):
        """The first sender ends between the second one's look at the batch and its lock."""
        monkeypatch.setattr(BatchFiles, "receiving", enter)
        with service.batches.receiving(id, None) as upload:
            upload.write(LINES)
            service.batches.received(id, upload)
        return enter(*given)

    monkeypatch.setattr(BatchFiles, "receiving", late)
    with (
        pytest.raises(Conflict, match="has its file already"),
        service.batches.receiving(id, None) as upload,
    ):
        upload.write(b"{")
    with service.working():
        assert service.wait(id).accepted == 2


def test_where_the_disk_takes_a_part_the_offset_says_how_much(tmp_path: Path) -> None:
    files = BatchFiles(tmp_path)
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    with files.receiving("b-1", None) as upload:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, most[1]))  # as a disk that is nearly full
        try:
            with pytest.raises(StoreUnavailable, match="make room"):
                upload.write(b"x" * 1500)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, most)
        assert upload.offset == files.offset("b-1") == 1000
        upload.write(b"y" * 500)
    assert files.sent("b-1").read_bytes() == b"x" * 1000 + b"y" * 500
