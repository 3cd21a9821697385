from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from llmlabel.domain.promise import Certificate, Promise
from llmlabel.errors import InvalidInput, NotFound
from llmlabel.store import Gate, Store

REF = "sentiment@1.0.0"


def certificate(store: Store, id: str, **changes: Any) -> Certificate:
    fields: dict[str, Any] = {
        "id": id,
        "guideline": REF,
        "guideline_sha256": "0" * 64,
        "pipeline_sha256": "1" * 64,
        "pipeline": {"labelers": ["llm"]},
        "promise": Promise(error=0.05),
        "loss": "exact",
        "n": 300,
        "threshold": 0.9,
        "observed_risk": 0.01,
        "bound": 0.04,
        "coverage": 0.7,
        "floor": 0.1,
        "created_at": store.database.clock(),
    }
    return Certificate(**fields | changes)


def test_a_certificate_takes_the_place_of_the_one_before(store: Store) -> None:
    first, second = certificate(store, "c-1"), certificate(store, "c-2")
    store.certificates.add(first)
    assert store.certificates.active(REF) == first
    store.certificates.add(second)
    assert store.certificates.active(REF) == second
    ended = store.certificates.get("c-1")
    assert (ended.status, ended.reason) == ("superseded", "c-2 took its place.")
    assert ended.ended_at is not None
    assert [each.id for each in store.certificates.list("sentiment")] == ["c-2", "c-1"]
    assert store.certificates.active("sentiment@1.0.1") is None


def test_an_infeasible_one_is_kept_and_changes_nothing(store: Store) -> None:
    store.certificates.add(certificate(store, "c-1"))
    store.gates.close(REF, "Broken.")
    store.certificates.add(certificate(store, "c-2", status="infeasible", threshold=None))
    active = store.certificates.active(REF)
    assert active is not None and active.id == "c-1"
    assert not store.gates.get(REF).open
    assert store.certificates.attempts(REF) == 2


def test_a_certificate_ends_once(store: Store) -> None:
    store.certificates.add(certificate(store, "c-1"))
    assert store.certificates.end("c-1", "void", "Another prompt.")
    assert not store.certificates.end("c-1", "breached", "Too late.")
    ended = store.certificates.get("c-1")
    assert (ended.status, ended.reason) == ("void", "Another prompt.")
    assert store.certificates.active(REF) is None
    with pytest.raises(NotFound):
        store.certificates.get("c-9")


def test_a_gate_is_open_until_it_is_closed_and_a_certificate_opens_it_again(store: Store) -> None:
    assert store.gates.get(REF) == Gate()
    store.certificates.add(certificate(store, "c-1"))
    assert store.gates.close(REF, "4 of 30 were wrong.", certificate="c-1", payload={"low": 0.06})
    assert not store.gates.close(REF, "Once more.")
    closed = store.gates.get(REF)
    assert (closed.open, closed.reason) == (False, "4 of 30 were wrong.")
    assert closed.gold_since == closed.closed_at is not None
    assert store.certificates.get("c-1").status == "breached"
    store.certificates.add(certificate(store, "c-2"))
    opened = store.gates.get(REF)
    assert (opened.open, opened.closed_at) == (True, None)
    assert opened.gold_since == closed.gold_since
    (event,) = store.events.after(kind="gate.closed")
    assert (event.subject, event.payload["low"]) == (REF, 0.06)
    assert store.gates.get("ner@1.0.0") == Gate()


def test_attempts_are_counted_from_the_breach_on_whatever_the_clock_does(store: Store) -> None:
    store.certificates.add(certificate(store, "c-1"))
    store.gates.close(REF, "Broken.", certificate="c-1")
    since = store.gates.get(REF).gold_since
    assert store.certificates.attempts(REF, since) == 0
    real = store.database.clock
    store.database.clock = lambda: real() - timedelta(days=1)
    store.certificates.add(certificate(store, "c-2", status="infeasible"))
    assert store.certificates.attempts(REF, since) == 1
    assert store.certificates.attempts(REF) == 2
    assert store.certificates.attempts("ner@1.0.0") == 0


def test_a_raised_audit_rate_lasts_until_the_next_certificate(store: Store) -> None:
    store.gates.set_audit_rate(REF, 0.2, "Drift.")
    assert store.gates.get(REF).audit_rate == 0.2
    store.gates.set_audit_rate(REF, 0.2, "Drift.")
    assert len(store.events.after(kind="audit.rate")) == 1
    store.certificates.add(certificate(store, "c-1"))
    assert store.gates.get(REF).audit_rate is None
    for rate in (-0.1, 1.1, float("nan")):
        with pytest.raises(InvalidInput):
            store.gates.set_audit_rate(REF, rate)
