"""Figures for Prometheus, in a registry of this service's own."""

import math
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from tallystick.domain.circuits import CircuitState
from tallystick.domain.operations import Watch
from tallystick.providers.pace import Waited

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Two services in one process count apart."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.events = Counter(
            "tallystick_events", "Events received over HTTP, by what became of them.", ["verdict"], registry=self._registry
        )
        self._webhooks = Counter(
            "tallystick_webhooks", "Provider deliveries received, by what became of them.", ["outcome"], registry=self._registry
        )
        self.jobs = Gauge("tallystick_jobs", "Jobs due now, and jobs given up.", ["state"], registry=self._registry)
        self.job_lag = Gauge("tallystick_job_lag_seconds", "How long the oldest due job has waited.", registry=self._registry)
        self._webhook_seconds = Histogram(
            "tallystick_webhook_answer_seconds",
            "Time until a provider's delivery has its answer, by the status of that.",
            ["status"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self.vitals = Gauge(
            "tallystick_vital", "Vital signs of the business: percents, seconds, or how many.", ["vital"], registry=self._registry
        )
        self.ill = Gauge("tallystick_vital_ill", "1 where a vital sign is beyond its limit.", ["vital"], registry=self._registry)
        self.circuits = Gauge(
            "tallystick_circuit_open",
            "By kind of the provider's endpoints: 0 closed, 1 one request tries it, 2 open.",
            ["kind"],
            registry=self._registry,
        )
        self.turns = Gauge(
            "tallystick_provider_turn_seconds",
            "How long calls to the provider have waited for their turn since the start, by kind of its endpoints.",
            ["kind"],
            registry=self._registry,
        )
        self.put_off = Gauge(
            "tallystick_provider_put_off",
            "How many calls to the provider were put off since the start, for too many waited already.",
            ["kind"],
            registry=self._registry,
        )
        self._answers = Histogram(
            "tallystick_http_request_seconds",
            "Time from request to answer, by route template.",
            ["method", "route", "status"],
            buckets=_BUCKETS,
            registry=self._registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request has its answer."""
        self._answers.labels(method if method in _METHODS else "other", route, str(status)).observe(seconds)

    def received(self, outcome: str, status: int, seconds: float) -> None:
        """One delivery of the provider's has its answer, whatever that is."""
        self._webhooks.labels(outcome).inc()
        self._webhook_seconds.labels(str(status)).observe(seconds)

    def watched(self, watches: Iterable[Watch]) -> None:
        """The vital signs as they were just measured; one of which nothing was observed has no figure."""
        for watch in watches:
            value = math.nan if watch.value is None else float(watch.value)
            self.vitals.labels(watch.vital.value).set(value)
            self.ill.labels(watch.vital.value).set(watch.ill)

    def asked(self, states: Mapping[str, CircuitState]) -> None:
        """How each kind of the provider's endpoints answers."""
        for kind, state in states.items():
            self.circuits.labels(kind).set(_OPEN[state])

    def waited(self, figures: Mapping[str, Waited]) -> None:
        """How each kind of the provider's endpoints was waited for, by the pace that we keep."""
        for kind, figure in figures.items():
            self.turns.labels(kind).set(figure.for_turn.total_seconds())
            self.put_off.labels(kind).set(figure.put_off)

    def page(self) -> bytes:
        """Everything, in the text format."""
        return generate_latest(self._registry)


_OPEN = {CircuitState.CLOSED: 0, CircuitState.HALF_OPEN: 1, CircuitState.OPEN: 2}
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
