"""What is in force for a guideline now: the learned version, the promise, its certificate."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from pydantic import JsonValue

from llmlabel.confidence import orders
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.embedding import SentenceEmbedder
from llmlabel.errors import ModelCorrupt
from llmlabel.labelers.example_pool import ExamplePool, NearestExamples
from llmlabel.labelers.llm_choice import LlmChoice
from llmlabel.labelers.protocol import Labeler
from llmlabel.labelers.spacy_head import Head, HeadedSpacyLabeler
from llmlabel.labelers.spacy_labeler import SpacyLabeler
from llmlabel.labelers.student import StudentLabeler
from llmlabel.learned import Learned, LearnedJudge
from llmlabel.parts import Parts
from llmlabel.released import sha256_of_json
from llmlabel.routing import Judge, RawJudge, Routing, Step, WaryJudge
from llmlabel.store import Store

log = structlog.get_logger()


class InForce:
    """Reads what is stored of a guideline and makes a routing of it.

    Args:
        parts: The labelers.
        store: Gives the database, or None where there is none: then nothing was learned,
            nothing is certified, and a promise lets nothing pass.
        promise: For guidelines that state none themselves.
        seed: Of the draw of audits.
    """

    def __init__(
        self,
        parts: Parts,
        store: Callable[[], Store | None],
        *,
        promise: Promise | None = None,
        seed: str = "",
    ) -> None:
        self._parts = parts
        self._store = store
        self._promise = promise
        self._seed = seed
        self._learned: dict[str, Learned] = {}

    def routing(self, guideline: Guideline) -> Routing:
        """The labelers, the judge and the threshold in force for a guideline.

        A certificate of another pipeline than the present one is ended here as void.

        Raises:
            StoreUnavailable: The database cannot be reached.
        """
        steps, judge, training = self._pipeline(guideline, *self.learned(guideline))
        store = self._store()
        certificate = self._valid(guideline, store)
        promise = certificate.promise if certificate else self.promise(guideline, store)
        rate, blocked = guideline.policy.audit, ""
        if store is not None:
            gate = store.gates.get(guideline.ref)
            rate = max(rate, gate.audit_rate or 0.0)
            blocked = "" if gate.open else gate.reason
        if promise is not None and certificate is None and not blocked:
            blocked = f"{guideline.ref} promises that {promise.sentence}; nothing proves it yet"
        return Routing(
            steps=steps,
            judge=judge,
            promise=promise,
            certificate=certificate,
            blocked=blocked,
            audit_rate=rate if store is not None else 0.0,
            seed=self._seed,
            training=training,
        )

    def candidate(self, guideline: Guideline, training: str | None) -> Routing:
        """The labelers and the judge of a training that is not in use; None: of what is.

        Nothing else of the routing is set: it answers, and lets nothing pass.
        """
        if training is None:
            steps, judge, training = self._pipeline(guideline, *self.learned(guideline))
        else:
            steps, judge, _ = self._pipeline(guideline, training, self._load(training, guideline))
        return Routing(steps=steps, judge=judge, blocked="not in use", training=training)

    def promise(self, guideline: Guideline, store: Store | None) -> Promise | None:
        """What is promised of a guideline's labels.

        By the guideline itself, by its last certificate, or by the setting. A certificate that
        ended takes no promise back: until another proves it, nothing is accepted.
        """
        if guideline.policy.promise is not None:
            return guideline.policy.promise
        stated = store.certificates.stated(guideline.ref) if store else None
        return stated or self._promise

    def base_steps(self, guideline: Guideline, pool: ExamplePool | None = None) -> tuple[Step, ...]:
        """The guideline's own labelers; of what was learned at most the pool of examples."""
        return tuple(
            Step(
                with_examples(self._parts.labeler_for(asked, guideline), pool, self._embedder),
                asked.doubt if asked.when == "doubtful" else None,
            )
            for asked in guideline.labelers
        )

    def spacy_of(self, guideline: Guideline) -> SpacyLabeler | None:
        """The guideline's labeler `spacy`, without what was learned; None where it has none."""
        for step in self.base_steps(guideline):
            if isinstance(step.labeler, SpacyLabeler):
                return step.labeler
        return None

    def training(self, guideline: Guideline) -> str:
        """The id of the active learned version; empty where none is."""
        store = self._store()
        active = store.trainings.active(guideline.ref, guideline.sha256) if store else None
        return active.id if active else ""

    def learned(self, guideline: Guideline) -> tuple[str, Learned | None]:
        """The id and the content of the active learned version; an empty id where none is.

        Raises:
            ModelCorrupt: It cannot be read; another training mends that.
        """
        training = self.training(guideline)
        return training, self._load(training, guideline) if training else None

    def holds(self, guideline: Guideline) -> bool:
        """Whether a certificate is in force, and what was learned beside it can be read.

        Where it cannot, nothing is labeled, so that whatever is learned next is better.
        """
        if self.valid(guideline) is None:
            return False
        try:
            self.learned(guideline)
        except ModelCorrupt:
            return False
        return True

    def identity(self, guideline: Guideline, training: str | None = None) -> dict[str, JsonValue]:
        """What the answers under a guideline depend on now, or would with another training."""
        if training is None:
            training = self.training(guideline)
        return {
            "guideline": guideline.ref,
            "guideline_sha256": guideline.sha256,
            "labelers": [self._parts.identity(step, guideline) for step in guideline.labelers],
            "training": training or None,
            "orders": orders.VERSION,
        }

    def forget(self) -> None:
        """Read what was learned anew at its next use; texts may have been cut out of it."""
        self._learned.clear()

    def _load(self, training: str, guideline: Guideline) -> Learned:
        if training not in self._learned:
            store = self._store()
            assert store is not None, "a training has an id because it is stored"
            # Of a guideline two are kept: the one in use, and one that may follow it.
            mine = [id for id, kept in self._learned.items() if kept.guideline == guideline.ref]
            for id in mine[:-1]:
                del self._learned[id]
            self._learned[training] = Learned.from_bytes(store.trainings.payload(training))
        return self._learned[training]

    def _pipeline(
        self, guideline: Guideline, training: str, learned: Learned | None
    ) -> tuple[tuple[Step, ...], Judge, str | None]:
        if learned is None:
            return self.base_steps(guideline), WaryJudge(RawJudge()), None
        judge = WaryJudge(LearnedJudge(learned, training))
        return self._steps(guideline, learned), judge, training

    def valid(self, guideline: Guideline) -> Certificate | None:
        """The certificate in force; see `routing` for one that holds no longer."""
        return self._valid(guideline, self._store())

    def _valid(self, guideline: Guideline, store: Store | None) -> Certificate | None:
        certificate = store.certificates.active(guideline.ref) if store else None
        if store is None or certificate is None:
            return None
        now = self.identity(guideline)
        if certificate.pipeline_sha256 == sha256_of_json(now):
            return certificate
        changed = sorted(
            key
            for key in now | certificate.pipeline
            if now.get(key) != certificate.pipeline.get(key)
        )
        reason = f"changed since it was proved: {', '.join(changed)}; certify again"
        store.certificates.end(certificate.id, "void", reason)
        log.warning("certificate void", certificate=certificate.id, changed=changed)
        return None

    def _embedder(self) -> SentenceEmbedder:
        return self._parts.embedder

    def _steps(self, guideline: Guideline, learned: Learned) -> tuple[Step, ...]:
        steps = [
            Step(with_head(step.labeler, learned.head), step.doubt)
            for step in self.base_steps(guideline, learned.pool)
        ]
        if learned.student is None:
            return tuple(steps)
        first = Step(StudentLabeler(learned.student, self._embedder()))
        return (
            first,
            *(
                Step(step.labeler, learned.doubt if step.labeler.name == "llm" else step.doubt)
                for step in steps
            ),
        )


def with_examples(
    labeler: Labeler, pool: ExamplePool | None, embedder: Callable[[], SentenceEmbedder]
) -> Labeler:
    """A language model that is shown verified labels of the pool; other labelers as they are."""
    if pool is None or not isinstance(labeler, LlmChoice):
        return labeler
    return labeler.with_nearest(NearestExamples(pool, embedder()))


def with_head(labeler: Labeler, head: Head | None) -> Labeler:
    """SpaCy with what was learned of its answers; other labelers as they are."""
    if head is None or not isinstance(labeler, SpacyLabeler):
        return labeler
    return HeadedSpacyLabeler(labeler, head)
