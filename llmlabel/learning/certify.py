"""Certificates: what a promise needs proved, proved on gold the pipeline never learned from."""

from __future__ import annotations

import asyncio
import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import JsonValue

from llmlabel.confidence.bounds import smallest_sample
from llmlabel.confidence.risk_control import (
    candidate_thresholds,
    default_delta,
    select_threshold,
    spend,
)
from llmlabel.confidence.selection import percent
from llmlabel.domain.gold import CERTIFY_SHARE, GoldItem
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.promise import Certificate, Promise
from llmlabel.errors import CertifiedMeanwhile, Conflict, NotFound
from llmlabel.learning.losses import loss_of
from llmlabel.learning.reference import reference_of
from llmlabel.learning.reviewer_error import (
    Mistakes,
    TakenOff,
    assumed,
    mistakes_of,
    taken_off,
    too_much,
)
from llmlabel.learning.speak import Speak, Spoken
from llmlabel.released import sha256_of_json
from llmlabel.store import Store
from llmlabel.store.certificates import Seen

CHUNK = 50
"""Documents answered at once, as many as one job labels, so that batches are alike."""

FIT_CONFIDENCES = "fit_confidences"
"""In a training's report: cross-fitted confidences of its fit part; null without an answer."""

FIT_TEXTS = "fit_texts"
"""In a training's report: SHA-256 of every text that anything in it was fitted on."""

GOLD, LOOKED = "gold_sha256", "looked"
"""In a certificate's sample: which gold it is of, and whether its answers were compared at all."""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class _Basis:
    """What a certificate is made on, read before and compared after."""

    training: str | None
    in_use: str | None
    report: Mapping[str, JsonValue]
    gold: Sequence[GoldItem]
    seen: Seen
    gold_sha256: str
    mistakes: Mistakes

    @property
    def gold_since(self) -> datetime | None:
        """From when on gold counts."""
        return self.seen.gold_since


async def certify(
    store: Store,
    guideline: Guideline,
    speak: Speak,
    *,
    identity: dict[str, JsonValue],
    promise: Promise,
    training: str | None = None,
    reviewer_error: bool = False,
    id: str | None = None,
    progress: Progress | None = None,
) -> Certificate:
    """Prove what can be proved of the pipeline in force, and store the result.

    Answers the gold that certifies, counts its losses, and searches the lowest threshold that
    keeps the promise. Where none does, the certificate is stored as `infeasible` and says why;
    an active one stays in force then. If nothing changed since the last attempt, its result is
    given again and costs nothing.

    Args:
        store: Holds gold, trainings, certificates.
        guideline: Whose labels are promised.
        speak: The pipeline in force, as `learning.speak.speaker` makes it.
        identity: What its answers depend on.
        promise: To be proved.
        training: Id of one that is not in use, of which `speak` and `identity` are. It is put to
            use together with its certificate, if that lets at least as much pass as the one in
            force; otherwise the certificate is `declined`.
        reviewer_error: Take what mistakes of reviewers may hide off the promised error; see
            `learning.reviewer_error`.
        id: Of the certificate; one that is stored under it already is given back.
        progress: Told the documents answered so far, and of how many.

    Raises:
        Conflict: Gold that certifies was trained on; or the pipeline, the gold or the gate
            changed, or the promise was taken back, meanwhile.
        MissingModel, ModelError, StoreUnavailable: As the pipeline.
    """
    while True:
        if id is not None and (made := _stored(store, id)) is not None:
            return made
        basis = await asyncio.to_thread(_basis, store, guideline, training, reviewer_error)
        _refuse_overlap(guideline, basis)
        draft = _draft(guideline, identity, promise, basis, store)
        same = _same_as(draft, basis, store)
        if same is not None:
            return same
        delta = spend(default_delta(promise), draft.attempt)
        n = len(basis.gold)
        taken = taken_off(basis.mistakes, promise, n, delta) if reviewer_error else None
        found = _hopeless(basis.mistakes, promise, n, delta, taken)
        if found is None:
            spoken = await _answers(basis.gold, speak, progress)
            found = await asyncio.to_thread(_proved, spoken, basis, draft, delta, taken)
        if taken is not None:
            found["reviewer_error"] = taken.high
        found["assumptions"] = assumptions_of(guideline, n, assumed(basis.mistakes, promise, taken))
        certificate = draft.model_copy(update={**found, **({"id": id} if id else {})})
        _refuse_changed(store, guideline, basis)
        if training is not None:
            certificate = _compared(certificate, store.certificates.active(guideline.ref))
        proved = certificate.status == "active"
        try:
            store.certificates.add(certificate, use=training if proved else None, seen=basis.seen)
        except CertifiedMeanwhile:
            # Another one looked at the gold: this one has its result, or must be surer.
            _refuse_changed(store, guideline, basis)
            continue
        return certificate


