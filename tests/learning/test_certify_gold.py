"""Certificates on real gold in a real store, of a pipeline that errs on purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_parts import ACCEPTED, DELIVERED, GOOD, Clock, World, a_guideline
from pydantic import JsonValue

from llmlabel.confidence.bounds import binomial_upper
from llmlabel.domain.document import Document
from llmlabel.domain.gold import CERTIFY_SHARE, NewGold, part_of
from llmlabel.domain.guideline import Example
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.errors import Conflict, InvalidInput
from llmlabel.store import Store


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[Store]:
    store = Store.open(f"sqlite:///{tmp_path / 's.db'}", recordings=tmp_path / "r", clock=clock)
    yield store
    store.close()


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


def train(world: World, report: dict[str, JsonValue]) -> str:
    ref, sha256 = world.guideline.ref, world.guideline.sha256
    id = world.store.trainings.begin(ref, sha256, "a test")
    world.store.trainings.finish(id, b"learned", report, activate=True)
    return id


async def test_a_good_pipeline_is_certified_and_the_bound_keeps_the_promise(world: World) -> None:
    world.gold(400)
    certificate = await world.certify()
    assert certificate.status == "active"
    assert certificate.n == 400
    assert certificate.threshold is not None
    assert certificate.bound is not None
    assert certificate.observed_risk is not None
    assert certificate.observed_risk < certificate.bound <= DELIVERED.error
    assert 0 < certificate.coverage <= 1 - certificate.floor
    assert world.store.certificates.active("mood@1.0.0") == certificate
    assert certificate.assumptions


async def test_the_numbers_are_those_of_the_gold_at_the_threshold(world: World) -> None:
    documents = world.gold(300)
    certificate = await world.certify(ACCEPTED)
    assert certificate.threshold is not None
    accepted = [
        each for each in documents if (world.confidence[each.text] or 0) >= certificate.threshold
    ]
    wrong = sum(world.said[each.text] != world.truth[each.text] for each in accepted)
    assert certificate.coverage == pytest.approx(len(accepted) / 300)
    assert certificate.observed_risk == pytest.approx(wrong / len(accepted))
    # The first attempt has half of the delta, so that all later ones share the other half.
    assert certificate.bound == pytest.approx(binomial_upper(wrong, len(accepted), 0.05))


async def test_a_poor_pipeline_is_not_certified_and_the_reason_is_told(world: World) -> None:
    world.gold(300, confidence=0.9, wrong=0.3)
    certificate = await world.certify()
    assert certificate.status == "infeasible"
    assert certificate.threshold is None
    assert certificate.floor == 1.0
    assert certificate.coverage == 0.0
    assert "wrong" in certificate.reason
    assert certificate.further_gold is None, "no gold helps where answers are wrong too often"
    assert world.store.certificates.get(certificate.id) == certificate


async def test_too_little_gold_says_how_much_more_it_takes_and_asks_no_model(world: World) -> None:
    world.gold(20)
    certificate = await world.certify()
    assert certificate.status == "infeasible"
    assert world.spoken == 0
    # 0.95^72 < 0.025 <= 0.95^71: the first attempt may err with half of 5%.
    assert "at least 72" in certificate.reason
    assert certificate.further_gold == pytest.approx((72 - 20) / CERTIFY_SHARE, abs=1)
    world.gold(400)
    assert (await world.certify()).attempt == 1, "what was not looked at was not spent"


async def test_without_any_gold_nothing_is_proved(world: World) -> None:
    certificate = await world.certify()
    assert (certificate.status, certificate.n) == ("infeasible", 0)


@pytest.mark.parametrize("text", ["delivered:0:0.95", "accepted:1:0.9", "delivered:0.05:1"])
def test_a_promise_of_nothing_or_everything_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="above 0 and below 1"):
        Promise.parse(text)


async def test_gold_that_was_trained_on_is_refused(world: World) -> None:
    gold = world.gold(100)
    seen: list[JsonValue] = [each.text_sha256 for each in gold[:3]]
    id = train(world, {"fit_texts": seen})
    with pytest.raises(Conflict, match=r"3 of the 100.*llmlabel train") as refused:
        await world.certify()
    assert id in refused.value.detail
    assert world.store.certificates.list() == []


async def test_only_the_part_that_certifies_is_used(world: World) -> None:
    documents = world.documents(300)
    world.store.gold.add(
        [NewGold(document=each, answer=world.truth[each.text]) for each in documents],
        "mood@1.0.0",
    )
    certificate = await world.certify()
    assert certificate.n == sum(part_of(each.text_sha256) == "certify" for each in documents)


async def test_a_text_that_the_model_is_shown_with_its_answer_does_not_certify(
    store: Store,
) -> None:
    shown = next(
        f"shown {n}"
        for n in range(100)
        if part_of(Document.of_text(f"shown {n}").text_sha256) == "certify"
    )
    example = Example(id="e1", text=shown, label="good")
    world = World(store, a_guideline().model_copy(update={"examples": (example,)}))
    world.gold(80)
    store.gold.add([NewGold(document=Document.of_text(shown), answer=GOOD)], "mood@1.0.0")
    assert (await world.certify()).n == 80


async def test_where_no_right_answer_exists_every_accepted_answer_is_wrong(world: World) -> None:
    world.gold(200, confidence=0.99, wrong=0.0)
    assert (await world.certify()).observed_risk == 0.0
    items = [NewGold(document=each, answer=None) for each in _certifying(world, 40)]
    world.store.gold.add(items, "mood@1.0.0")
    certificate = await world.certify()
    assert certificate.n == 240
    assert certificate.status == "infeasible"


async def test_a_document_without_an_answer_is_never_accepted(world: World) -> None:
    for document in world.gold(200, confidence=0.99, wrong=0.0)[:50]:
        world.said[document.text] = None
    certificate = await world.certify()
    assert certificate.coverage == pytest.approx(0.75)
    assert certificate.observed_risk == 0.0


async def test_units_count_the_share_that_is_wrong(store: Store) -> None:
    world = World(store, a_guideline(loss="units"))
    world.gold(300)
    certificate = await world.certify()
    assert certificate.loss == "units"
    assert certificate.status == "active"


async def test_thresholds_come_from_confidences_on_other_documents(world: World) -> None:
    reference: list[JsonValue] = [0.5, 0.81, 0.92, None, 0.97]
    train(world, {"fit_confidences": reference})
    world.gold(400, wrong=0.0)
    assert (await world.certify()).threshold in (0.5, 0.81, 0.92, 0.97)


async def test_nothing_new_costs_nothing(world: World) -> None:
    world.gold(300)
    first = await world.certify()
    spoken = world.spoken
    assert await world.certify() == first
    assert world.spoken == spoken
    assert len(world.store.certificates.list()) == 1


async def test_every_further_look_at_the_same_gold_must_be_surer(world: World) -> None:
    world.gold(300)
    await world.certify()
    world.identity["training"] = "t-2"
    second = await world.certify()
    world.identity["training"] = "t-3"
    third = await world.certify()
    assert (second.attempt, third.attempt) == (2, 3)
    assert third.pipeline_sha256 != second.pipeline_sha256
    statuses = [each.status for each in world.store.certificates.list()]
    assert statuses == ["active", "superseded", "superseded"]


async def test_an_attempt_that_fails_leaves_the_valid_certificate_in_force(world: World) -> None:
    world.gold(300)
    first = await world.certify()
    second = await world.certify(Promise(error=0.001, probability=0.99))
    assert second.status == "infeasible"
    assert world.store.certificates.active("mood@1.0.0") == first


async def test_a_training_that_ends_meanwhile_is_noticed(world: World) -> None:
    world.gold(200)

    def meanwhile(done: int, total: int) -> None:
        if done == total:
            train(world, {})

    with pytest.raises(Conflict, match="training"):
        await world.certify(progress=meanwhile)
    assert world.store.certificates.list() == []


async def test_a_breach_meanwhile_is_noticed(world: World) -> None:
    world.gold(200)

    def meanwhile(done: int, total: int) -> None:
        world.store.gates.close("mood@1.0.0", "broken")

    with pytest.raises(Conflict, match="broken"):
        await world.certify(progress=meanwhile)
    assert not world.store.gates.get("mood@1.0.0").open


async def test_after_a_breach_only_gold_from_since_counts_and_its_certificate_reopens(
    world: World, clock: Clock
) -> None:
    world.gold(300)
    await world.certify()
    world.store.gates.close("mood@1.0.0", "broken")
    again = await world.certify()
    assert (again.status, again.n) == ("infeasible", 0)
    assert not world.store.gates.get("mood@1.0.0").open
    clock.move(days=-3)  # a clock that was set back hides nothing and brings nothing back
    world.gold(200)
    later = await world.certify()
    assert (later.status, later.n, later.attempt) == ("active", 200, 1)
    assert later.gold_since is not None
    assert world.store.gates.get("mood@1.0.0").open


async def test_a_job_that_is_done_again_makes_one_certificate(world: World) -> None:
    world.gold(200)
    first = await world.certify(id="c-1")
    world.gold(50)
    assert await world.certify(id="c-1") == first
    assert len(world.store.certificates.list()) == 1


async def test_the_sample_for_drift_is_short_and_plain_json(world: World) -> None:
    world.gold(900)
    certificate = await world.certify()
    assert len(certificate.model_dump_json()) < 20_000
    assert json.loads(json.dumps(certificate.sample)) == certificate.sample
    assert Certificate.model_validate_json(certificate.model_dump_json()) == certificate


def _certifying(world: World, n: int) -> list[Document]:
    some = world.documents(n * 5, confidence=0.99, wrong=0.0)
    return [each for each in some if part_of(each.text_sha256) == "certify"][:n]
