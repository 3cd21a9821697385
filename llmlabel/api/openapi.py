"""The description of the interface at /openapi.json: words, examples, and the shape of errors."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from llmlabel.api.access_examples import ACCESS
from llmlabel.api.batch_examples import BATCHES
from llmlabel.api.described_access import describe_access
from llmlabel.api.examples import BODIES, EXAMPLES
from llmlabel.api.job_examples import JOB_BODIES, JOBS
from llmlabel.api.metrics_examples import METRICS
from llmlabel.api.people_examples import PEOPLE
from llmlabel.api.problems import Problem, documented
from llmlabel.api.review_examples import REVIEW_BODIES, REVIEWS
from llmlabel.api.route import KEY_HEADER
from llmlabel.api.webhook_examples import WEBHOOKS

DESCRIPTION = """\
Labels for text and audio, each with a confidence that says how it was got and a route: accepted,
or to a reviewer first.

Offsets count Unicode code points of the text exactly as it was sent. Every error is a
[problem](https://www.rfc-editor.org/rfc/rfc9457) whose `type` is stable and whose `detail` says
what to do. A POST with an `Idempotency-Key` is carried out once: sent again, it gets the first
answer. Lists are read with `cursor`. Every answer carries an `X-Request-ID`, yours if you sent one.

While the service has no keys it answers whoever is on its machine. From the first key on every
request bears one as `Authorization: Bearer llml_…`, or the cookie of a browser session; each
operation says which roles may use it. A key sees its own project and no other.
"""

TAGS: list[dict[str, Any]] = [
    {"name": "documents", "description": "Submit texts and recordings, get their labels."},
    {"name": "jobs", "description": "What waits and what failed: see why, retry, call off."},
    {"name": "batches", "description": "Files of many lines, labeled as they come."},
    {"name": "reviews", "description": "Decide what the machine doubts."},
    {"name": "reviewers", "description": "Who reviews, what they remark, what they look at again."},
    {"name": "quality", "description": "What is promised, proved and watched."},
    {"name": "guidelines", "description": "What the labels mean."},
    {"name": "webhooks", "description": "Endpoints that are told what happens."},
    {"name": "access", "description": "Keys, signing in, and who did what."},
    {"name": "health", "description": "For those who run the service."},
]

_KEY_PARAMETER = {
    "name": KEY_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Any string of yours; the same one with the same request is carried out once, "
    "with another request it is refused.",
}


def describe(app: FastAPI) -> None:
    """Have an application describe itself with examples and problems."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _described(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _described(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        tags=app.openapi_tags,
        routes=app.routes,
    )
    schemas = schema["components"]["schemas"]
    for name, problem_schema in _schemas_of_problem().items():
        schemas.setdefault(name, problem_schema)
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    known = {**ACCESS, **BATCHES, **EXAMPLES, **JOBS, **METRICS, **PEOPLE, **REVIEWS, **WEBHOOKS}
    bodies = {**BODIES, **JOB_BODIES, **REVIEW_BODIES}
    for name, one in schemas.items():
        if name in known and "examples" not in one:
            one["examples"] = [known[name]]
    for operations in schema["paths"].values():
        for method, operation in operations.items():
            for response in operation["responses"].values():
                if "problem+json" in str(response.get("content", "")):
                    response["content"].pop("application/json", None)
            if method == "post" and "access" not in operation["tags"]:
                operation.setdefault("parameters", []).append(_KEY_PARAMETER)
                # What a key may be answered with, whatever the route: reused for another request.
                for status, response in documented(409).items():
                    operation["responses"].setdefault(str(status), response)
            if operation["operationId"] in bodies:
                content = operation["requestBody"]["content"]
                content["application/json"]["examples"] = bodies[operation["operationId"]]
    describe_access(schema)
    return schema


def _schemas_of_problem() -> dict[str, Any]:
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**problem.pop("$defs"), "Problem": problem}
