"""What several processes of one server have counted, as one."""

from collections.abc import Iterable, Sequence
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector, CollectorRegistry

# Of gauges that each process has a part of; of the others all processes see the same, and the largest counts.
PARTED = ("foresell_events_in_flight_bytes",)
# A metric: name, documentation, kind, and samples: name, labels, value.
Told = tuple[str, str, str, list[tuple[str, dict[str, str], float]]]


def told(registry: CollectorRegistry) -> list[Told]:
    """What a registry has counted, as a value of JSON."""
    return [
        (one.name, one.documentation, one.type, [(s.name, dict(s.labels), s.value) for s in one.samples])
        for one in registry.collect()
    ]


def summed(processes: Sequence[Sequence[Any]]) -> bytes:
    """As Prometheus reads it; of moments when counting began the first."""
    registry = CollectorRegistry()
    registry.register(_Summed(processes))
    return generate_latest(registry)


class _Summed(Collector):
    def __init__(self, processes: Sequence[Sequence[Any]]) -> None:
        self._processes = processes

    def collect(self) -> Iterable[Metric]:
        metrics: dict[str, Metric] = {}
        values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}
        for process in self._processes:
            for name, documentation, kind, samples in process:
                metrics.setdefault(name, Metric(name, documentation, kind))
                known = values.setdefault(name, {})
                for sample, labels, value in samples:
                    key = sample, tuple(sorted(labels.items()))
                    known[key] = _both(sample, kind, known[key], value) if key in known else value
        for name, metric in metrics.items():
            for (sample, labels), value in values[name].items():
                metric.add_sample(sample, dict(labels), value)
            yield metric


def _both(sample: str, kind: str, one: float, other: float) -> float:
    if sample.endswith("_created"):
        return min(one, other)
    return max(one, other) if kind == "gauge" and sample not in PARTED else one + other
