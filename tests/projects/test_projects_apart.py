"""Two projects of one service, labeled by one runner, see nothing of each other."""

from __future__ import annotations

import asyncio
from io import BytesIO
from pathlib import Path
from typing import Any

import mood_service as mood
import pytest
from visitors import Visitor, Visitors

from llmlabel.bootstrap import Application
from llmlabel.domain.document import Document
from llmlabel.errors import NotFound
from llmlabel.testing import FakeProvider

WAIT = {"Prefer": "wait=60"}
OURS, THEIRS = "good day 1", "bad day 2"


async def _label(visitor: Visitor, text: str, id: str = "same") -> dict[str, Any]:
    body = {"id": id, "text": text, "guidelines": ["mood"]}
    answer = await visitor("POST", "/v1/documents", json=body, headers=WAIT)
    assert answer.status_code in (200, 201), answer.text
    return dict(answer.json())


async def test_the_same_id_is_labeled_in_both_and_seen_in_each(visitors: Visitors) -> None:
    east, west = visitors("east"), visitors("west")
    for visitor, text in ((east, OURS), (west, THEIRS)):
        await _label(visitor, text)
    await _label(east, "good day 5", "only-east")
    for visitor, text in ((east, OURS), (west, THEIRS)):
        document = (await visitor("GET", "/v1/documents/same")).json()
        assert document["text"] == text
        labels = (await visitor("GET", "/v1/documents/same/labels")).json()["labels"]
        assert {each["answer"]["label"] for each in labels} == {mood.right(text)}
    for path in ("/v1/documents/only-east", "/v1/documents/only-east/labels"):
        assert (await west("GET", path)).status_code == 404
        assert (await visitors("default")("GET", path)).status_code == 404
    listed = (await west("GET", "/v1/documents")).json()["documents"]
    assert [each["id"] for each in listed] == ["same"]


async def test_reviews_verdicts_and_flags_are_of_one_project(
    visitors: Visitors, service: Application
) -> None:
    east, west = visitors("east"), visitors("west")
    for name in ("east", "west"):
        service.of(name).store.gates.close(mood.REF, "all of it is looked at")
    for visitor, text in ((east, OURS), (west, THEIRS)):
        await _label(visitor, text)
    await _label(east, "good day 7", "only-east")
    waiting = {
        name: {each["document_id"]: each["id"] for each in listed.json()["reviews"]}
        for name, listed in (
            ("east", await east("GET", "/v1/reviews")),
            ("west", await west("GET", "/v1/reviews")),
        )
    }
    assert waiting["east"].keys() == {"same", "only-east"}
    assert waiting["west"].keys() == {"same"}
    id = waiting["east"]["only-east"]
    for path in (f"/v1/reviews/{id}", f"/v1/reviews/{id}/history"):
        assert (await west("GET", path)).status_code == 404
    assert (await west("POST", f"/v1/reviews/{id}/take")).status_code == 404
    flag = {"comment": "unclear"}
    assert (await west("POST", f"/v1/reviews/{id}/flag", json=flag)).status_code == 404
    taken = (await east("POST", f"/v1/reviews/{id}/take")).json()
    answer = {"kind": "choice", "label": "good"}
    verdict = {"token": taken["lease"]["token"], "kind": "correct", "answer": answer}
    done = await east("POST", f"/v1/reviews/{id}/verdict", json=verdict)
    assert done.status_code == 200, done.text
    assert len(service.of("east").store.verified(mood.REF)) == 1
    assert service.of("west").store.verified(mood.REF) == []
    assert service.of("west").store.counts().reviews_open == 1


async def test_a_key_of_a_repeated_request_is_of_one_project(visitors: Visitors) -> None:
    once = {"Idempotency-Key": "k", **WAIT}
    for project, text in (("east", OURS), ("west", THEIRS)):
        body = {"id": "same", "text": text, "guidelines": ["mood"]}
        visitor = visitors(project)
        first = await visitor("POST", "/v1/documents", json=body, headers=once)
        again = await visitor("POST", "/v1/documents", json=body, headers=once)
        assert "Idempotency-Replayed" not in first.headers
        assert again.headers["Idempotency-Replayed"] == "true"
        assert again.json() == first.json()


async def test_webhooks_gold_and_certificates_are_of_one_project(
    visitors: Visitors, service: Application
) -> None:
    east, west = visitors("east"), visitors("west")
    body = {"url": "http://127.0.0.1:9/hook", "events": ["document.labeled"]}
    made = await east("POST", "/v1/webhooks", json=body)
    assert made.status_code == 201, made.text
    id = made.json()["webhook"]["id"] if "webhook" in made.json() else made.json()["id"]
    assert (await west("GET", "/v1/webhooks")).json()["webhooks"] == []
    assert (await west("GET", f"/v1/webhooks/{id}")).status_code == 404
    assert (await west("DELETE", f"/v1/webhooks/{id}")).status_code == 404
    await _label(west, THEIRS)
    assert service.of("east").store.deliveries.counts().waiting == 0
    mood.give_gold(service.of("east").store, mood.texts(8, 10))
    assert service.of("west").store.gold.counts() == []
    asked = await east("POST", "/v1/certificates", json={"guideline": mood.REF, "id": "c-1"})
    if asked.status_code == 202:
        assert (await west("GET", "/v1/certificates/c-1")).status_code == 404


