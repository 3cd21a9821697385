"""The use case behind `llmlabel certify` and `POST /v1/certificates`."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Self

from pydantic import JsonValue

from llmlabel.domain.base import Value
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.errors import Conflict, InvalidInput, Unsupported
from llmlabel.learning.certify import LOOKED, Progress, certify
from llmlabel.learning.speak import speaker
from llmlabel.pipeline import Pipeline
from llmlabel.routing import Routing
from llmlabel.store import Store

CERTIFY = "certify"
"""Name of the job."""


class Certification:
    """Certifies a guideline with the pipeline that is in force for it.

    Args:
        store: Gives the database.
        pipeline: Asks the labelers.
        guideline: Finds a guideline by `name` or `name@version`; raises UnknownGuideline.
        routing_for: The labelers and the judge in force, or those of a training that is not.
        identity: What the answers depend on, with what is in force or with such a training.
        promise_for: What is promised where nobody says otherwise; None where nothing is.
        promised_elsewhere: The same without what was stated by certifying.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        pipeline: Pipeline,
        guideline: Callable[[str], Guideline],
        *,
        routing_for: Callable[[Guideline, str | None], Routing],
        identity: Callable[[Guideline, str | None], dict[str, JsonValue]],
        promise_for: Callable[[Guideline], Promise | None],
        promised_elsewhere: Callable[[Guideline], Promise | None],
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._guideline = guideline
        self._routing_for = routing_for
        self._identity = identity
        self._promise_for = promise_for
        self._promised_elsewhere = promised_elsewhere

    def promise(self, ref: str, promise: Promise | None = None) -> Promise:
        """What is to be proved of a guideline: the given promise, or the one that is stated.

        Raises:
            UnknownGuideline: There is no such guideline.
            InvalidInput: There is no promise; says how to state one.
        """
        guideline = self._guideline(ref)
        return stated_promise(guideline, promise or self._promise_for(guideline))

    async def __call__(
        self,
        ref: str,
        promise: Promise | None = None,
        progress: Progress | None = None,
        *,
        training: str | None = None,
        reviewer_error: bool | None = None,
        id: str | None = None,
    ) -> Certificate:
        """Certify; see `learning.certify.certify` for what is done and raised.

        Without a word on `reviewer_error` it is done as the last time, so that a training does
        not prove less than was asked for.

        Raises:
            UnknownGuideline, InvalidInput: As `promise`.
            Unsupported: Reviewers of this kind of guideline cannot be measured.
        """
        guideline = self._guideline(ref)
        stated = self.promise(ref, promise)
        refuse_unmeasured(guideline, reviewer_error)
        identity = self._identity(guideline, training)
        speak = speaker(self._pipeline, guideline, self._routing_for(guideline, training))
        return await certify(
            self._store(),
            guideline,
            speak,
            identity=identity,
            promise=stated,
            training=training,
            reviewer_error=self._as_before(guideline, reviewer_error),
            id=id,
            progress=progress,
        )

    def withdraw(self, ref: str) -> Promise | None:
        """Take a promise back that was stated by certifying.

        Its certificate ends and a closed gate opens. What the guideline or the setting promises
        counts again; where they promise nothing, the guideline's threshold decides.

        Returns:
            What was promised; None where nothing was, and nothing changes.

        Raises:
            UnknownGuideline: There is no such guideline.
            Conflict: The guideline itself or the setting states the same, so that it cannot be
                taken back here.
        """
        guideline = self._guideline(ref)
        store = self._store()
        promise = store.certificates.stated(guideline.ref)
        elsewhere = self._promised_elsewhere(guideline)
        if elsewhere is not None and promise in (None, elsewhere):
            raise Conflict(
                f"{elsewhere} is promised of {guideline.ref} by the guideline itself or by "
                "LLMLABEL_PROMISE; take it back there.",
                field="promise",
            )
        if promise is None:
            return None
        last = store.certificates.list(guideline.ref)[0]
        now = store.database.clock()
        store.certificates.add(
            last.model_copy(
                update={
                    "id": f"c-{uuid.uuid4().hex}",
                    "status": "withdrawn",
                    "reason": "an operator took the promise back",
                    "sample": {LOOKED: False},
                    "created_at": now,
                    "ended_at": now,
                }
            )
        )
        return promise

    async def job(self, id: str, guideline: str, argument: str) -> str:
        """Certify as a job of the queue `learn`; `Asked` says what the argument is."""
        asked = Asked.of(argument)
        made = await self(guideline, asked.promise, reviewer_error=asked.reviewer_error, id=id)
        return made.id

    def _as_before(self, guideline: Guideline, reviewer_error: bool | None) -> bool:
        if reviewer_error is not None:
            return reviewer_error
        last = self._store().certificates.list(guideline.ref)[:1]
        return any(each.reviewer_error is not None for each in last if each.status != "withdrawn")


class Asked(Value):
    """What a certification of the queue `learn` is asked for."""

    promise: Promise | None = None
    reviewer_error: bool | None = None

    @classmethod
    def of(cls, argument: str) -> Self:
        """Read an argument: this as JSON; a promise alone as JSON; or nothing, which is empty."""
        if not argument:
            return cls()
        if "error" in json.loads(argument):
            return cls(promise=Promise.model_validate_json(argument))
        return cls.model_validate_json(argument)

    @property
    def argument(self) -> str:
        """As a job keeps it."""
        if self.reviewer_error is not None:
            return self.model_dump_json()
        return "" if self.promise is None else self.promise.model_dump_json()


def refuse_unmeasured(guideline: Guideline, reviewer_error: bool | None) -> None:
    """Refuse to measure reviewers where no hidden gold can be given to them.

    Raises:
        Unsupported: It was asked for and cannot be done.
    """
    if reviewer_error and guideline.kind == "transcript":
        raise Unsupported(
            f"Reviewers of {guideline.ref} cannot be measured: gold of transcripts is imported "
            "without its recordings, so that none can be given to them again; certify without "
            "`reviewer_error`.",
            field="reviewer_error",
        )


def stated_promise(guideline: Guideline, promise: Promise | None) -> Promise:
    """The promise, where there is one.

    Raises:
        InvalidInput: There is none; says how to state one.
    """
    if promise is None:
        raise InvalidInput(
            f"Nothing is promised of {guideline.ref}, so there is nothing to prove; state a "
            "promise in the guideline (`policy.promise`), in the setting LLMLABEL_PROMISE, or "
            "with this request (`promise`, on the command line --promise), such as "
            "delivered:0.05:0.95.",
            field="promise",
        )
    return promise
