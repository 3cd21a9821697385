"""What a model is: its files with their checksums, and where they can be had."""

from __future__ import annotations

from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, Field, ValidationError, model_validator

from llmlabel.domain.base import Value
from llmlabel.errors import InvalidSetting, MissingModel

Task = Literal["llm", "transcription", "spacy", "embedding"]
SourceName = Literal["hub", "registry"]
UsedFor = Literal["demo", "tests"]

SHA256_PATTERN = r"^[0-9a-f]{64}$"


def _stays_inside(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ".." in parts:
        raise ValueError(f"{path!r} must be a relative path without '..'")
    return path


RelativePath = Annotated[str, AfterValidator(_stays_inside)]


class ModelFile(Value):
    """One file of a model's folder."""

    path: RelativePath = Field(description="Below the model's folder, with forward slashes.")
    bytes: int = Field(gt=0)
    sha256: str = Field(pattern=SHA256_PATTERN)


class Part(Value):
    """A member of a wheel that is a file, or a piece of one."""

    package: str = Field(pattern=r"^[A-Za-z0-9._-]+==[A-Za-z0-9.+!_-]+$")
    member: RelativePath
    bytes: int | None = Field(default=None, gt=0, description="None: the whole file's.")
    sha256: str | None = Field(default=None, pattern=SHA256_PATTERN)


class HubSource(Value):
    """A repository of the Hugging Face hub."""

    hub: str = Field(pattern=r"^[\w.-]+/[\w.-]+$", description="owner/name")
    revision: str | None = None
    files: dict[str, str] = Field(default={}, description="Path here to name there, if different.")


class RegistrySource(Value):
    """Packages of the configured Python package index."""

    registry: dict[str, tuple[Part, ...]] = Field(description="Path here to its parts in order.")


class ModelEntry(Value):
    """A model the catalogue knows."""

    name: str
    task: Task
    title: str
    licence: str
    aliases: tuple[str, ...] = ()
    used_for: tuple[UsedFor, ...] = ()
    files: tuple[ModelFile, ...] = Field(min_length=1)
    sources: tuple[HubSource | RegistrySource, ...] = Field(min_length=1)

    @property
    def bytes(self) -> int:
        """Size of all its files together."""
        return sum(file.bytes for file in self.files)

    def parts_of(self, file: ModelFile, source: RegistrySource) -> tuple[Part, ...]:
        """The parts of a file, each with its own size and checksum filled in."""
        parts = source.registry[file.path]
        if len(parts) > 1:
            return parts
        return (parts[0].model_copy(update={"bytes": file.bytes, "sha256": file.sha256}),)

    @model_validator(mode="after")
    def _sources_hold_every_file(self) -> Self:
        paths = {file.path: file.bytes for file in self.files}
        for source in self.sources:
            if isinstance(source, HubSource):
                if unknown := set(source.files) - set(paths):
                    raise ValueError(f"hub names files the model does not have: {sorted(unknown)}")
                continue
            if set(source.registry) != set(paths):
                raise ValueError(
                    f"registry differs from files: {sorted(set(source.registry) ^ set(paths))}"
                )
            for path, parts in source.registry.items():
                if len(parts) < 2:
                    continue
                if any(part.bytes is None or part.sha256 is None for part in parts):
                    raise ValueError(f"{path}: each of several parts needs bytes and sha256")
                if sum(part.bytes or 0 for part in parts) != paths[path]:
                    raise ValueError(f"{path}: the parts' bytes do not add up to the file's")
        return self


class Catalogue(Value):
    """All models known by name."""

    models: tuple[ModelEntry, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The models' names in the order of the file."""
        return tuple(entry.name for entry in self.models)

    def find(self, name: str) -> ModelEntry | None:
        """The model of that name or alias, if there is one."""
        for entry in self.models:
            if name == entry.name or name in entry.aliases:
                return entry
        return None

    def get(self, name: str) -> ModelEntry:
        """The model of that name or alias.

        Raises:
            MissingModel: There is none; the message lists the names.
        """
        entry = self.find(name)
        if entry is None:
            raise MissingModel(
                f"There is no model {name!r} in the catalogue; it knows {', '.join(self.names)}.",
                field="model",
            )
        return entry


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read a catalogue file; without a path, the one shipped with llmlabel.

    Raises:
        InvalidSetting: The file cannot be read or breaks a rule.
    """
    source = path if path else resources.files("llmlabel.models").joinpath("catalogue.yaml")
    try:
        return Catalogue.model_validate(yaml.safe_load(source.read_text(encoding="utf-8")))
    except (OSError, yaml.YAMLError, ValidationError) as exc:
        raise InvalidSetting(f"The model catalogue {source} cannot be used: {exc}") from exc
