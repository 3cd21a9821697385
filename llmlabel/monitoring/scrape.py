"""`/metrics`: the numbers of this process, and those of the database, which all processes share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import structlog

from llmlabel.domain.guideline import Guideline
from llmlabel.domain.promise import Promise
from llmlabel.errors import LlmlabelError
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.learning.quality import Quality, quality_of
from llmlabel.learning.watch import Watch
from llmlabel.llm.budget import Spent
from llmlabel.llm.provider import ProviderStanding
from llmlabel.monitoring.families import of_quality, of_standing, of_webhooks
from llmlabel.monitoring.kept import Kept
from llmlabel.monitoring.provider_families import of_providers, of_spending
from llmlabel.store import Store
from llmlabel.store.deliveries import Waiting
from llmlabel.store.standing import Standing, Standings
from llmlabel.telemetry import Telemetry, told

if TYPE_CHECKING:
    from prometheus_client import Metric

STANDING_SECONDS = 5.0
QUALITY_SECONDS = 60.0
WAIT_SECONDS = 4.0
"""For each of the two; Prometheus gives up on a scrape after ten by default."""

log = structlog.get_logger()


class Scrape:
    """Gives all metrics in one answer.

    Counts that matter are read from the database, so that they survive restarts and are the
    same whichever process is asked; they are read in the background and kept for some seconds.
    While the database cannot be read they are missing, and `llmlabel_store_up` is 0.

    Args:
        telemetry: Of this process.
        store: Holds the rest.
        watch: Of the same store.
        guidelines: Whose quality is told.
        promise_for: What is promised of a guideline's labels, if anything.
        standings: How the providers of remote models are doing.
        spent: What was spent on them.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        store: Store,
        watch: Watch,
        guidelines: GuidelineLibrary,
        promise_for: Callable[[Guideline], Promise | None],
        standings: Callable[[], list[ProviderStanding]],
        spent: Callable[[], list[Spent]],
    ) -> None:
        self._store = store
        self._watch = watch
        self._guidelines = guidelines
        self._promise_for = promise_for
        self._standing: Kept[Standing] = Kept(
            Standings(store.database).read, STANDING_SECONDS, WAIT_SECONDS
        )
        self._webhooks: Kept[Waiting] = Kept(
            store.deliveries.counts, STANDING_SECONDS, WAIT_SECONDS
        )
        self._quality: Kept[list[Quality]] = Kept(self._qualities, QUALITY_SECONDS, WAIT_SECONDS)
        self._providers: Kept[list[ProviderStanding]] = Kept(
            standings, STANDING_SECONDS, WAIT_SECONDS
        )
        self._spent: Kept[list[Spent]] = Kept(spent, STANDING_SECONDS, WAIT_SECONDS)
        from prometheus_client import CollectorRegistry  # noqa: PLC0415

        self._whole = CollectorRegistry()
        self._whole.register(telemetry.meters.registry)
        self._whole.register(self)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """Everything, in the format that the client asks for.

        Args:
            accept: Its `Accept` header.

        Returns:
            The body and its content type.
        """
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415

        encoder, media_type = choose_encoder(accept)
        return encoder(self._whole), media_type

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering does not read the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The families read from the database."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

        up = 1
        families: list[Metric] = []
        try:
            standing, quality = self._standing.get(), self._quality.get()
            if standing is not None:
                families += of_standing(standing, self._store.database.clock())
            families += of_quality(quality or ())
            webhooks = self._webhooks.get()
            if webhooks is not None:
                families += of_webhooks(webhooks, self._store.database.clock())
            families += of_providers(self._providers.get() or ())
            families += of_spending(self._spent.get() or ())
        except LlmlabelError as error:
            up = 0
            log.warning("metrics of the database are missing", **told(error))
        yield GaugeMetricFamily(
            "llmlabel_store_up", "Whether the database could be read for these metrics.", up
        )
        yield from families

    def _qualities(self) -> list[Quality]:
        return [
            quality_of(self._store, self._watch, guideline, self._promise_for(guideline))
            for guideline in self._guidelines.list()
        ]
