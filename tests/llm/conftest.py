"""The small embedded model, loaded once; its weights come from `llmlabel models pull`."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from llmlabel.llm.embedded import EmbeddedModel
from llmlabel.llm.engine import Engine

SMALL = "smollm2-135m-instruct"


@pytest.fixture(scope="session")
def small_gguf(model_store: Any) -> Path:
    return Path(model_store.path(SMALL)) / "model.gguf"


@pytest.fixture(scope="session")
def prepared_folder(models_folder: Path) -> Path:
    """Where `llmlabel models pull` prepares models."""
    return models_folder.parent / "prepared"


@pytest.fixture(scope="session")
def engine(small_gguf: Path, prepared_folder: Path) -> Engine:
    """The small model, driven without a thread of its own."""
    return Engine.load(
        small_gguf, prepared_folder, threads=2, batch=4, context_tokens=600, exact=True
    )


@pytest.fixture(scope="session")
def small_model(small_gguf: Path, prepared_folder: Path) -> Iterator[EmbeddedModel]:
    model = EmbeddedModel(
        small_gguf, prepared_folder, threads=2, batch=4, context_tokens=600, exact=True
    )
    yield model
    asyncio.run(model.close())