async def test_costs_kept_replies_and_metrics_are_of_one_project(
    visitors: Visitors, service: Application, provider: FakeProvider
) -> None:
    east, west = visitors("east"), visitors("west")
    await _label(east, OURS)
    asked = len(provider.requests)
    await _label(west, OURS)
    assert len(provider.requests) == 2 * asked  # what one was told is not kept for the other
    await _label(west, THEIRS, "more")
    costs = {
        name: (await visitors(name)("GET", "/v1/metrics/costs")).json() for name in ("east", "west")
    }
    assert costs["east"]["total"]["labels"] == 1
    assert costs["west"]["total"]["labels"] == 2
    spent = {name: each["spent"][0]["spent_usd"] for name, each in costs.items()}
    assert 0 < spent["east"] < spent["west"]
    whole = (await visitors("default")("GET", "/v1/metrics/costs")).json()
    assert whole["total"]["labels"] == 0
    assert whole["spent"][0]["spent_usd"] == pytest.approx(sum(spent.values()))
    shown = ""
    while 'llmlabel_labels_total{guideline="mood@1.0.0",project="east"' not in _sorted(shown):
        shown = (await east("GET", "/metrics")).text
        await asyncio.sleep(0.1)
    assert 'project="west"' not in shown
    assert "llmlabel_http_requests_total" not in shown
    every = (await visitors("default")("GET", "/metrics")).text
    for name in ("default", "east", "west"):
        assert f'project="{name}"' in every


def _sorted(text: str) -> str:
    """Whatever order the labels of a number are told in."""
    lines = []
    for line in text.splitlines():
        name, brace, rest = line.partition("{")
        inside, _, value = rest.partition("}")
        labels = ",".join(sorted(inside.split(",")))
        lines.append(f"{name}{{{labels}}}{value}" if brace else line)
    return "\n".join(lines)


async def test_recordings_lie_apart(visitors: Visitors, service: Application) -> None:
    visitors("east")
    sound = BytesIO(b"RIFF what is heard")
    kept = service.of("east").store.recordings.save(sound, "call.wav")
    path = service.of("east").store.recordings.path(kept.sha256)
    assert path.is_relative_to(service.settings.folder_of("east"))
    for other in ("west", "default"):
        with pytest.raises(NotFound):
            service.of(other).store.recordings.path(kept.sha256)


async def test_a_project_has_guidelines_of_its_own(
    visitors: Visitors, service: Application, tmp_path: Path
) -> None:
    text = (mood.write_guideline(tmp_path / "made") / "mood" / "1.0.0.md").read_text("utf-8")
    own = service.settings.own_guidelines("east")[0]
    file = own / "secret" / "1.0.0.md"
    file.parent.mkdir(parents=True)
    file.write_text(text.replace("mood", "secret"), "utf-8")
    assert (await visitors("east")("GET", "/v1/guidelines/secret")).status_code == 200
    for other in ("west", "default"):
        assert (await visitors(other)("GET", "/v1/guidelines/secret")).status_code == 404
        listed = (await visitors(other)("GET", "/v1/guidelines")).text
        assert "secret" not in listed


async def test_a_project_made_while_the_service_runs_is_served_at_once(
    visitors: Visitors, service: Application
) -> None:
    visitors("east")
    service.projects.create("north")
    await _label(visitors("north"), OURS)
    assert service.of("north").store.counts().documents == 1


async def test_a_deleted_project_is_gone_while_the_service_runs(
    visitors: Visitors, service: Application
) -> None:
    west = visitors("west")
    await _label(west, THEIRS)
    await _label(visitors("east"), OURS)
    folder = service.settings.folder_of("west")
    assert folder.is_dir()
    await asyncio.to_thread(service.projects.delete, "west")
    assert (await west("GET", "/v1/documents/same")).status_code == 401
    assert not folder.exists()
    with pytest.raises(NotFound):
        service.of("west")
    assert (await _label(visitors("east"), "good day 9", "next"))["id"] == "next"
    assert service.store.spending.spent("project:west")["total"] == 0


async def test_jobs_of_two_projects_are_two_jobs(visitors: Visitors, service: Application) -> None:
    visitors("east")
    for name in ("default", "east", "west"):
        jobs = service.of(name).jobs
        jobs.submit([Document.of_text(text, id=text) for text in (OURS, THEIRS)], [mood.REF])
    for name in ("default", "east", "west"):
        done = await asyncio.to_thread(service.of(name).jobs.wait, [OURS, THEIRS], 60.0)
        assert done
        assert service.of(name).store.counts().requests["done"] == 2
