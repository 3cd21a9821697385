from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eval.redaction import count, read
from llmlabel.labelers.spacy_persons import SpacyPersons


@pytest.mark.models
async def test_hidden_seen_and_needless_names_are_counted(model_store: Any, tmp_path: Path) -> None:
    file = tmp_path / "test.jsonl"
    file.write_text(
        '{"text": "Angela Merkel met xyzzy.", "entities": ['
        '{"start": 0, "end": 13, "label": "PER"}, {"start": 18, "end": 23, "label": "PER"}]}\n'
        '{"text": "Barack Obama slept.", "entities": []}\n',
        "utf-8",
    )
    found = await count(read(file), SpacyPersons(model_store.path("en_core_web_sm")))
    assert dict(found) == {"hidden": 1, "seen": 1, "masked": 2, "needless": 1}
