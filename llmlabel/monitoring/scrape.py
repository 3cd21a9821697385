"""`/metrics`: the numbers of this process, and those that all processes share, by project."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import structlog

from llmlabel.errors import LlmlabelError
from llmlabel.llm.provider import ProviderStanding
from llmlabel.monitoring.by_project import STANDING_SECONDS, WAIT_SECONDS, ByProject, Source
from llmlabel.monitoring.kept import Kept
from llmlabel.monitoring.provider_families import of_providers
from llmlabel.telemetry import Telemetry, told

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry, Metric

log = structlog.get_logger()


class Scrape:
    """Gives all metrics in one answer.

    Counts that matter are read from the databases, so that they survive restarts and are the
    same whichever process is asked; they are read in the background and kept for some seconds.
    While the default project's database cannot be read they are missing, and `llmlabel_store_up`
    is 0.

    Args:
        telemetry: Of this process.
        sources: Every project.
        standings: How the providers of remote models are doing.
    """

    def __init__(
        self,
        telemetry: Telemetry,
        sources: Callable[[], Sequence[Source]],
        standings: Callable[[], list[ProviderStanding]],
    ) -> None:
        self._projects = ByProject(sources)
        self._providers: Kept[list[ProviderStanding]] = Kept(
            standings, STANDING_SECONDS, WAIT_SECONDS
        )
        self._whole = self._registry(None)
        self._whole.register(telemetry.meters.registry)

    def render(self, accept: str = "", project: str | None = None) -> tuple[bytes, str]:
        """The metrics, in the format that the client asks for.

        Args:
            accept: Its `Accept` header.
            project: Only what is of this one; None: everything.

        Returns:
            The body and its content type.
        """
        from prometheus_client.exposition import choose_encoder  # noqa: PLC0415

        encoder, media_type = choose_encoder(accept)
        return encoder(self._whole if project is None else self._registry(project)), media_type

    def _registry(self, project: str | None) -> CollectorRegistry:
        from prometheus_client import CollectorRegistry  # noqa: PLC0415

        registry = CollectorRegistry()
        registry.register(_Collector(self, project))
        return registry

    def collect(self, project: str | None) -> Iterator[Metric]:
        """The families read from the databases."""
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

        up = 1
        families: list[Metric] = []
        try:
            families += self._projects.families(project)
            if project is None:
                families += of_providers(self._providers.get() or ())
        except LlmlabelError as error:
            up, families = 0, []
            log.warning("metrics of the database are missing", **told(error))
        yield GaugeMetricFamily(
            "llmlabel_store_up", "Whether the database could be read for these metrics.", up
        )
        yield from families


class _Collector:
    """What the client library asks for the metrics of a project, or of all."""

    def __init__(self, scrape: Scrape, project: str | None) -> None:
        self._scrape = scrape
        self._project = project

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering does not read the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """The families."""
        return self._scrape.collect(self._project)
