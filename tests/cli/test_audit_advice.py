"""What `llmlabel audit labels` advises is something that can be done."""

from __future__ import annotations

import pytest

from llmlabel.cli.audit import advice
from llmlabel.domain.answer import ChoiceAnswer
from llmlabel.learning.label_errors import Suspect


def suspect(*, imported: bool, likely: bool = True) -> Suspect:
    return Suspect(
        document_id="d",
        text="Warm soup.",
        text_sha256="0" * 64,
        verified=ChoiceAnswer(label="negative"),
        suggested=ChoiceAnswer(label="positive"),
        quality=0.1,
        likely=likely,
        source="import" if imported else "verdict",
        label_id=None if imported else "l-1",
    )


@pytest.mark.parametrize(
    ("found", "queue", "file"),
    [
        ([suspect(imported=False)], True, False),
        ([suspect(imported=True)], False, True),
        ([suspect(imported=False), suspect(imported=True)], True, True),
        ([suspect(imported=False, likely=False)], False, False),
    ],
)
def test_reviewers_look_again_at_what_they_reviewed_and_files_are_mended(
    found: list[Suspect], queue: bool, file: bool
) -> None:
    said = advice(found, "sentiment@1.0.0")
    assert ("--queue" in said, "--replace" in said) == (queue, file)
