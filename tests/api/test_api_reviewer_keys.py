"""What a reviewer's key shows: the items that they took, and of blind ones nothing that spoils."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from keyed import key_of
from small_service import SmallService, tone

from llmlabel.domain.document import Document
from llmlabel.domain.label import Route


@pytest.fixture
def app(resting: FastAPI) -> FastAPI:
    return resting


@pytest.fixture
def ann(service: SmallService) -> dict[str, str]:
    return key_of(service, "ann", "reviewer")


@pytest.fixture
def eve(service: SmallService) -> dict[str, str]:
    return key_of(service, "eve", "evaluator")


async def take(client: httpx.AsyncClient, headers: dict[str, str]) -> dict[str, Any]:
    answer = await client.get("/v1/reviews/next", headers=headers)
    assert answer.status_code == 200, answer.text
    item: dict[str, Any] = answer.json()
    return item


async def test_a_reviewer_decides_under_the_name_of_the_key(
    client: httpx.AsyncClient, service: SmallService, doubted: Callable[..., list[str]], ann: Any
) -> None:
    doubted("one")
    for said in ({"X-Reviewer": "bob"}, {"X-Reviewer": " Ann"}):
        refused = await client.get("/v1/reviews/next", headers={**ann, **said})
        assert refused.status_code == 403
        assert refused.json()["errors"][0]["field"] == "X-Reviewer"
    assert (await client.get("/v1/reviews/next?reviewer=bob", headers=ann)).status_code == 403
    item = await take(client, {**ann, "X-Reviewer": "ann"})
    verdict = {"token": item["lease"]["token"], "kind": "confirm"}
    path = f"/v1/reviews/{item['id']}/verdict"
    bob = key_of(service, "bob", "reviewer")
    stolen = await client.post(path, json=verdict, headers=bob)
    assert stolen.status_code == 409
    decided = await client.post(path, json=verdict, headers=ann)
    assert decided.json()["verdict"]["reviewer"] == "ann"


async def test_a_reviewer_reads_the_items_that_they_took_and_no_others(
    client: httpx.AsyncClient,
    service: SmallService,
    doubted: Callable[..., list[str]],
    ann: Any,
    eve: Any,
) -> None:
    doubted("one", "two")
    mine = await take(client, ann)
    theirs = await take(client, key_of(service, "bob", "reviewer"))
    for part in ("", "/history"):
        assert (await client.get(f"/v1/reviews/{mine['id']}{part}", headers=ann)).is_success
        other = await client.get(f"/v1/reviews/{theirs['id']}{part}", headers=ann)
        assert other.status_code == 403
        assert "take" in other.json()["detail"]
        assert (await client.get(f"/v1/reviews/{theirs['id']}{part}", headers=eve)).is_success
    for path in ("/v1/documents", f"/v1/documents/{mine['document']['id']}", "/v1/reviews"):
        assert (await client.get(path, headers=ann)).status_code == 403


async def test_a_blind_item_stays_blind_to_its_reviewer_when_it_is_decided(
    client: httpx.AsyncClient, service: SmallService, ann: Any, eve: Any
) -> None:
    ref = service.guidelines.get("sentiment").ref
    document = Document.of_text("A lamp.")
    service.store.documents.add([document], [ref])
    drawn = {"audit_rate": 0.05, "drawn": True, "route": Route.ACCEPTED}
    service.store.labels.save([service.label_of(document, ref).model_copy(update=drawn)])
    item = await take(client, ann)
    path = f"/v1/reviews/{item['id']}"
    assert item["blind"]
    body = {
        "token": item["lease"]["token"],
        "kind": "correct",
        "answer": {"kind": "choice", "label": "negative"},
    }
    decided = await client.post(f"{path}/verdict", json=body, headers=ann)
    assert decided.status_code == 200, decided.text
    seen = (await client.get(path, headers=ann)).json()
    assert seen["status"] == "done"
    for what in ("proposal", "scores", "opinions", "reason", "kind"):
        assert seen[what] is None, what
    assert seen["verdict"]["reviewer"] == "ann"
    history = (await client.get(f"{path}/history", headers=ann)).json()["verdicts"]
    assert [each["answer"] for each in history] == [None]
    told = (await client.get(path, headers=eve)).json()
    assert told["proposal"] is not None
    [one] = (await client.get(f"{path}/history", headers=eve)).json()["verdicts"]
    assert one["answer"] is not None


async def test_a_reviewer_hears_the_recordings_of_the_items_that_they_took(
    client: httpx.AsyncClient, service: SmallService, ann: Any, eve: Any
) -> None:
    ids = [await spoken(service, id, seconds) for id, seconds in (("a", 0.5), ("b", 0.6))]
    paths = [f"/v1/documents/{id}/recording" for id in ids]
    for path in (*paths, "/v1/documents/none/recording"):
        assert (await client.get(path, headers=ann)).status_code == 403
        assert (await client.get(f"{path}/peaks", headers=ann)).status_code == 403
    assert (await client.get(paths[0], headers=eve)).status_code == 200
    item = await take(client, ann)
    taken = ids.index(item["document"]["id"])
    assert (await client.get(paths[taken], headers=ann)).status_code == 200
    assert (await client.get(f"{paths[taken]}/peaks", headers=ann)).status_code == 200
    assert (await client.get(paths[1 - taken], headers=ann)).status_code == 403


async def spoken(service: SmallService, id: str, seconds: float) -> str:
    """A recording whose transcript waits for review."""
    store = service.store
    ref = service.guidelines.get("transcription").ref
    sound = store.recordings.save(BytesIO(tone(seconds)), "a.wav", media_type=None)
    store.documents.add_recording(id, sound, [ref])
    heard = await service.transcribe(Path("a.wav"), "en")
    store.work.save_transcript(id, 1, "hello there?", heard.transcript)
    document = store.documents.get(id).document
    assert document is not None
    store.labels.save([service.label_of(document, ref)])
    return id


async def test_an_evaluator_answers_flags_under_the_name_of_the_key(
    client: httpx.AsyncClient,
    service: SmallService,
    doubted: Callable[..., list[str]],
    ann: Any,
    eve: Any,
) -> None:
    doubted("one")
    item = await take(client, ann)
    flag = await client.post(
        f"/v1/reviews/{item['id']}/flag", json={"comment": "Which?"}, headers=ann
    )
    assert flag.json()["reviewer"] == "ann"
    path = f"/v1/flags/{flag.json()['id']}/resolve"
    answer = await client.post(path, json={"resolution": "That one."}, headers=eve)
    assert answer.json()["resolved_by"] == "eve"
