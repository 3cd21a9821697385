"""What is logged names requests, documents and jobs, and never says what they hold."""

from __future__ import annotations

import json
import logging.config
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from small_service import SmallService

from llmlabel.cli.logs import log_to_stderr, server_logs
from llmlabel.domain.document import Document
from llmlabel.domain.label import Label
from llmlabel.errors import ReplyUnreadable

SECRET = "Zanzibar-7"


class Leaky(SmallService):
    """Its errors hold the text, as those of libraries and models do."""

    async def label(self, documents: Sequence[Document], ref: str) -> Sequence[Label]:
        text = documents[0].text
        if "unreadable" in text:
            raise ReplyUnreadable(f"The model wrote {text!r}.")
        if "bug" in text:
            raise ValueError(f"cannot handle {text!r}")
        return await super().label(documents, ref)


@pytest.fixture
def service(tmp_path: Path) -> SmallService:
    return Leaky(tmp_path)


@pytest.fixture(params=["json", "text"])
def form(request: pytest.FixtureRequest) -> Iterator[str]:
    before = structlog.get_config()
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield request.param
    structlog.configure(**before)
    root.handlers[:], root.level = handlers, level


async def test_no_line_holds_a_text_and_each_has_its_ids(
    client: httpx.AsyncClient,
    service: SmallService,
    form: Any,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log_to_stderr("debug", form)
    logging.config.dictConfig(server_logs("debug", form))
    ids = {}
    for kind in ("fine", "doubted?", "unreadable", "bug"):
        sent = await client.post(
            "/v1/documents",
            json={
                "id": kind.strip("?"),
                "text": f"{SECRET} is {kind}",
                "guidelines": ["sentiment"],
            },
            headers={"Prefer": "wait=60", "X-Request-ID": f"request-{kind.strip('?')}"},
        )
        assert sent.status_code == 200, sent.text
        ids[kind.strip("?")] = sent.headers["X-Request-ID"]
    await client.post("/v1/documents", content=f'{{"text": "{SECRET}'.encode())
    await client.post("/v1/documents", json={"text": SECRET, "guidelines": [SECRET]})
    item = (await client.get("/v1/reviews/next", headers={"X-Reviewer": "Ada"})).json()
    await client.post(
        f"/v1/reviews/{item['id']}/verdict",
        json={"kind": "skip", "comment": SECRET, "token": item["lease"]["token"]},
        headers={"X-Reviewer": "Ada"},
    )

    def breaks(*_: object, **__: object) -> None:
        raise ValueError(SECRET)

    monkeypatch.setattr(service.store.documents, "get", breaks)
    assert (await client.get("/v1/documents/fine")).status_code == 500
    logging.getLogger("uvicorn.error").error("heard", exc_info=ValueError(SECRET))
    logging.getLogger("dbos").warning("said by the queue")
    written = capsys.readouterr().err
    assert SECRET not in written
    assert "ValueError" in written
    assert "heard" in written
    assert "said by the queue" in written
    if form == "text":
        return
    lines = [json.loads(line) for line in written.splitlines()]
    for name, request in ids.items():
        [labeled] = [
            each
            for each in lines
            if each["event"] in ("labeled", "labeling failed") and each["document_ids"] == [name]
        ]
        # The job ran on another thread, through the database.
        assert labeled["request_id"] == request
        assert labeled["job_id"].startswith("label-")
        assert labeled["guideline"] == "sentiment@1.0.0"
    answered = [each for each in lines if each["event"] == "POST /v1/documents"]
    assert [each["status"] for each in answered] == [200, 200, 200, 200, 415, 404]
    assert all(each["route"] == "/v1/documents" and each["request_id"] for each in answered)
    broken = [each for each in lines if each["event"] == "unexpected error"]
    assert "in breaks" in broken[0]["exception"]
