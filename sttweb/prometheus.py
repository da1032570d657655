"""Prometheus' text format, version 0.0.4: gauges, counters, histograms. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One value with its labels. ``suffix`` is what its line adds to the name (``_sum`` of a histogram)."""

    value: float
    labels: Mapping[str, str] = {}
    suffix: str = ""


class Metric(NamedTuple):
    """A named number, or one for each set of labels. ``help`` says what it is and its unit."""

    name: str
    help: str
    samples: Iterable[Sample]
    kind: str = "gauge"


def gauge(name: str, says: str, samples: Iterable[Sample]) -> Metric:
    """What goes up and down."""
    return Metric(name, says, samples)


def counter(name: str, says: str, samples: Iterable[Sample]) -> Metric:
    """What only grows until the process starts again; ``name`` ends in ``_total``."""
    return Metric(name, says, samples, "counter")


def histogram(
    name: str, says: str, bounds: Sequence[float], counts: Sequence[int], total: float, labels: Mapping[str, str]
) -> Metric:
    """``counts`` are cumulative: up to each of ``bounds``, then all; ``total`` is the sum of the values."""
    edges = [*(f"{bound:g}" for bound in bounds), "+Inf"]
    samples = [
        Sample(count, {**labels, "le": edge}, "_bucket") for edge, count in zip(edges, counts, strict=True)
    ]  # fmt: skip
    samples += [Sample(total, labels, "_sum"), Sample(counts[-1], labels, "_count")]
    return Metric(name, says, samples, "histogram")


def exposition(metrics: Iterable[Metric]) -> str:
    """The page that Prometheus reads; metrics without samples keep their head, so that a query finds the name."""
    lines: list[str] = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {_escape(metric.help)}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [
            f"{metric.name}{sample.suffix}{_labels(sample.labels)} {_number(sample.value)}" for sample in metric.samples
        ]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ",".join(f'{name}="{_quote(value)}"' for name, value in labels.items())
    return f"{{{inner}}}" if inner else ""


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quote(text: str) -> str:
    return _escape(text).replace('"', '\\"')


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else f"{value:.6g}"
