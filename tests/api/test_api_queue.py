"""Items taken, kept and given back together; panels, the newest verdict taken back, history."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from small_service import SmallService

from llmlabel.domain.document import Document
from llmlabel.domain.label import Route

Doubted = Callable[..., list[str]]
POSITIVE = {"kind": "choice", "label": "positive"}
NEGATIVE = {"kind": "choice", "label": "negative"}


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


def who(name: str, session: str | None = None) -> dict[str, str]:
    return {"X-Reviewer": name} | ({"X-Session": session} if session else {})


async def post(client: httpx.AsyncClient, path: str, headers: dict[str, str], **body: Any) -> Any:
    answer = await client.post(f"/v1/reviews{path}", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def decide(
    client: httpx.AsyncClient, item: dict[str, Any], name: str, **body: Any
) -> dict[str, Any]:
    token = item["lease"]["token"]
    done: dict[str, Any] = await post(
        client, f"/{item['id']}/verdict", who(name), token=token, **body
    )
    return done


def put_panel(service: SmallService, text: str, reviewers: int = 2) -> str:
    ref = service.guidelines.get("sentiment").ref
    document = Document.of_text(text)
    service.store.documents.add([document], [ref])
    label = service.label_of(document, ref)
    changes = {"route": Route.REVIEW, "reviewers": reviewers}
    service.store.labels.save([label.model_copy(update=changes)])
    return document.id


async def test_items_are_fetched_ahead_and_a_reload_gets_them_back(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("one", "two", "three")
    first = await post(client, "/take", who("ann", "tab"), count=2)
    assert first["waiting"] == {"open": 3, "leased": 2}
    again = await post(client, "/take", who("ann", "tab"), count=2)
    leases = [each["lease"] | {"expires_at": None} for each in first["reviews"]]
    assert [each["lease"] | {"expires_at": None} for each in again["reviews"]] == leases
    other = await post(client, "/take", who("ann", "other tab"), count=5)
    assert len(other["reviews"]) == 1
    assert other["reviews"][0]["queue"] == "review"
    assert (await post(client, "/take", who("bob"), count=5))["reviews"] == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": 21}, "count"),
        ({"kind": "audit"}, "kind"),
        ({"queue": "everything"}, "queue"),
        ({"order": "random"}, "order"),
    ],
)
async def test_a_wish_that_nobody_can_fulfil_is_refused(
    client: httpx.AsyncClient, body: dict[str, Any], field: str
) -> None:
    answer = await client.post("/v1/reviews/take", json=body, headers=who("ann"))
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_leases_are_kept_and_given_back_together(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("one", "two")
    taken = (await post(client, "/take", who("ann"), count=2))["reviews"]
    leases = [{"id": each["id"], "token": each["lease"]["token"]} for each in taken]
    await decide(client, taken[0], "ann", kind="confirm")
    found = (await post(client, "/renew", who("ann"), leases=leases))["leases"]
    assert [each["code"] for each in found] == ["already-reviewed", None]
    assert found[0]["winner"]["reviewer"] == "ann"
    assert found[0]["detail"] and found[1]["expires_at"]
    assert await post(client, "/release", who("ann"), leases=leases) == {"released": 1}
    assert len((await post(client, "/take", who("bob"), count=5))["reviews"]) == 1


async def test_a_certain_item_is_taken_unless_somebody_has_it(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("one")
    (listed,) = (await client.get("/v1/reviews")).json()["reviews"]
    item = await post(client, f"/{listed['id']}/take", who("ann"))
    assert item["lease"]["reviewer"] == "ann"
    refused = await client.post(f"/v1/reviews/{listed['id']}/take", headers=who("bob"))
    assert refused.status_code == 409
    assert (await client.post("/v1/reviews/r-none/take", headers=who("bob"))).status_code == 404


async def test_the_newest_verdict_is_taken_back_until_none_is_left(
    client: httpx.AsyncClient, doubted: Doubted
) -> None:
    doubted("one", "two")
    taken = (await post(client, "/take", who("ann", "tab"), count=2))["reviews"]
    await decide(client, taken[0], "ann", kind="reject", comment="Nothing fits.")
    await decide(client, taken[1], "ann", kind="skip")
    for expected in (taken[1], taken[0]):
        back = await post(client, "/undo", who("ann", "tab"))
        assert back["id"] == expected["id"]
        assert back["lease"]["token"] > expected["lease"]["token"]
    nothing = await client.post("/v1/reviews/undo", headers=who("ann", "tab"))
    assert nothing.status_code == 404
    history = (await client.get(f"/v1/reviews/{taken[0]['id']}/history")).json()["verdicts"]
    assert [(each["kind"], each["comment"], each["undone"]) for each in history] == [
        ("reject", "Nothing fits.", True)
    ]


async def test_a_panel_decides_blind_and_an_adjudicator_sees_all_answers(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    id = put_panel(service, "Well?")
    for name, answer in (("ann", NEGATIVE), ("bob", POSITIVE)):
        (item,) = (await post(client, "/take", who(name), count=9))["reviews"]
        assert (item["blind"], item["proposal"], item["answers"]) == (True, None, None)
        done = await decide(client, item, name, kind="correct", answer=answer)
        assert (done["verdict"]["answer"], done["proposal"]) == (answer, None)
        listed = (await client.get("/v1/reviews", params={"status": "done"})).json()["reviews"]
        if name == "ann":
            assert [each["verdict"] for each in listed] == [None], "the other seat is still open"
            history = (await client.get(f"/v1/reviews/{item['id']}/history")).json()
            assert history["verdicts"][0]["answer"] is None
    wanted = {"queue": "adjudication"}
    assert (await post(client, "/take", who("ann"), **wanted))["reviews"] == []
    (item,) = (await post(client, "/take", who("eve"), **wanted))["reviews"]
    assert (item["queue"], item["kind"], item["blind"]) == ("adjudication", "adjudication", False)
    assert [(each["by"], each["answer"]) for each in item["answers"]] == [
        ("A", NEGATIVE),
        ("B", POSITIVE),
    ]
    assert item["proposal"] is not None
    await decide(client, item, "eve", kind="correct", answer=NEGATIVE)
    document = (await client.get(f"/v1/documents/{id}")).json()
    assert document["labels"][0]["answer"] == NEGATIVE
    assert document["labels"][0]["source"]["verified"] is True


async def test_queues_tell_what_waits_for_whom(
    client: httpx.AsyncClient, service: SmallService, doubted: Doubted
) -> None:
    doubted("one", "two")
    put_panel(service, "Well?")
    (item,) = (await post(client, "/take", who("ann"), kind="doubt"))["reviews"]
    await decide(client, item, "ann", kind="confirm", seconds=4.0)
    queues = (await client.get("/v1/reviews/queues")).json()["queues"]
    shown = {each["kind"]: each for each in queues}
    assert {kind: each["open"] for kind, each in shown.items()} == {"doubt": 1, "blind": 2}
    assert shown["blind"]["seconds_to_clear"] == 8.0
    assert shown["blind"]["title"] == service.guidelines.get("sentiment").title
    await post(client, "/take", who("ann"), kind="blind")
    mine = (await client.get("/v1/reviews/queues", headers=who("ann"))).json()["queues"]
    assert {each["kind"]: each["open"] for each in mine} == {"doubt": 1, "blind": 1}


async def test_scores_of_the_labels_come_with_the_item(
    client: httpx.AsyncClient, service: SmallService
) -> None:
    ref = service.guidelines.get("sentiment").ref
    document = Document.of_text("Well?")
    service.store.documents.add([document], [ref])
    scores = {"positive": 0.6, "negative": 0.3}
    label = service.label_of(document, ref).model_copy(update={"scores": scores})
    service.store.labels.save([label])
    (item,) = (await post(client, "/take", who("ann")))["reviews"]
    assert list(item["scores"].items()) == list(scores.items())
