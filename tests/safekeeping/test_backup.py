from __future__ import annotations

import io
import json
import shutil
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import every_table
import pytest

from llmlabel.domain.document import Document
from llmlabel.errors import BrokenBackup, Conflict
from llmlabel.safekeeping.backup import backup
from llmlabel.safekeeping.checking import check
from llmlabel.safekeeping.restore import restore, verify
from llmlabel.safekeeping.service import Service
from llmlabel.store import Store
from llmlabel.store.projects import Projects
from llmlabel.store.transfer.copying import Copy

MakeService = Callable[[str, str], Service]


def no_step(what: str, total: int | None) -> Callable[[int], None]:
    return lambda done: None


def with_sounds(service: Service, *sounds: bytes) -> Store:
    """A service that was used: texts, recordings, another project."""
    store = Store(service.make("default"), service.folders("default")["recordings"])
    for sound in sounds:
        store.recordings.save(io.BytesIO(sound), "call.wav")
    store.documents.add([Document.of_text("Where is my parcel?", id="d")], ["intent@1.0.0"])
    return store


@pytest.fixture(params=["sqlite", "postgresql"])
def restored(
    request: pytest.FixtureRequest, url_of: Callable[[str], str], service_at: MakeService
) -> Service:
    """Where a backup is restored to: either kind, whichever it was made from."""
    return service_at(url_of(request.param), "restored")


def test_a_backup_brings_everything_back_on_either_kind_of_database(
    source: Service, restored: Service, tmp_path: Path
) -> None:
    every_table.fill(source.default)
    Projects(source.default).create("shop")
    every_table.fill(source.make("shop"), rows=3, seed=2)
    shop = Store(source.of_project("shop"), source.folders("shop")["recordings"])
    kept = shop.recordings.save(io.BytesIO(b"sound" * 100_000), "call.wav")
    upload = source.folders("default")["batches"] / "b-1" / "sent"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"{}\n")
    Store(source.default, tmp_path).work.beat("at-work")
    made = backup(source, tmp_path / "backups" / "one.tar", no_step)
    # What every_table says of recordings has no files.
    assert len(made.missing) == 10 and (tmp_path / "backups/one.tar").stat().st_mode & 0o77 == 0
    restore(tmp_path / "backups/one.tar", restored, tmp_path / "scratch", no_step)
    for project in ("default", "shop"):
        assert every_table.content(restored.of_project(project)) == every_table.content(
            source.of_project(project)
        )
    again = Store(restored.of_project("shop"), restored.folders("shop")["recordings"])
    assert again.recordings.path(kept.sha256).read_bytes() == b"sound" * 100_000
    assert (restored.folders("default")["batches"] / "b-1" / "sent").read_bytes() == b"{}\n"


def test_a_backup_is_of_one_moment_while_others_write(
    source: Service, service_at: MakeService, url_of: Callable[[str], str], tmp_path: Path
) -> None:
    store = with_sounds(source)
    Projects(source.default).create("shop")
    shop = Store(source.make("shop"), tmp_path / "unused")
    began, stop = threading.Event(), threading.Event()

    def write() -> None:
        n = 0
        while not stop.is_set():
            # First the one, then the other: at no moment has the second more.
            store.documents.add([Document.of_text("a", id=f"n{n}")], [])
            shop.documents.add([Document.of_text("a", id=f"n{n}")], [])
            n += 1
            began.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert began.wait(60)
    try:
        for n in range(3):
            backup(source, tmp_path / f"{n}.tar", no_step)
    finally:
        stop.set()
        writer.join()
    counts = []
    for n in range(3):
        restored = service_at(url_of("sqlite"), f"restored{n}")
        restore(tmp_path / f"{n}.tar", restored, tmp_path, no_step)
        here, there = (
            sum(row[1].startswith("n") for row in every_table.content(each)["documents"])
            for each in (restored.default, restored.of_project("shop"))
        )
        assert there <= here <= there + 1
        counts.append(here)
    assert counts == sorted(counts) and counts[-1] > 0


def _changed(file: Path, at: int) -> Path:
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    other = file.with_name("changed.tar")
    other.write_bytes(content)
    return other


@pytest.fixture
def other(kind: str, url_of: Callable[[str], str], service_at: MakeService) -> Service:
    """Another place, of the same kind."""
    return service_at(url_of(kind), "other")


def test_a_backup_that_was_changed_is_refused_and_puts_nothing_in_place(
    source: Service, other: Service, tmp_path: Path
) -> None:
    with_sounds(source, b"sound" * 1000)
    file = tmp_path / "one.tar"
    backup(source, file, no_step)
    assert verify(file, no_step).missing == ()
    sound = file.read_bytes().index(b"soundsound")
    for at in (2048, sound + 7):  # the database, the recording
        broken = _changed(file, at)
        with pytest.raises(BrokenBackup, match="not as it was written"):
            verify(broken, no_step)
        with pytest.raises(BrokenBackup):
            restore(broken, other, tmp_path / "scratch", no_step)
        assert not other.is_there or every_table_is_absent(other)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(file.read_bytes()[:40_000])
    with pytest.raises(BrokenBackup):
        verify(cut, no_step)
    (tmp_path / "notes.txt").write_text("Buy bread.", "utf-8")
    with pytest.raises(BrokenBackup, match="no backup"):
        verify(tmp_path / "notes.txt", no_step)
    restore(file, other, tmp_path / "scratch", no_step)
    assert every_table.content(other.default) == every_table.content(source.default)


def every_table_is_absent(service: Service) -> bool:
    with service.default.read() as connection:
        return not every_table.sa.inspect(connection).get_table_names()


