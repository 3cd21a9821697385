"""What else happens while a certification runs; on either database."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest
from live_parts import ACCEPTED, DELIVERED, World

from llmlabel.confidence.bounds import binomial_upper
from llmlabel.confidence.risk_control import default_delta, spend
from llmlabel.domain.document import Document
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.errors import Conflict
from llmlabel.learning.certification import Certification
from llmlabel.learning.speak import Spoken
from llmlabel.learning.watch import Watch
from llmlabel.store import Store

REF = "mood@1.0.0"


@pytest.fixture
def world(store: Store) -> World:
    return World(store)


async def certify(
    world: World, promise: Promise, meanwhile: Callable[[], Awaitable[object]]
) -> Certificate:
    """Certify, while something else happens as the first gold is answered."""
    speak, left = world.speak, [meanwhile]

    async def slow(documents: Sequence[Document]) -> list[Spoken]:
        if left:
            await left.pop()()
        return await speak(documents)

    world.speak = slow  # type: ignore[method-assign]
    return await world.certify(promise)


async def test_of_two_certifications_at_once_both_get_the_result_of_the_first(
    world: World,
) -> None:
    world.gold(200)
    first: list[Certificate] = []

    async def another() -> None:
        first.append(await world.certify())

    assert await certify(world, DELIVERED, another) == first[0]
    assert [each.attempt for each in world.store.certificates.list()] == [1]


async def test_of_two_promises_certified_at_once_the_second_must_be_surer(world: World) -> None:
    world.gold(400, wrong=0.0)
    second = await certify(world, ACCEPTED, world.certify)
    assert [each.attempt for each in world.store.certificates.list()] == [2, 1]
    delta = spend(default_delta(ACCEPTED), 2)
    assert second.bound == pytest.approx(binomial_upper(0, round(400 * second.coverage), delta))
    assert world.store.certificates.active(REF) == second


async def test_a_breach_in_the_last_moment_is_not_undone_by_the_certificate(world: World) -> None:
    world.gold(300)
    before = await world.certify()
    keep = world.store.certificates.add

    def breached_first(certificate: Certificate, **given: object) -> None:
        world.store.gates.close(REF, "broken", certificate=before.id)
        keep(certificate, **given)  # type: ignore[arg-type]

    world.store.certificates.add = breached_first  # type: ignore[method-assign]
    with pytest.raises(Conflict, match="broken"):
        await world.certify(ACCEPTED)
    assert not world.store.gates.get(REF).open
    assert world.store.certificates.active(REF) is None
    assert [each.status for each in world.store.certificates.list()] == ["breached"]


async def test_a_breach_of_a_certificate_that_another_replaced_closes_nothing(
    world: World,
) -> None:
    world.gold(300, wrong=0.0)
    before = await world.certify()
    after = await world.certify(ACCEPTED)
    assert not world.store.gates.close(REF, "broken", certificate=before.id)
    assert world.store.gates.get(REF).open
    assert world.store.certificates.active(REF) == after
    assert world.store.certificates.get(before.id).status == "superseded"


async def test_a_promise_taken_back_meanwhile_stays_taken_back(world: World) -> None:
    world.gold(300)
    await world.certify()

    async def take_back() -> None:
        assert operator(world).withdraw(REF) == DELIVERED

    with pytest.raises(Conflict, match="taken back"):
        await certify(world, ACCEPTED, take_back)
    assert world.store.certificates.stated(REF) is None
    assert world.store.certificates.active(REF) is None


async def test_a_promise_is_taken_back_also_where_another_failed_after_it(world: World) -> None:
    world.gold(300)
    await world.certify()
    hopeless = Promise(error=0.001, probability=0.99)
    assert (await world.certify(hopeless)).status == "infeasible"
    assert operator(world).withdraw(REF) == hopeless
    assert world.store.certificates.stated(REF) is None
    assert world.store.certificates.active(REF) is None
    assert operator(world).withdraw(REF) is None


async def test_a_gate_closed_over_a_promise_opens_when_it_is_taken_back(world: World) -> None:
    world.gold(300, confidence=0.95, wrong=0.0)
    certificate = await world.certify()
    world.deliver(150, certificate, confidence=0.95, wrong=0.6)
    world.review()
    watch = Watch(world.store, lambda ref: world.guideline)
    watch.check(REF)
    assert not world.store.gates.get(REF).open
    since = world.store.gates.get(REF).gold_since
    operator(world).withdraw(REF)
    gate = world.store.gates.get(REF)
    assert gate.open
    assert gate.gold_since == since, "what was found broken does not certify later on either"
    watch.upkeep()
    assert world.store.gates.get(REF).open


@pytest.mark.parametrize("stated", [False, True])
async def test_what_the_guideline_or_the_setting_promises_is_not_taken_back_here(
    world: World, stated: bool
) -> None:
    world.gold(300)
    if stated:
        await world.certify()
    before = world.store.certificates.list()
    with pytest.raises(Conflict, match="LLMLABEL_PROMISE"):
        operator(world, elsewhere=DELIVERED).withdraw(REF)
    assert world.store.certificates.list() == before


def operator(world: World, elsewhere: Promise | None = None) -> Certification:
    """What the commands use; it only takes promises back here."""
    unused: dict[str, object] = dict.fromkeys(("pipeline", "routing_for", "identity"))
    return Certification(
        lambda: world.store,
        guideline=lambda ref: world.guideline,
        promise_for=lambda guideline: world.store.certificates.stated(guideline.ref) or elsewhere,
        promised_elsewhere=lambda guideline: elsewhere,
        **unused,  # type: ignore[arg-type]
    )
