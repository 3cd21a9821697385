"""The application as the settings put it together, on the small models."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from llmlabel.bootstrap import Application, build
from llmlabel.domain.document import Document
from llmlabel.domain.guideline import LabelerStep, Policy
from llmlabel.errors import MissingModel, Unsupported
from llmlabel.guidelines import from_labels
from llmlabel.settings import Settings

pytestmark = pytest.mark.models
DOCUMENTS = [Document.of_text("The parcel never came.", id="d")]


@pytest.fixture
async def application(home: Path) -> AsyncIterator[Application]:
    app = build(Settings())
    yield app
    await app.close()


async def test_a_task_with_many_labels_is_shortlisted_whatever_was_labeled_before(
    application: Application,
) -> None:
    few = from_labels("few", "choice", ["good", "bad"])
    many = from_labels("many", "choice", ["late parcel", "refund", "praise", "lost card"])
    many = many.model_copy(update={"policy": Policy(threshold=0.9, shortlist=2)})
    [first] = await application.label(DOCUMENTS, few)
    [second] = await application.label(DOCUMENTS, many)
    assert first.opinions[0].method == "label_path"
    assert second.opinions[0].method == "label_path+similarity"
    assert len(second.opinions[0].scores) == 2


async def test_nothing_is_loaded_before_it_is_needed(application: Application) -> None:
    assert application.loaded == set()
    await application.label(DOCUMENTS, application.guidelines.get("pos"))
    assert application.loaded == {"en_core_web_sm"}


async def test_the_same_request_is_answered_from_the_cache(application: Application) -> None:
    few = from_labels("few", "choice", ["good", "bad"])
    [first] = await application.label(DOCUMENTS, few)
    [again] = await application.label(DOCUMENTS, few)
    assert (first.opinions[0].source.cached, again.opinions[0].source.cached) == (False, True)
    assert again.answer == first.answer
    assert again.confidence == first.confidence


async def test_a_labeler_that_cannot_do_the_kind_is_named(application: Application) -> None:
    few = from_labels("few", "choice", ["good", "bad"])
    few = few.model_copy(update={"labelers": (LabelerStep(name="spacy"),)})
    with pytest.raises(Unsupported, match="spacy"):
        await application.label(DOCUMENTS, few)


async def test_a_model_that_is_not_there_names_the_command(
    home: Path, application: Application, tmp_path: Path
) -> None:
    empty = build(Settings(home=tmp_path / "empty"))
    with pytest.raises(MissingModel, match="llmlabel models pull smollm2-135m-instruct"):
        await empty.label(DOCUMENTS, application.guidelines.get("sentiment"))