def _with_manifest(file: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The same backup, which says something else of itself."""
    other = file.with_name("forged.tar")
    with tarfile.open(file) as source, tarfile.open(other, "w") as target:
        for member in source:
            stream = source.extractfile(member)
            assert stream is not None
            content = stream.read()
            if member.name == "manifest.json":
                manifest = json.loads(content)
                change(manifest)
                content = json.dumps(manifest).encode()
                member.size = len(content)
            target.addfile(member, io.BytesIO(content))
    return other


def test_a_backup_writes_nowhere_but_into_its_folders(
    source: Service, other: Service, tmp_path: Path
) -> None:
    with_sounds(source, b"sound")
    backup(source, tmp_path / "one.tar", no_step)

    def outside(manifest: dict[str, Any]) -> None:
        files = manifest["projects"][0]["files"]["recordings"]
        files["../../outside"] = files.pop(next(iter(files)))

    with pytest.raises(BrokenBackup, match="outside"):
        restore(_with_manifest(tmp_path / "one.tar", outside), other, tmp_path / "s", no_step)
    assert not list(tmp_path.rglob("outside"))

    def elsewhere(manifest: dict[str, Any]) -> None:
        manifest["projects"][0]["project"] = "../default"

    with pytest.raises(BrokenBackup, match="no table of contents"):
        restore(_with_manifest(tmp_path / "one.tar", elsewhere), other, tmp_path, no_step)


def test_a_backup_of_a_newer_release_is_refused(
    source: Service, other: Service, tmp_path: Path
) -> None:
    with_sounds(source)
    backup(source, tmp_path / "one.tar", no_step)

    def newer(manifest: dict[str, Any]) -> None:
        manifest["projects"][0]["revision"] = "9999"

    forged = _with_manifest(tmp_path / "one.tar", newer)
    with pytest.raises(BrokenBackup, match="newer than this release"):
        restore(forged, other, tmp_path, no_step)


def test_nothing_is_written_over(source: Service, other: Service, tmp_path: Path) -> None:
    with_sounds(source)
    _sent(source, b"{}\n")
    backup(source, tmp_path / "one.tar", no_step)
    with pytest.raises(Conflict, match="never written over"):
        backup(source, tmp_path / "one.tar", no_step)
    Store(other.make("default"), tmp_path).documents.add([Document.of_text("a", id="a")], [])
    before = every_table.content(other.default)
    theirs = _sent(other, b"what came of it here")
    with pytest.raises(Conflict, match=r"is there already|not empty"):
        restore(tmp_path / "one.tar", other, tmp_path / "scratch", no_step)
    assert every_table.content(other.default) == before
    assert theirs.read_bytes() == b"what came of it here"


def _sent(service: Service, content: bytes) -> Path:
    """The file of a batch."""
    file = service.folders("default")["batches"] / "b-1" / "sent"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


def test_the_file_of_a_batch_that_is_read_to_its_end_meanwhile_is_kept(
    source: Service, service_at: MakeService, url_of: Callable[[str], str], tmp_path: Path
) -> None:
    with_sounds(source)
    sent = _sent(source, b"{}\n")

    def read_meanwhile(what: str, total: int | None) -> Callable[[int], None]:
        if "to the archive" in what:  # the databases are of a moment when it was there
            shutil.rmtree(sent.parent)
        return lambda done: None

    assert backup(source, tmp_path / "one.tar", read_meanwhile).missing == ()
    restored = service_at(url_of("sqlite"), "restored")
    restore(tmp_path / "one.tar", restored, tmp_path, no_step)
    assert (restored.folders("default")["batches"] / "b-1" / "sent").read_bytes() == b"{}\n"


def test_recordings_that_are_missing_or_changed_are_named_and_the_rest_is_kept(
    source: Service, service_at: MakeService, url_of: Callable[[str], str], tmp_path: Path
) -> None:
    store = with_sounds(source, b"one", b"two", b"three")
    good, lost, bad = (
        store.recordings.save(io.BytesIO(s), "c") for s in (b"one", b"two", b"three")
    )
    store.recordings.path(lost.sha256).unlink()
    store.recordings.path(bad.sha256).write_bytes(b"other")
    made = backup(source, tmp_path / "one.tar", no_step)
    assert sorted(name[-64:] for name in made.missing) == sorted([lost.sha256, bad.sha256])
    restored = service_at(url_of("sqlite"), "restored")
    restore(tmp_path / "one.tar", restored, tmp_path, no_step)
    files = [file.name for file in restored.folders("default")["recordings"].rglob("*")]
    assert good.sha256 in files and bad.sha256 not in files and lost.sha256 not in files
    [sounds] = [f for f in check(restored, no_step) if f.what == "recordings"]
    assert len(sounds.faults) == 2


def test_a_restore_that_broke_off_is_run_again(
    source: Service, restored: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_sounds(source, b"sound")
    Projects(source.default).create("shop")
    every_table.fill(source.make("shop"), rows=3)
    file = tmp_path / "one.tar"
    backup(source, file, no_step)
    replace, finish = Path.replace, Copy.finish

    def breaks(self: Any, *to: Any) -> Any:
        # Just before the last step: the default project's database is put in place, or finished.
        if to and to[0] == restored.default.file:
            raise OSError(5, "The disk is gone", str(to[0]))
        if isinstance(self, Copy) and self.target.project == "default":
            raise OSError(5, "The server is gone", "server")
        return replace(self, *to) if to else finish(self)

    monkeypatch.setattr(Path, "replace", breaks)
    monkeypatch.setattr(Copy, "finish", breaks)
    with pytest.raises(OSError, match="is gone"):
        restore(file, restored, tmp_path / "scratch", no_step)
    monkeypatch.undo()
    restore(file, restored, tmp_path / "scratch", no_step)
    for project in ("default", "shop"):
        assert every_table.content(restored.of_project(project)) == every_table.content(
            source.of_project(project)
        )
