"""A learned version that was damaged in the database: it is said, and a training mends it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from mood_service import PROMISE, REF, give_gold, provider, texts, write_guideline
from mood_service import settings as mood_settings

from llmlabel.bootstrap import Application, build
from llmlabel.confidence.choice_calibrator import ChoiceCalibrator
from llmlabel.domain.document import Document
from llmlabel.domain.label import Route
from llmlabel.errors import ModelCorrupt
from llmlabel.learned import Learned
from llmlabel.store import Store
from llmlabel.store.tables import trainings

CONTENT = Learned(guideline=REF, calibrator=ChoiceCalibrator(("good", "bad"), {}), n=1).to_bytes()
DOCUMENTS = [Document.of_text(text) for text in texts(4, 100)]


@given(
    cut=st.integers(0, len(CONTENT)),
    flips=st.lists(st.tuples(st.integers(0, len(CONTENT) - 1), st.integers(0, 7)), max_size=3),
)
@settings(max_examples=300, deadline=None)
def test_bytes_that_cannot_be_read_are_called_corrupt_whatever_is_wrong(
    cut: int, flips: list[tuple[int, int]]
) -> None:
    content = bytearray(CONTENT)
    for place, bit in flips:
        content[place] ^= 1 << bit
    try:
        read = Learned.from_bytes(bytes(content[:cut]))
    except ModelCorrupt as error:
        assert "train again" in error.detail
    else:
        assert read.guideline == REF, "only bytes that nobody reads differ"


@pytest.fixture
def guidelines(tmp_path: Path) -> Path:
    return write_guideline(tmp_path / "guidelines", promise="")


@pytest.fixture
def url() -> Iterator[str]:
    with provider() as fake:
        yield fake.url


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def opened(home: Path, url: str, guidelines: Path) -> Application:
    """As another process would: it has nothing in memory."""
    return build(mood_settings(home, url, guidelines))


def damage(store: Store, id: str, *, rehash: bool = False) -> None:
    content = store.trainings.payload(id)
    content = content[: len(content) // 2] + b"\0" * 40
    values: dict[str, object] = {"payload": content}
    if rehash:
        values["payload_sha256"] = hashlib.sha256(content).hexdigest()
    with store.database.write() as connection:
        connection.execute(sa.update(trainings).where(trainings.c.id == id).values(**values))


@pytest.mark.parametrize("rehash", [False, True])
async def test_labeling_says_so_and_a_training_mends_it(
    home: Path, url: str, guidelines: Path, rehash: bool
) -> None:
    app = opened(home, url, guidelines)
    give_gold(app.store, texts(120, 1000))
    first = await app.train("mood", by="a test", student=False)
    [before, *_] = await app.label(DOCUMENTS, app.guidelines.get("mood"))
    assert before.confidence is not None
    assert before.confidence.calibrator == first.id
    damage(app.store, first.id, rehash=rehash)

    app = opened(home, url, guidelines)
    with pytest.raises(ModelCorrupt, match="llmlabel train") as raised:
        await app.label(DOCUMENTS, app.guidelines.get("mood"))
    assert raised.value.detail.count("rollback") == 1
    second = await app.train("mood", by="a test", student=False)
    [after, *_] = await app.label(DOCUMENTS, app.guidelines.get("mood"))
    assert after.confidence is not None
    assert after.confidence.calibrator == second.id
    app.store.close()


async def test_a_certificate_of_what_cannot_be_read_does_not_keep_a_training_out(
    home: Path, url: str, guidelines: Path
) -> None:
    write_guideline(guidelines, promise=PROMISE)
    app = opened(home, url, guidelines)
    give_gold(app.store, texts(200, 1000))
    first = await app.train("mood", by="a test", student=False)
    certificate = app.store.certificates.active(REF)
    assert certificate is not None
    assert certificate.pipeline["training"] == first.id
    damage(app.store, first.id)

    app = opened(home, url, guidelines)
    give_gold(app.store, texts(40, 2000, "odd"))
    second = await app.train("mood", by="a test", student=False)
    assert app.store.certificates.list(REF)[0].status == "infeasible"
    # It proves nothing; still, doubtful labels are better than none.
    labels = await app.label(DOCUMENTS, app.guidelines.get("mood"))
    assert {each.route for each in labels} == {Route.REVIEW}
    assert {each.confidence.calibrator for each in labels if each.confidence} == {second.id}
    assert app.store.certificates.get(certificate.id).status == "void"
    app.store.close()
