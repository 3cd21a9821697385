"""The numbers of every project's database, each read anew only after a while."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import structlog

from llmlabel.domain.guideline import Guideline
from llmlabel.domain.project import DEFAULT_PROJECT
from llmlabel.domain.promise import Promise
from llmlabel.guidelines import GuidelineLibrary
from llmlabel.learning.quality import Quality, quality_of
from llmlabel.learning.watch import Watch
from llmlabel.llm.budget import Spent
from llmlabel.monitoring.families import of_batches, of_quality, of_standing, of_webhooks
from llmlabel.monitoring.kept import Kept
from llmlabel.monitoring.provider_families import of_project_spending, of_spending
from llmlabel.store import Store
from llmlabel.store.batch_reads import BatchCounts
from llmlabel.store.deliveries import Waiting
from llmlabel.store.standing import Standing, Standings
from llmlabel.telemetry import told

if TYPE_CHECKING:
    from prometheus_client import Metric

T = TypeVar("T")

STANDING_SECONDS = 5.0
QUALITY_SECONDS = 60.0
WAIT_SECONDS = 4.0
"""For each kind; Prometheus gives up on a scrape after ten by default."""

log = structlog.get_logger()


class Source(Protocol):
    """One project, as far as its numbers go."""

    @property
    def project(self) -> str: ...  # noqa: D102 - its name
    @property
    def store(self) -> Store: ...  # noqa: D102
    @property
    def watch(self) -> Watch: ...  # noqa: D102
    @property
    def guidelines(self) -> GuidelineLibrary: ...  # noqa: D102

    def promise_for(self, guideline: Guideline) -> Promise | None:
        """What is promised of a guideline's labels, if anything."""
        ...

    def spent(self) -> list[Spent]:
        """What was spent on remote models."""
        ...


class ByProject:
    """Reads what projects keep in their databases; one that cannot be read is left out.

    Args:
        sources: Gives every project; the default one cannot be left out.
    """

    def __init__(self, sources: Callable[[], Sequence[Source]]) -> None:
        self._sources = sources
        self._readers: dict[str, Standings] = {}
        self._standing = self._kept(self._standing_of, STANDING_SECONDS)
        self._webhooks: Kept[dict[str, Waiting]] = self._kept(
            lambda source: source.store.deliveries.counts(), STANDING_SECONDS
        )
        self._batches: Kept[dict[str, BatchCounts]] = self._kept(
            lambda source: source.store.batch_reads.counts(), STANDING_SECONDS
        )
        self._quality = self._kept(_qualities, QUALITY_SECONDS)
        self._spent = self._kept(lambda source: source.spent(), STANDING_SECONDS)

    def families(self, project: str | None = None) -> Iterator[Metric]:
        """The metrics of one project, or of all; each number has the label `project`.

        Raises:
            StoreUnavailable: The default project's database cannot be read.
        """
        standing = self._standing.get() or {}
        quality = self._quality.get() or {}
        webhooks = self._webhooks.get() or {}
        batches = self._batches.get() or {}
        clocks = {source.project: source.store.database.clock for source in self._sources()}
        found: dict[str, Metric] = {}
        for name, clock in clocks.items():
            if project not in (None, name):
                continue
            if name in standing:
                _add(found, name, of_standing(standing[name], clock()))
            _add(found, name, of_quality(quality.get(name, ())))
            if name in webhooks:
                _add(found, name, of_webhooks(webhooks[name], clock()))
            if name in batches:
                _add(found, name, of_batches(batches[name]))
        yield from found.values()
        spent = self._spent.get() or {}
        if project is None:
            yield from of_spending(spent.get(DEFAULT_PROJECT, ()))
        yield from of_project_spending(
            {name: each for name, each in spent.items() if project in (None, name)}
        )

    def _standing_of(self, source: Source) -> Standing:
        # It counts on from where it looked last.
        reader = self._readers.setdefault(source.project, Standings(source.store.database))
        return reader.read()

    def _kept(self, read: Callable[[Source], T], seconds: float) -> Kept[dict[str, T]]:
        def every() -> dict[str, T]:
            found = {}
            for source in self._sources():
                try:
                    found[source.project] = read(source)
                except Exception as error:
                    if source.project == DEFAULT_PROJECT:
                        raise
                    self._readers.pop(source.project, None)
                    log.warning("metrics missing", project=source.project, **told(error))
            return found

        return Kept(every, seconds, WAIT_SECONDS)


def _qualities(source: Source) -> list[Quality]:
    return [
        quality_of(source.store, source.watch, guideline, source.promise_for(guideline))
        for guideline in source.guidelines.list()
    ]


def _add(found: dict[str, Metric], project: str, families: Iterable[Metric]) -> None:
    """Put the families of a project to those of others: one of each name, as Prometheus asks."""
    for family in families:
        whole = found.get(family.name)
        named = [
            sample._replace(labels={"project": project, **sample.labels})
            for sample in family.samples
        ]
        if whole is None:
            family.samples = named
            found[family.name] = family
        else:
            whole.samples += named
