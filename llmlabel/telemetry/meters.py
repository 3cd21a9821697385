"""The numbers that one process counts by itself, in a registry of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

LATENCY: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
STAGE: Final = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0)

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Meters:
    """Counters and histograms of this process.

    Their labels take few values, whatever is sent: route templates, models of the settings,
    names of stages.

    Args:
        worker: Name of this process; the label `worker` of every number here.
    """

    def __init__(self, worker: str) -> None:
        # Half a second of imports that the command line does without.
        from prometheus_client import (  # noqa: PLC0415
            CollectorRegistry,
            Counter,
            GCCollector,
            Histogram,
            PlatformCollector,
            ProcessCollector,
        )

        self.worker = worker
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)

        def counter(name: str, help: str, *labels: str) -> Counter:
            return Counter(name, help, (*labels, "worker"), registry=self.registry)

        def histogram(name: str, help: str, bounds: Iterable[float], *labels: str) -> Histogram:
            return Histogram(
                name, help, (*labels, "worker"), buckets=tuple(bounds), registry=self.registry
            )

        self._requests = counter(
            "llmlabel_http_requests_total", "HTTP requests.", "method", "route", "status"
        )
        self._latency = histogram(
            "llmlabel_http_request_seconds",
            "Time until the last byte of an answer.",
            LATENCY,
            "method",
            "route",
        )
        self._jobs = counter("llmlabel_jobs_total", "Jobs run by this worker.", "queue", "outcome")
        self._stages = histogram(
            "llmlabel_stage_seconds",
            "Time of one batch, or recording, in a stage of the work.",
            STAGE,
            "stage",
        )
        self._staged = counter(
            "llmlabel_stage_documents_total", "Documents through a stage of the work.", "stage"
        )
        self._calls = counter(
            "llmlabel_llm_requests_total",
            "Prompts sent to a language model; those answered from the cache are not among them.",
            "model",
            "outcome",
        )
        self._hits = counter(
            "llmlabel_llm_cache_hits_total", "Prompts answered from the reply cache.", "model"
        )
        self._tokens = counter("llmlabel_llm_tokens_total", "Tokens paid for.", "model", "kind")
        self._cost = counter("llmlabel_llm_cost_usd_total", "Money spent, in US dollars.", "model")
        self._unpriced = counter(
            "llmlabel_llm_unpriced_total", "Prompts whose price is not known.", "model"
        )
        self._webhooks = counter(
            "llmlabel_webhook_attempts_total",
            "Attempts at sending a message to an endpoint.",
            "outcome",
        )

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count an HTTP request.

        Args:
            method: As sent; unusual ones are counted together.
            route: Its template, never its path.
            status: Of the answer.
            seconds: Until its last byte.
        """
        method = method if method in METHODS else "other"
        self._requests.labels(method, route, str(status), self.worker).inc()
        self._latency.labels(method, route, self.worker).observe(seconds)

    def job(self, queue: str, outcome: str) -> None:
        """Count a job: `done`, `failed`, or `stopped` and left to the next process."""
        self._jobs.labels(queue, outcome, self.worker).inc()

    def stage(self, stage: str, seconds: float, documents: int) -> None:
        """Count a batch that went through a stage."""
        self._stages.labels(stage, self.worker).observe(seconds)
        self._staged.labels(stage, self.worker).inc(documents)

    def llm_call(
        self,
        model: str,
        outcome: str,
        *,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        cost_usd: float | None = 0.0,
    ) -> None:
        """Count a prompt that a model was sent, and what it took."""
        self._calls.labels(model, outcome, self.worker).inc()
        self._tokens.labels(model, "prompt", self.worker).inc(prompt_tokens)
        self._tokens.labels(model, "completion", self.worker).inc(completion_tokens)
        if cost_usd is None:
            self._unpriced.labels(model, self.worker).inc()
        else:
            self._cost.labels(model, self.worker).inc(cost_usd)

    def webhook(self, outcome: str) -> None:
        """Count an attempt at a webhook: `delivered`, or `failed` and tried again or given up."""
        self._webhooks.labels(outcome, self.worker).inc()

    def llm_hit(self, model: str) -> None:
        """Count a prompt that the cache answered."""
        self._hits.labels(model, self.worker).inc()