def assumptions_of(guideline: Guideline, n: int, right: str) -> tuple[str, ...]:
    """What must be true for the certificate to hold, in words; `right` tells of the gold."""
    loss = {
        "exact": "an answer is wrong unless the whole of it is right",
        "units": "an answer is as wrong as the share of its units that are",
    }[guideline.policy.loss]
    return (
        f"The {n} gold documents were drawn at random from the same source as the documents to "
        "come, and that source does not change (the audits and the drift of every day watch it).",
        right,
        f"Wrong means: {loss}.",
    )


def _compared(new: Certificate, old: Certificate | None) -> Certificate:
    """Declined where it would let less pass than the one in force."""
    if new.status != "active" or old is None or new.coverage >= old.coverage:
        return new
    reason = (
        f"{new.reason}; declined, as it would accept {new.coverage:.1%} of the documents and "
        f"{old.id}, which is in force, {old.coverage:.1%}"
    )
    return new.model_copy(update={"status": "declined", "reason": reason})


def _basis(
    store: Store, guideline: Guideline, training: str | None, reviewer_error: bool
) -> _Basis:
    seen = store.certificates.seen(guideline.ref)  # first: what changes from here on is noticed
    active = store.trainings.active(guideline.ref, guideline.sha256)
    proved = store.trainings.get(training) if training else active
    shown = {example.text for example in guideline.examples}
    # A model that is shown the text with its answer is not tested by it.
    gold = [
        item
        for item in store.gold.items(guideline.ref, "certify", seen.gold_since)
        if item.document.text not in shown
    ]
    gold = list({item.document.text_sha256: item for item in gold}.values())
    said = sorted(
        item.document.text_sha256 + ("" if item.answer is None else item.answer.model_dump_json())
        for item in gold
    )
    answers = store.benchmarks.answers(guideline.ref)
    if reviewer_error:
        said += ["with reviewers", *(f"{a.gold_id} {a.reviewer} {a.loss}" for a in answers)]
    return _Basis(
        training=proved.id if proved else None,
        in_use=active.id if active else None,
        report=proved.report if proved else {},
        gold=gold,
        seen=seen,
        gold_sha256=sha256_of_json([*said]),
        mistakes=mistakes_of(answers, gold, guideline.policy.loss),
    )


def _refuse_overlap(guideline: Guideline, basis: _Basis) -> None:
    fitted = basis.report.get(FIT_TEXTS)
    if not isinstance(fitted, list):
        return
    known = {text for text in fitted if isinstance(text, str)}
    both = sum(item.document.text_sha256 in known for item in basis.gold)
    if both:
        raise Conflict(
            f"{both} of the {len(basis.gold)} gold texts that certify {guideline.ref} were "
            f"trained on in {basis.training}, and what was learned by heart proves nothing; run "
            f"`llmlabel train {guideline.ref}`, which leaves them out, then certify again.",
            field="guideline",
        )


def _refuse_changed(store: Store, guideline: Guideline, basis: _Basis) -> None:
    now = store.trainings.active(guideline.ref, guideline.sha256)
    if (now.id if now else None) != basis.in_use:
        raise Conflict(
            f"A training of {guideline.ref} ended while it was certified, so the proof is of a "
            "pipeline that is no longer in force; certify again.",
            field="guideline",
        )
    if store.gates.get(guideline.ref).gold_since != basis.gold_since:
        raise Conflict(
            f"The promise of {guideline.ref} was found broken while it was certified, and gold "
            "from before counts no more; certify again when there is gold from after it.",
            field="guideline",
        )
    newest = store.certificates.seen(guideline.ref).newest
    if newest is None or newest == basis.seen.newest:
        return
    if store.certificates.get(newest).status == "withdrawn":
        raise Conflict(
            f"The promise of {guideline.ref} was taken back while it was certified; certify "
            "again to state it anew.",
            field="promise",
        )


def _draft(
    guideline: Guideline,
    identity: dict[str, JsonValue],
    promise: Promise,
    basis: _Basis,
    store: Store,
) -> Certificate:
    return Certificate(
        id=f"c-{uuid.uuid4().hex}",
        guideline=guideline.ref,
        guideline_sha256=guideline.sha256,
        pipeline_sha256=sha256_of_json(identity),
        pipeline=identity,
        promise=promise,
        loss=guideline.policy.loss,
        n=len(basis.gold),
        attempt=_attempts(store, guideline.ref, basis.gold_since) + 1,
        threshold=None,
        observed_risk=None,
        bound=None,
        coverage=0.0,
        floor=1.0,
        gold_since=basis.gold_since,
        created_at=store.database.clock(),
    )


