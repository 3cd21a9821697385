"""Every route of the description, asked with a key of one project about what is another's."""

from __future__ import annotations

import asyncio
import json
import re
from io import BytesIO
from typing import Any

import mood_service as mood
from visitors import Visitor, Visitors

from llmlabel.bootstrap import Application
from llmlabel.domain.access import ROLES

MARK = "zebra"
"""Is in everything of the one project, and in nothing of the other."""

NAMED = {"/v1/guidelines/{ref}", "/v1/reviewers/{name}"}
"""What is no id: guidelines are the service's, and a reviewer's name may be anybody's."""

WAIT = {"Prefer": "wait=60"}
METHODS = {"get", "head", "post", "put", "patch", "delete"}


async def seed(east: Visitor, service: Application) -> dict[str, str]:
    """Something of every kind that has an id; gives the ids by the path they belong to."""
    store = service.of("east").store
    store.gates.close(mood.REF, "all of it is looked at")
    body = {"id": f"{MARK}-1", "text": f"good day 1 {MARK}", "guidelines": ["mood"]}

    async def made(method: str, path: str, **more: Any) -> Any:
        answer = await east(method, path, **more)
        assert answer.is_success, (path, answer.text)
        return answer.json()

    await made("POST", "/v1/documents", json=body, headers=WAIT)
    kept = store.recordings.save(BytesIO(b"RIFF what is heard"), f"{MARK}.wav")
    store.documents.add_recording(f"{MARK}-2", kept, [])
    review = (await made("GET", "/v1/reviews"))["reviews"][0]["id"]
    flag = await made("POST", f"/v1/reviews/{review}/flag", json={"comment": f"a {MARK}?"})
    hook = {"url": f"http://127.0.0.1:9/{MARK}", "events": ["gate.closed"]}
    webhook = await made("POST", "/v1/webhooks", json=hook)
    key = await made("POST", "/v1/keys", json={"name": MARK, "roles": ["reviewer"]})
    clearance = {"guidelines": ["mood"], "note": MARK}
    await made("PUT", f"/v1/reviewers/{MARK}", json=clearance)
    lines = json.dumps({"id": f"{MARK}-3", "text": f"bad day 3 {MARK}"}).encode()
    batch = await made(
        "POST", "/v1/batches", json={"guidelines": ["mood"], "metadata": {"of": MARK}}
    )
    sent = await east("PUT", f"/v1/batches/{batch['batch']['id']}/file", content=lines)
    assert sent.is_success, sent.text
    at = f"/v1/batches/{batch['batch']['id']}"
    while (await made("GET", at))["batch"]["status"] != "done":  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return {
        "/v1/documents/": f"{MARK}-1",
        "/v1/documents/{id}/recording": f"{MARK}-2",
        "/v1/reviews/": review,
        "/v1/flags/": flag["id"],
        "/v1/webhooks/": webhook["webhook"]["id"],
        "/v1/keys/": key["key"]["id"],
        "/v1/reviewers/": MARK,
        "/v1/batches/": batch["batch"]["id"],
        "/v1/jobs/": f"text:{mood.REF}:{MARK}-1",
    }


def filled(path: str, ids: dict[str, str]) -> str:
    """A path with the ids that belong there; the longest beginning that is known tells them."""
    known = max((each for each in ids if path.startswith(each)), key=len, default="")
    return re.sub(r"\{\w+\}", ids.get(known, MARK), path)


def body_of(operation: dict[str, Any], schemas: dict[str, Any]) -> Any:
    """An example of the body of an operation; None where it has none."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    for example in content.get("examples", {}).values():
        return example["value"]
    name = content["schema"].get("$ref", "").rpartition("/")[2]
    return (schemas.get(name, {}).get("examples") or [{}])[0]


def state(service: Application, project: str) -> dict[str, list[str]]:
    """All rows of a project's database, but what goes on by itself."""
    import sqlalchemy as sa

    from llmlabel.store.tables import metadata

    database = service.of(project).store.database
    with database.read() as connection:
        return {
            table.name: sorted(str(tuple(row)) for row in connection.execute(sa.select(table)))
            for table in metadata.sorted_tables
            if table.name in KEPT
        }


KEPT = {"documents", "labels", "reviews", "verdicts", "flags", "webhooks", "recordings", "requests"}


async def test_no_route_shows_or_changes_what_is_of_another_project(
    visitors: Visitors, service: Application
) -> None:
    east, west = visitors("east"), visitors("west")
    ids = await seed(east, service)
    description = (await west("GET", "/openapi.json")).json()
    schemas = description["components"]["schemas"]
    before = state(service, "east")
    assert MARK in str(before)
    asked = 0
    for path, operations in description["paths"].items():
        for method, operation in operations.items():
            if method not in METHODS or path == "/v1/session":
                continue
            body = body_of(operation, schemas)
            more = {} if body is None else {"json": body}
            answer = await west(method.upper(), filled(path, ids), **more)
            asked += 1
            told = answer.text
            echoed = json.dumps(body) if body else ""
            where = (method, path, answer.status_code, told[:500])
            assert answer.status_code not in (401, 500), where
            if "{" in path and path not in NAMED:
                assert answer.status_code >= 400, where
            if path == "/v1/audit-log":  # which names what this test asked for
                assert {each["project"] for each in answer.json()["entries"]} == {"west"}
            elif answer.is_success and MARK not in echoed and path not in NAMED:
                assert MARK not in told, where
    assert asked > 60
    assert state(service, "east") == before
    west_rows = {name: rows for name, rows in state(service, "west").items() if name != "reviewers"}
    assert MARK not in str(west_rows)
    assert (await east("GET", f"/v1/keys/{ids['/v1/keys/']}")).json()["state"] == "active"


async def test_each_role_of_another_project_is_told_no_more_than_its_admin(
    visitors: Visitors, service: Application
) -> None:
    east = visitors("east")
    ids = await seed(east, service)
    client = east.client
    description = (await east("GET", "/openapi.json")).json()
    reads = [path for path, each in description["paths"].items() if "get" in each]
    for role in ROLES:
        _, text = service.access.keys.create(f"west {role}", [role], "west", by="test")
        visitor = Visitor(client, text)
        for path in reads:
            answer = await visitor("GET", filled(path, ids))
            assert answer.status_code not in (401, 500), (role, path)
            if answer.is_success:
                assert MARK not in answer.text, (role, path, answer.text[:300])
