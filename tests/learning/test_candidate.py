"""What was learned while a certificate is in force is put to use only with a better one."""

from __future__ import annotations

import pytest
from live_parts import DELIVERED, World

from llmlabel.confidence.choice_calibrator import ChoiceCalibrator
from llmlabel.errors import Conflict
from llmlabel.learned import Learned
from llmlabel.store import Store


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def trained(world: World) -> str:
    """A training that ended well and is not in use."""
    ref, sha256 = world.guideline.ref, world.guideline.sha256
    content = Learned(guideline=ref, calibrator=ChoiceCalibrator(("good", "bad"), {}), n=1)
    id = world.store.trainings.begin(ref, sha256, "a test")
    world.store.trainings.finish(id, content.to_bytes(), {}, activate=False)
    return id


def in_use(world: World) -> str | None:
    used = world.store.trainings.active(world.guideline.ref, world.guideline.sha256)
    return used.id if used else None


async def test_a_candidate_as_good_is_put_to_use_with_its_certificate(world: World) -> None:
    world.gold(300, wrong=0.0)
    before = await world.certify()
    candidate = trained(world)
    assert in_use(world) is None
    world.identity = {**world.identity, "training": candidate}
    made = await world.certify(training=candidate)
    assert (made.status, in_use(world)) == ("active", candidate)
    assert world.store.certificates.active(world.guideline.ref) == made
    assert world.store.certificates.get(before.id).status == "superseded"


async def test_a_worse_candidate_is_declined_and_nothing_changes(world: World) -> None:
    world.gold(300, wrong=0.0)
    before = await world.certify()
    candidate = trained(world)
    world.identity = {**world.identity, "training": candidate}
    # The candidate is as right as what is in force, and unsure of half of the documents.
    sure = dict(world.confidence)
    for number, text in enumerate(sorted(sure)):
        world.confidence[text] = sure[text] if number % 2 else 0.01
    made = await world.certify(training=candidate)
    assert (made.status, in_use(world)) == ("declined", None)
    assert "declined" in made.reason
    assert world.store.certificates.active(world.guideline.ref) == before


async def test_a_candidate_that_proves_nothing_leaves_all_as_it_was(world: World) -> None:
    world.gold(300, wrong=0.0)
    before = await world.certify()
    candidate = trained(world)
    world.identity = {**world.identity, "training": candidate}
    world.said = dict.fromkeys(world.said)  # it answers nothing
    made = await world.certify(training=candidate)
    assert (made.status, in_use(world)) == ("infeasible", None)
    assert world.store.certificates.active(world.guideline.ref) == before


async def test_a_certificate_of_a_training_that_kept_nothing_is_not_kept(world: World) -> None:
    world.gold(300, wrong=0.0)
    ref, sha256 = world.guideline.ref, world.guideline.sha256
    candidate = world.store.trainings.begin(ref, sha256, "a test")
    world.store.trainings.finish(candidate, None, {}, activate=False)
    with pytest.raises(Conflict, match="holds nothing to use"):
        await world.certify(training=candidate)
    assert world.store.certificates.list(ref) == []


async def test_a_promise_outlives_its_certificate_until_it_is_withdrawn(world: World) -> None:
    world.gold(300, wrong=0.0)
    made = await world.certify()
    certificates = world.store.certificates
    assert certificates.stated(world.guideline.ref) == DELIVERED
    certificates.end(made.id, "void", "changed")
    assert certificates.stated(world.guideline.ref) == DELIVERED
    certificates.add(made.model_copy(update={"id": "c-2", "status": "withdrawn"}))
    assert certificates.stated(world.guideline.ref) is None


def test_nothing_is_promised_where_nobody_promised(store: Store) -> None:
    assert store.certificates.stated("mood@1.0.0") is None