def _attempts(store: Store, ref: str, since: datetime | None) -> int:
    """How often this gold was looked at; a refusal for too little gold was no look."""
    newest = store.certificates.list(ref)[: store.certificates.attempts(ref, since)]
    return sum(each.sample.get(LOOKED) is not False for each in newest)


def _same_as(draft: Certificate, basis: _Basis, store: Store) -> Certificate | None:
    for last in store.certificates.list(draft.guideline)[:1]:
        if (
            last.status in ("active", "infeasible")
            and last.pipeline_sha256 == draft.pipeline_sha256
            and (last.promise, last.loss) == (draft.promise, draft.loss)
            and last.gold_since == draft.gold_since
            and last.sample.get(GOLD) == basis.gold_sha256
            and (last.status == "infeasible" or store.gates.get(draft.guideline).open)
        ):
            return last
    return None


def _stored(store: Store, id: str) -> Certificate | None:
    try:
        return store.certificates.get(id)
    except NotFound:
        return None


async def _answers(
    gold: Sequence[GoldItem], speak: Speak, progress: Progress | None
) -> list[Spoken]:
    spoken: list[Spoken] = []
    for start in range(0, len(gold), CHUNK):
        some = [item.document for item in gold[start : start + CHUNK]]
        spoken += await speak(some)
        if progress is not None:
            progress(len(spoken), len(gold))
    return spoken


def _hopeless(
    mistakes: Mistakes, promise: Promise, n: int, delta: float, taken: TakenOff | None
) -> dict[str, Any] | None:
    """The findings where no record could prove the promise; nothing was looked at."""
    left, tested = promise.error, delta
    if taken is not None:
        left, tested = promise.error - taken.allowance(n), taken.delta
    if taken is not None and left <= 0:
        reason = too_much(mistakes, promise, taken, delta)
        return {"sample": {LOOKED: False}, "status": "infeasible", "reason": reason}
    fewest = smallest_sample(left, tested)
    if n >= fewest:
        return None
    return {
        "further_gold": _in_all(fewest - n),
        "sample": {LOOKED: False},
        "status": "infeasible",
        "reason": f"{n} gold labels certify, and even if all their answers were right they would "
        f"not prove that at most {percent(promise.error)} are wrong; at least {fewest} are needed, "
        f"so about {_in_all(fewest - n)} more gold labels in all, of which "
        f"{CERTIFY_SHARE:.0%} certify",
    }


def _proved(
    spoken: Sequence[Spoken],
    basis: _Basis,
    draft: Certificate,
    delta: float,
    taken: TakenOff | None,
) -> dict[str, Any]:
    losses = [
        loss_of(each.judged.combined.answer, item.answer, draft.loss, item.document.language)
        for each, item in zip(spoken, basis.gold, strict=True)
    ]
    reference = _numbers(basis.report.get(FIT_CONFIDENCES))
    allowance = None if taken is None else taken.allowance
    delta = delta if taken is None else taken.delta
    candidates = candidate_thresholds(reference, draft.promise, len(spoken), delta, allowance)
    found = select_threshold(
        _numbers([each.confidence for each in spoken]),
        np.array(losses, dtype=np.float64),
        candidates,
        draft.promise,
        delta=delta,
        allowance=allowance,
    )
    proved: dict[str, Any] = {
        "floor": found.floor,
        "further_gold": _in_all(found.further),
        "sample": {**reference_of(spoken), GOLD: basis.gold_sha256, LOOKED: True},
        "reason": found.reason
        + (f" ({CERTIFY_SHARE:.0%} of gold certifies)" * bool(found.further)),
        "status": "infeasible",
    }
    if found.accepted == 0:
        # A threshold that nothing reaches keeps any promise and is of no use to anybody.
        return proved
    return proved | {
        "threshold": found.threshold,
        "observed_risk": found.observed_risk,
        "bound": found.bound,
        "coverage": found.coverage,
        "status": "active",
    }


def _numbers(values: object) -> NDArray[np.float64]:
    """Numbers as an array; whatever is none (no answer) becomes NaN."""
    if not isinstance(values, list):
        return np.empty(0, dtype=np.float64)
    return np.array(
        [float(each) if isinstance(each, int | float) else math.nan for each in values],
        dtype=np.float64,
    )


def _in_all(further: int | None) -> int | None:
    """Gold to get so that `further` of it certify; the rest of the texts go to the fit part."""
    return None if further is None else math.ceil(further / CERTIFY_SHARE)
