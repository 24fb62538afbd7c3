"""Figures for Prometheus, in a registry of this service's own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """Two services in one process count apart."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self.events = Counter(
            "tallystick_events", "Events received over HTTP, by what became of them.", ["verdict"], registry=self._registry
        )
        self.webhooks = Counter(
            "tallystick_webhooks", "Provider deliveries received, by what became of them.", ["outcome"], registry=self._registry
        )
        self.jobs = Gauge("tallystick_jobs", "Jobs due now, and jobs given up.", ["state"], registry=self._registry)
        self.job_lag = Gauge("tallystick_job_lag_seconds", "How long the oldest due job has waited.", registry=self._registry)
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

    def page(self) -> bytes:
        """Everything, in the text format."""
        return generate_latest(self._registry)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
