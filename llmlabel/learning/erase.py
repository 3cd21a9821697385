"""Documents deleted with everything derived, one by one or by their age."""

from __future__ import annotations

from collections.abc import Callable, Collection, Set
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import structlog
from pydantic import Field

from llmlabel.domain.answer import TranscriptAnswer
from llmlabel.domain.base import Value
from llmlabel.domain.guideline import Guideline
from llmlabel.errors import LlmlabelError, ModelCorrupt
from llmlabel.labelers.example_pool import ExamplePool
from llmlabel.labelers.student import Memory
from llmlabel.learned import Learned
from llmlabel.learning.losses import loss_of
from llmlabel.store import AuditResult, Store
from llmlabel.store.erasure import AT_ONCE, Erased, Erasure

log = structlog.get_logger()


class Purged(Value):
    """What became of old documents."""

    found: int = Field(description="Old enough, and of the guideline asked for.")
    kept: int = Field(description="Of those, the verified ones that were to be kept.")
    shared: int = Field(description="Of those, the ones asked under other guidelines as well.")
    waiting: int = Field(description="Of those, the ones that wait to be labeled.")
    batches: int = Field(default=0, description="Ended before that time; forgotten, or to be.")
    erased: Erased = Erased()


class Erasing:
    """Deletes documents, and makes this process forget what it holds of them.

    Args:
        store: Gives the database.
        guideline: Finds a guideline by `name@version`; raises UnknownGuideline.
        forget_jobs: Deletes the finished jobs that name these documents.
        forget: Drops what this host keeps of texts outside of the database: replies of models,
            and what was learned, in memory. Given a number that grows with every deletion.
    """

    def __init__(
        self,
        store: Callable[[], Store],
        guideline: Callable[[str], Guideline],
        forget_jobs: Callable[[Collection[str]], object],
        forget: Callable[[int], None],
    ) -> None:
        self._store = store
        self._guideline = guideline
        self._forget_jobs = forget_jobs
        self._forget = forget
        self._seen: int | None = None

    def __call__(
        self, ids: Collection[str], *, why: str = "asked for", rewrite: bool = True
    ) -> Erased:
        """Delete documents and everything made of them; see `Erasure`.

        Raises:
            NotFound: One of them is not there; then none is deleted.
            TrainingUnderWay: A training runs that may have read them; then none is deleted.
        """
        self._forget_jobs(ids)  # first: what is left of them goes when the file is rewritten
        done = self._erasure()(ids, why=why, rewrite=rewrite)
        self.keep_up()
        log.info("documents deleted", documents=done.documents, compacted=done.compacted)
        return done

    def purge(
        self,
        older_than: timedelta,
        *,
        guideline: str | None = None,
        keep_verified: bool = False,
        dry_run: bool = False,
        limit: int | None = None,
        why: str = "purge",
    ) -> Purged:
        """Delete the documents that came so long ago, and what is kept for clients from then.

        That is answers by Idempotency-Key, and of batches which line was which document.

        Args:
            older_than: Counted from now.
            guideline: Only documents asked under this one (a name or `name@version`) and under
                no other.
            keep_verified: Not those that a person decided, or whose text is gold.
            dry_run: Only count.
            limit: Delete so many at most; while there are more, the database is not rewritten.
            why: For the log.

        Raises:
            TrainingUnderWay: As above.
        """
        store = self._store()
        before: datetime = store.database.clock() - older_than
        found = store.aged.find(before, guideline, keep_verified=keep_verified)
        ids = found.ids if limit is None else found.ids[:limit]
        erased = Erased(documents=len(ids))
        ended = store.batches.ended(before) if guideline is None else []
        if not dry_run:
            for id in ended:
                store.batches.forget(id)
            answers = store.aged.drop_answers(before)
            # A bounded number at a time, so that what comes meanwhile waits for a moment only.
            last = len(ids) == len(found.ids)
            erased = self(ids, why=why, rewrite=last) if ids else Erased()
            erased = erased.model_copy(update={"answers": erased.answers + answers})
        return Purged(
            found=found.found,
            kept=found.kept,
            shared=found.shared,
            waiting=found.waiting,
            batches=len(ended),
            erased=erased,
        )

    def keep_up(self) -> None:
        """Forget what another process deleted; cheap, to be called every few seconds."""
        newest = self._erasure().newest()
        if newest != self._seen:
            self._seen = newest
            self._forget(newest)

    def retain(self, days: int, *, keep_verified: bool) -> Purged | None:
        """Delete what is older than so many days, a part at a time; None where it has to wait."""
        try:
            return self.purge(
                timedelta(days=days),
                keep_verified=keep_verified,
                limit=AT_ONCE,
                why=f"older than {days} days",
            )
        except LlmlabelError as error:
            log.warning("retention waits", code=error.code)
            return None

    def _erasure(self) -> Erasure:
        store = self._store()
        return Erasure(
            store.database, store.events, store.recordings, strip=stripped, weigh=self._weigh
        )

    def _weigh(self, result: AuditResult, subject: str, ref: str) -> float:
        """How wrong an audited label was, as its certificate or else its guideline counts it."""
        store = self._store()
        counted = (
            self._guideline(ref).policy.loss
            if subject == ref
            else store.certificates.get(subject).loss
        )
        language = None
        if isinstance(result.answer, TranscriptAnswer) and result.document_id is not None:
            [document] = store.documents.texts([result.document_id])
            language = document.language
        return loss_of(result.proposed, result.answer, counted, language)


def stripped(content: bytes, texts: Set[str]) -> bytes | None:
    """What was learned without its examples of these texts.

    Weights and calibrators stay: they are numbers fitted to all texts together. The student's
    memory loses the vectors of the texts, the pool the texts themselves.

    Args:
        content: As `Learned.to_bytes` gave it.
        texts: SHA-256 of the texts, in hexadecimal.

    Returns:
        The same bytes where nothing had to go; None where they cannot be read.
    """
    try:
        learned = Learned.from_bytes(content)
    except ModelCorrupt:
        return None
    pool, student = learned.pool, learned.student
    if pool is not None:
        stay = [place for place, sha in enumerate(pool.hashes) if sha not in texts]
        if len(stay) < len(pool):
            pool = ExamplePool(
                texts=tuple(pool.texts[place] for place in stay),
                labels=tuple(pool.labels[place] for place in stay),
                hashes=tuple(pool.hashes[place] for place in stay),
                vectors=pool.vectors[stay],
            )
    if student is not None:
        memory = student.memory
        known = np.array([sha.decode() not in texts for sha in memory.text_sha.tolist()], bool)
        if not known.all():
            left = Memory(memory.vectors[known], memory.labels[known], memory.text_sha[known])
            student = replace(student, memory=left)
    if pool is learned.pool and student is learned.student:
        return content
    return replace(learned, pool=pool, student=student).to_bytes()
