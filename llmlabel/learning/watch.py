"""Watches over promises: weighs the audits, closes the gate on a breach, answers to drift."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from pydantic import JsonValue

from llmlabel.confidence.selection import percent
from llmlabel.domain.answer import TranscriptAnswer
from llmlabel.domain.guideline import Guideline
from llmlabel.domain.label import Route
from llmlabel.domain.promise import Certificate, Loss, Promise
from llmlabel.errors import LlmlabelError
from llmlabel.learning.drift import DriftDay, DriftWatch
from llmlabel.learning.live import LiveRisk, Seen, live_risk
from llmlabel.learning.losses import loss_of
from llmlabel.store import AuditResult, ReviewItem, Store
from llmlabel.store.numbers import Numbers
from llmlabel.telemetry import told

BREACHED = "promise.breached"
"""Event on a certificate's id, once, when it was found broken."""

NO_PROMISE = Promise(kind="accepted", error=0.5)
"""Stands in where only the share of wrong answers is asked for."""

log = structlog.get_logger()


class Watch:
    """Looks at what audits and days say of the certificates in force, and acts on it.

    Everything it does may be done twice, by one process or by several, with the same end: what
    it knows is read from the store each time.

    Args:
        store: Holds labels, audits, gates, certificates.
        guideline: Finds the guideline of a `name@version`; raises UnknownGuideline.
        risk_seconds: How often, at most, `upkeep` weighs the audits.
        drift_seconds: How often, at most, `upkeep` looks for drift.
    """

    def __init__(
        self,
        store: Store,
        guideline: Callable[[str], Guideline],
        *,
        risk_seconds: float = 60.0,
        drift_seconds: float = 900.0,
    ) -> None:
        self._store = store
        self._numbers = Numbers(store.database)
        self._drift = DriftWatch(store, self._numbers, guideline)
        self._every = {"risk": risk_seconds, "drift": drift_seconds}
        self._next = dict.fromkeys(self._every, 0.0)
        self._turn = threading.Lock()

    def decided(self, item: ReviewItem) -> None:
        """Weigh the audits again after a verdict, where it was on an accepted answer.

        Never raises what can be explained: the verdict stands, and `upkeep` looks again.
        """
        label = item.label.label
        if label.certificate is None or label.route is not Route.ACCEPTED:
            return
        self._try(self.check, item.guideline)

    def upkeep(self) -> None:
        """Do what is due, for every guideline with a certificate; call it as often as you like."""
        if not self._turn.acquire(blocking=False):
            return
        try:
            due = {what for what, moment in self._next.items() if time.monotonic() >= moment}
            if not due:
                return
            watched = {each.guideline for each in self._store.certificates.list()}
            for guideline in sorted(watched):
                if "risk" in due:
                    self._try(self.check, guideline)
                if "drift" in due:
                    self._try(self.drift, guideline)
            for what in due:
                self._next[what] = time.monotonic() + self._every[what]
        finally:
            self._turn.release()

    def check(self, guideline: str) -> LiveRisk | None:
        """Weigh the audits of the active certificate; where its promise is broken, act.

        Then the gate closes, the certificate ends as `breached`, the accepted answers since the
        last good audit go to review, and an event and a warning say so.

        Args:
            guideline: `name@version`.

        Returns:
            What the audits say; None where no certificate is active.

        Raises:
            StoreUnavailable: The database cannot be used; call it again.
        """
        certificate = self._store.certificates.active(guideline)
        if certificate is None:
            self._finish(guideline)
            return None
        live = self.live(certificate)
        if live.broken:
            reason = _why(certificate, live)
            # First let nothing more pass. Who dies after this line is finished by the next call.
            self._store.gates.close(
                guideline, reason, certificate=certificate.id, payload=_figures(live)
            )
            self._finish(guideline)
        return live

    def live(self, certificate: Certificate) -> LiveRisk:
        """What the audits of a certificate say now; looks only."""
        results = self._store.audits.results(certificate.id)
        seen = [self._seen(each, certificate.loss) for each in results]
        seen += [
            Seen(seq=seq, rate=rate, accepted=False)
            for seq, rate in self._numbers.doubted(certificate.id)
        ]
        # What could not be drawn tells nothing, and is told of by nothing.
        return live_risk([each for each in seen if each.rate > 0], certificate.promise)

    def uncertified(self, guideline: Guideline) -> LiveRisk:
        """What audits say of answers accepted by a bare threshold; looks only."""
        results = self._store.audits.uncertified(guideline.ref)
        seen = [self._seen(each, guideline.policy.loss) for each in results if each.rate > 0]
        return live_risk(seen, NO_PROMISE)

    def days(self, guideline: str) -> list[DriftDay]:
        """The last days under the active certificate; looks only."""
        return self._drift.days(guideline)

    def drift(self, guideline: str) -> list[DriftDay]:
        """Compare the days under the active certificate with its sample; see `DriftWatch`."""
        return self._drift.look(guideline)

    def _finish(self, guideline: str) -> None:
        """What follows a closed gate, also for answers accepted while it was closing."""
        gate = self._store.gates.get(guideline)
        newest = self._store.certificates.list(guideline) if not gate.open else []
        breached = next((each for each in newest if each.status == "breached"), None)
        if breached is None:
            return
        live = self.live(breached)
        accepted = self._store.audits.accepted_since(
            guideline, live.good_until, certificate=breached.id
        )
        queued = 0
        if accepted:
            queued = self._store.audits.requeue(
                accepted,
                "breach",
                "It was accepted under a promise that was found broken; look at it again.",
            )
        figures: dict[str, JsonValue] = {**_figures(live), "guideline": guideline}
        if self._store.events.append_once(
            BREACHED, breached.id, {**figures, "reason": gate.reason, "requeued": queued}
        ):
            log.warning(
                "promise broken",
                guideline=guideline,
                certificate=breached.id,
                reason=gate.reason,
                requeued=queued,
            )

    def _seen(self, result: AuditResult, counted: Loss) -> Seen:
        loss = result.loss
        if loss is None and result.drawn and not result.pending:
            language = None
            if isinstance(result.answer, TranscriptAnswer) and result.document_id is not None:
                [document] = self._store.documents.texts([result.document_id])
                language = document.language
            loss = loss_of(result.proposed, result.answer, counted, language)
        return Seen(
            seq=result.seq, rate=result.rate, drawn=result.drawn, loss=loss, count=result.count
        )

    def _try(self, work: Callable[[str], object], guideline: str) -> None:
        try:
            work(guideline)
        except LlmlabelError as error:
            log.warning("watch failed", guideline=guideline, **told(error))


def _why(certificate: Certificate, live: LiveRisk) -> str:
    promise = certificate.promise
    what = {"delivered": "labels delivered", "accepted": "labels accepted unseen"}[promise.kind]
    return (
        f"{live.audits} audits show that at least {percent(live.low)} of the {what} are wrong, "
        f"against the promised {percent(promise.error)} of {certificate.id}; everything goes to "
        f"review until `llmlabel certify {certificate.guideline}` succeeds on gold from after "
        "this"
    )


def _figures(live: LiveRisk) -> dict[str, JsonValue]:
    return {
        "audits": live.audits,
        "estimate": live.estimate,
        "low": live.low,
        "high": live.high,
        "accepted": live.accepted,
        "good_until": live.good_until,
    }
