"""The HTTP interface fuzzed from its own description: no 500, no answer that it does not document.

Run: python -m eval.fuzz [--examples 100] [--seconds 1800] [--seed 1] [--postgres]

The service is `llmlabel serve` as a process of its own with a fake provider, and schemathesis is
what fuzzes it: valid and invalid requests by the schemas, boundary values, other methods, and
sequences that use the ids of earlier answers. The exit code is 1 when anything was found.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from eval.full_queue import database, serving, write_guideline
from llmlabel.api.route import KEY_HEADER
from llmlabel.domain.access import ROLES
from llmlabel.testing import FakeProvider
from llmlabel.testing.provider import ProviderRequest

ADA = {"X-Reviewer": "ada"}
PROMISE = {"kind": "accepted", "error": 0.1, "probability": 0.9}
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "ignored_auth",
)
CONFIG = """\
[checks]
not_a_server_error.expected-statuses = ["2xx", "3xx", "4xx", "503"]
"""
"""503 is a documented answer: weights that are missing, a database that is away."""


class Fuzzed(NamedTuple):
    """What a run found: each kind of fault with its operations, and how many requests it took."""

    faults: list[str]
    requests: int
    log: str


HELD_UP = "Unexpected response to invalid authentication"
"""It is 429: so many wrong keys come from one address that it has to wait before the next."""


class Fuzzable(NamedTuple):
    """A service to fuzz: where it is, and the header that lets in as everything at once."""

    address: str
    header: str


@contextmanager
def fuzzed_service(folder: Path, postgres: bool = False, **settings: object) -> Iterator[Fuzzable]:
    """The service with a provider that answers by the first of the labels, and some work done.

    It has a key, so that whatever asks without one must be refused.
    """

    def answer(request: ProviderRequest) -> str | dict[str, float]:
        if request.schema is not None:
            return '{"entities": []}'
        system = str(request.body["messages"][0]["content"])
        listed = re.findall(r"^- ([^:\n]+)", system, re.MULTILINE)
        named = re.search(r"^Labels: (.+)$", system, re.MULTILINE)
        names = listed or (named.group(1).split(", ") if named else ["good"])
        return {name: 0.7 if place == 0 else 0.1 for place, name in enumerate(names[:4])}

    guidelines = write_guideline(folder)
    with (
        FakeProvider(answer) as provider,
        database(folder, None, postgres) as url,
        serving(
            folder,
            url,
            guidelines,
            llm="hosted_vllm/any",
            llm_api_key="none",
            llm_api_base=provider.url,
            **{"key_requests_per_minute": 0, "key_documents_per_minute": 0, **settings},
        ) as served,
    ):
        secret = _key(folder / "home", url)
        _seed(served.address, secret)
        yield Fuzzable(served.address, f"Authorization: Bearer {secret}")


def fuzz(
    service: Fuzzable,
    folder: Path,
    *,
    examples: int,
    phases: str,
    keys: bool = False,
    seed: int = 1,
    seconds: int | None = None,
) -> Fuzzed:
    """Run schemathesis.

    Args:
        service: What to fuzz.
        folder: For its files.
        examples: At most so many per operation, in the phases that draw.
        phases: Which of examples, coverage, fuzzing and stateful, separated by commas.
        keys: Send an Idempotency-Key as well. It is often the same, so that many requests are
            answered as repeated or refused as conflicts, and never reach their route.
        seed: Of what is drawn.
        seconds: Stop after so many.
    """
    config, report = folder / "schemathesis.toml", folder / "report.json"
    description = folder / "openapi.json"
    config.write_text(CONFIG, "utf-8")
    with httpx.Client(base_url=service.address, timeout=120, headers=_header(service)) as client:
        described = client.get("/openapi.json").raise_for_status().json()
    description.write_text(json.dumps(described if keys else _without_keys(described)), "utf-8")
    report.unlink(missing_ok=True)
    done = subprocess.run(  # noqa: S603 - of our own words
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("--config-file", str(config), "--no-color"),
            *("run", str(description), "--url", service.address, "--phases", phases),
            *("--max-examples", str(examples), "--seed", str(seed), "--no-shrink"),
            *("--continue-on-failure", "--checks", ",".join(CHECKS), "--warnings", "off"),
            *("--generation-database", "none", "--request-timeout", "60"),
            *("--report", "json", "--report-json-path", str(report)),
            *(("--max-time", str(seconds)) if seconds else ()),
            *("--header", service.header),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    if not report.is_file():
        raise SystemExit(f"schemathesis did not run:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    (folder / "schemathesis.log").write_text(done.stdout, "utf-8")
    told = json.loads(report.read_text("utf-8"))
    faults = [
        f"{each['title']}: {operation}"
        for each in told["failures"]
        if each["title"] != HELD_UP
        for operation in each["operations"]
    ]
    faults += [f"error of schemathesis: {each}" for each in told["errors"]]
    return Fuzzed(faults, told["test_cases"]["generated"], done.stdout)


def unexpected(folder: Path) -> list[str]:
    """What the service logged of errors that nobody foresaw."""
    log = (folder / "serve.log").read_text("utf-8", "replace")
    return re.findall(r"^.*(?:unexpected error|Exception in ASGI|Traceback).*$", log, re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Fuzz; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=100, help="per operation and phase")
    parser.add_argument("--seconds", type=int, help="stop each of the two runs after so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="start the tests' PostgreSQL")
    given = parser.parse_args(arguments)
    found = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with fuzzed_service(folder, given.postgres) as served:
            for keys in (False, True):
                run = fuzz(
                    served,
                    folder,
                    examples=given.examples,
                    phases="examples,coverage,fuzzing,stateful",
                    keys=keys,
                    seed=given.seed,
                    seconds=given.seconds,
                )
                sent = "with" if keys else "without"
                print(f"{run.requests:,} requests {sent} an Idempotency-Key", end=": ")
                print(f"{len(run.faults)} faults")
                if run.faults:
                    print(run.log)
                found += len(run.faults)
        logged = unexpected(folder)
        for line in logged:
            print(f"logged: {line}")
    return 1 if found or logged else 0


def _without_keys(described: dict[str, Any]) -> dict[str, Any]:
    for operations in described["paths"].values():
        for operation in operations.values():
            operation["parameters"] = [
                each for each in operation.get("parameters", ()) if each.get("name") != KEY_HEADER
            ]
    return described


def _header(service: Fuzzable) -> dict[str, str]:
    name, _, value = service.header.partition(": ")
    return {name: value}


def _key(home: Path, url: str) -> str:
    """A key of every role."""
    environment = {**os.environ, "LLMLABEL_HOME": str(home), "LLMLABEL_DATABASE_URL": url}
    command = [sys.executable, "-c", "from llmlabel.cli.main import run; run()", "keys", "create"]
    roles = [part for role in ROLES for part in ("--role", role)]
    made = subprocess.run(  # noqa: S603 - of our own words
        [*command, "--name", "ada", *roles, "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return str(json.loads(made.stdout)["secret"])


def _seed(address: str, secret: str) -> None:
    """Something of each kind for the ids of later requests to name."""
    texts = [{"id": f"d-{n}", "text": f"Text number {n}."} for n in range(8)]
    owner = {"Authorization": f"Bearer {secret}"}
    with httpx.Client(base_url=address, timeout=120, headers=owner) as client:
        for path, body in (
            ("/v1/documents", {"documents": texts, "guidelines": ["mood"]}),
            ("/v1/webhooks", {"url": "https://hooks.example/labels"}),
            ("/v1/certificates", {"guideline": "mood", "promise": PROMISE}),
        ):
            client.post(path, json=body, headers={"Prefer": "wait=20"}).raise_for_status()
        client.put("/v1/reviewers/ada", json={"guidelines": ["mood"]}).raise_for_status()
        taken = client.post("/v1/reviews/take", json={"count": 3}, headers=ADA)
        for review in taken.raise_for_status().json()["reviews"][:1]:
            flag = {"comment": "Which of them is it?"}
            client.post(f"/v1/reviews/{review['id']}/flag", json=flag, headers=ADA)


if __name__ == "__main__":
    raise SystemExit(main())
