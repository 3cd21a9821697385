"""What waits and what failed, of a project: seen, asked anew, or called off."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from typing import Final

from llmlabel.errors import Conflict, InvalidInput, NotFound
from llmlabel.jobs.learn import Learning, LearnJob
from llmlabel.store import Failure, Store
from llmlabel.store.asked_work import Job, JobStatus, QueueName
from llmlabel.store.documents import Enqueue

CANCELLED: Final = Failure(code="cancelled", detail="It was called off before it was done.")
AT_ONCE = 500
ORDER: Final[tuple[QueueName, ...]] = ("text", "audio", "learning")


class Desk:
    """Lists the jobs of a project, retries what failed, calls off what waits.

    Args:
        store: Of the project.
        learning: Its trainings and certifications.
        enqueue: Queues labels, within a transaction.
        requeue: Asks anew for what failed of a document: of a guideline, or all.
        changed: Told when something was called off.
    """

    def __init__(
        self,
        store: Store,
        learning: Learning,
        enqueue: Enqueue,
        requeue: Callable[[str, str | None], object],
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._learning = learning
        self._enqueue = enqueue
        self._requeue = requeue
        self._changed = changed

    def page(
        self,
        *,
        status: JobStatus = "failed",
        queue: QueueName | None = None,
        guideline: str | None = None,
        code: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[Job], str | None]:
        """Jobs, those of texts first, then of recordings, then what is learned.

        Args:
            status: Only with this one.
            queue: Only of this one.
            guideline: Only of this one: a name or `name@version`.
            code: Only those that failed for this reason.
            limit: At most so many.
            cursor: Continues after the page that gave it.

        Returns:
            The jobs, and the cursor of the next page; None at the end.

        Raises:
            InvalidInput: The cursor is not one that this method gave.
        """
        began, place = _place_of(cursor)
        found: list[Job] = []
        for each in ORDER[ORDER.index(began) :] if began else ORDER:
            if queue not in (None, each) or (each == "audio" and guideline is not None):
                continue
            after = place if each == began else ()
            found += self._some(each, status, guideline, code, after, limit + 1 - len(found))
            if len(found) > limit:
                return found[:limit], _cursor_of(found[limit - 1])
        return found, None

    def _some(
        self,
        queue: QueueName,
        status: JobStatus,
        guideline: str | None,
        code: str | None,
        after: Sequence[str],
        limit: int,
    ) -> list[Job]:
        if queue == "text":
            place = (after[0], after[1]) if after else None
            return self._store.asked.labels(
                status, guideline=guideline, code=code, after=place, limit=limit
            )
        last = after[0] if after else None
        if queue == "audio":
            return self._store.asked.transcripts(status, code=code, after=last, limit=limit)
        known = (_learned(each) for each in self._learning.all())
        chosen = [
            job
            for job in sorted(known, key=lambda job: job.id)
            if job.status == status
            and (guideline is None or guideline in (job.guideline, _name(job.guideline)))
            and (code is None or (job.error is not None and job.error.code == code))
            and (last is None or job.id > f"learning:{last}")
        ]
        return chosen[:limit]

    def get(self, id: str) -> Job:
        """One job.

        Raises:
            NotFound: There is none of that id.
        """
        queue, guideline, name = _parts(id)
        if queue == "text":
            return self._store.asked.label(guideline, name)
        if queue == "audio":
            return self._store.asked.transcript(name)
        return _learned(self._learning.get(name))

    def retry(self, id: str) -> Job:
        """Ask anew for a job that failed; what is learned is a new job then.

        Raises:
            NotFound: There is none of that id.
            Conflict: It did not fail.
        """
        job = self.get(id)
        if job.status != "failed":
            raise Conflict(f"`{id[:300]}` is {job.status}; only what failed is retried.")
        queue, guideline, name = _parts(id)
        if queue == "learning":
            asked = self._learning.get(name)
            return _learned(self._learning.submit(asked.what, asked.guideline, asked.argument))
        self._requeue(name, guideline or None)
        return self.get(id)

    def retry_failed(
        self,
        *,
        queue: QueueName | None = None,
        guideline: str | None = None,
        code: str | None = None,
        limit: int = 10_000,
    ) -> int:
        """Ask anew for labels and transcripts that failed; returns how many there were.

        What is asked of a recording is asked anew with its transcript. Trainings and
        certifications are retried one by one.

        Args:
            queue: Only of this one.
            guideline: Only labels of this one: a name or `name@version`.
            code: Only those that failed for this reason.
            limit: At most so many.
        """
        retried = 0
        if queue in (None, "audio") and guideline is None:
            retried += self._store.asked.retry_transcripts(
                lambda document: self._requeue(document, None), code=code, limit=limit
            )
        begun = self._store.database.clock()
        while queue in (None, "text") and retried < limit:
            some = self._store.asked.retry_labels(
                self._enqueue,
                guideline=guideline,
                code=code,
                before=begun,
                limit=min(AT_ONCE, limit - retried),
            )
            if not some:
                break
            retried += some
        return retried

    def cancel(self, id: str) -> Job:
        """Call off a job that waits or is under way; it fails as `cancelled` and can be retried.

        A label or transcript that is being made is thrown away; a training ends what it began.

        Raises:
            NotFound: There is none of that id.
            Conflict: It is over.
        """
        job = self.get(id)
        queue, guideline, name = _parts(id)
        if job.status == "queued":
            if queue == "text":
                self._store.work.call_off(name, guideline, job.run, CANCELLED)
            elif queue == "audio":
                self._store.work.fail_transcription(name, job.run, CANCELLED)
            else:
                self._learning.fail(name, CANCELLED)
            self._changed()
            job = self.get(id)
        if job.error is None or job.error.code != CANCELLED.code:
            raise Conflict(f"`{id[:300]}` is {job.status}; only what waits can be called off.")
        return job


def _learned(job: LearnJob) -> Job:
    return Job(
        id=f"learning:{job.id}",
        queue="learning",
        status=job.status,
        document_id=None,
        guideline=job.guideline,
        what=job.what,
        run=1,
        attempts=job.attempts,
        error=job.failure,
        created_at=job.created_at,
        updated_at=job.updated_at,
    )


def _parts(id: str) -> tuple[QueueName, str, str]:
    """The queue, the guideline of a label, and the id of the document or of what is learned."""
    queue, _, rest = id.partition(":")
    if queue == "text":
        guideline, found, name = rest.partition(":")
        if found and name:
            return "text", guideline, name
    elif queue == "audio" and rest:
        return "audio", "", rest
    elif queue == "learning" and rest:
        return "learning", "", rest
    raise NotFound(
        f"`{id[:300]}` is no job; they are called `text:GUIDELINE@VERSION:DOCUMENT`, "
        "`audio:DOCUMENT` or `learning:ID`.",
        field="id",
    )


def _name(ref: str | None) -> str:
    return (ref or "").partition("@")[0]


def _cursor_of(job: Job) -> str:
    queue, guideline, name = _parts(job.id)
    place = [queue, guideline, name] if queue == "text" else [queue, name]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _place_of(cursor: str | None) -> tuple[QueueName | None, tuple[str, ...]]:
    if cursor is None:
        return None, ()
    try:
        queue, *place = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if (
            queue in ORDER
            and len(place) == (2 if queue == "text" else 1)
            and all(isinstance(each, str) and "\x00" not in each for each in place)
            and not any("\ud800" <= char <= "\udfff" for each in place for char in each)
        ):
            return queue, tuple(place)
    except (ValueError, TypeError, binascii.Error):
        pass
    raise InvalidInput(
        "The cursor is not one that this service gave; leave it out to start from the first job.",
        field="cursor",
    )
