"""What is counted and timed, for Prometheus."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from foresell.api.summing import Told, summed, told
from foresell.services.live.keeper import Keeper
from foresell.services.live.live_shop import LiveShop

SECONDS = (0.001, 0.002, 0.003, 0.005, 0.007, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


class Metrics:
    """Of one application, in a registry of its own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "foresell_requests", "Answers given.", ("route", "method", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "foresell_request_seconds",
            "From the request's head to its answer's end.",
            ("route",),
            buckets=SECONDS,
            registry=self.registry,
        )
        self._counted: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def answered(self, route: str, method: str, status: int, seconds: float) -> None:
        known = method if method in ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS") else "other"
        counted = self._counted.get((route, known, status))
        if counted is None:
            counted = self._requests.labels(route, known, status), self._seconds.labels(route)
            self._counted[route, known, status] = counted
        counted[0].inc()
        counted[1].observe(seconds)

    def slow(self, limit_seconds: float) -> dict[str, tuple[int, int]]:
        """Route → answers, and those that took longer than the limit, by the next edge of the buckets."""
        edge = next((one for one in SECONDS if one >= limit_seconds), float("inf"))
        found: dict[str, tuple[int, int]] = {}
        for sample in (one for family in self._seconds.collect() for one in family.samples):
            route = sample.labels["route"]
            answers, slow = found.get(route, (0, 0))
            if sample.name.endswith("_count"):
                found[route] = int(sample.value), slow + int(sample.value)
            elif sample.name.endswith("_bucket") and float(sample.labels["le"]) == edge:
                found[route] = answers, slow - int(sample.value)
        return found

    def watch(self, live: LiveShop, keeper: Keeper) -> None:
        self.registry.register(_OfShop(live, keeper))

    def told(self) -> list[Told]:
        """As other processes of the same server are told it."""
        return told(self.registry)

    def text(self, others: Sequence[Sequence[Any]] = ()) -> bytes:
        """`others`: what other processes of the same server tell."""
        return summed([self.told(), *others]) if others else generate_latest(self.registry)


class _OfShop(Collector):
    """Read when they are asked for."""

    def __init__(self, live: LiveShop, keeper: Keeper) -> None:
        self._live, self._keeper = live, keeper

    def collect(self) -> list[CounterMetricFamily | GaugeMetricFamily]:
        from datetime import UTC, datetime

        events = CounterMetricFamily("foresell_events", "Events received, by outcome.", labels=["outcome"])
        for outcome, number in self._live.acceptance.counts.items():
            events.add_metric([outcome], number)
        oldest = self._live.log.oldest_at()
        age = 0.0 if oldest is None else (datetime.now(UTC) - oldest).total_seconds()
        moved = CounterMetricFamily("foresell_events_moved", "Events moved into the tables.")
        moved.add_metric([], self._keeper.num_moved)
        model = GaugeMetricFamily("foresell_recommender", "The model that answers.", labels=["model"])
        model.add_metric([self._live.mind.label or "none"], 1.0)
        return [
            events,
            moved,
            model,
            _alerts(self._live),
            _gauge(
                "foresell_events_waiting_bytes",
                "Accepted and not in the tables.",
                self._live.pressure.backlog(),
            ),
            _gauge("foresell_events_waiting_seconds", "Since the oldest of them was accepted.", age),
            _gauge("foresell_events_in_flight_bytes", "Being taken in.", self._live.pressure.in_flight),
            _gauge(
                "foresell_keeper_failing",
                "1: moving or refreshing failed last.",
                float(self._keeper.problem is not None),
            ),
            _gauge(
                "foresell_models_refused", "Models that failed their trial.", len(self._live.mind.refused)
            ),
        ]


def _alerts(live: LiveShop) -> GaugeMetricFamily:
    from collections import Counter

    from foresell.services.monitoring.alerts import list_alerts

    found = GaugeMetricFamily(
        "foresell_alerts", "Alerts that are not resolved.", labels=["kind", "severity", "state"]
    )
    for labels, number in Counter(
        (one.kind, one.severity, one.state) for one in list_alerts(live.shop)
    ).items():
        found.add_metric(list(labels), number)
    return found


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=float(value))
