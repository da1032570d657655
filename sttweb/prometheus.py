"""Prometheus' text format, version 0.0.4, as far as gauges go. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Sample(NamedTuple):
    """One value with its labels."""

    value: float
    labels: Mapping[str, str] = {}


class Gauge(NamedTuple):
    """A named number, or one for each set of labels. ``help`` says what it is and its unit."""

    name: str
    help: str
    samples: Iterable[Sample]


def exposition(gauges: Iterable[Gauge]) -> str:
    """The page that Prometheus reads; gauges without samples keep their head, so that a query finds the name."""
    lines: list[str] = []
    for gauge in gauges:
        lines += [f"# HELP {gauge.name} {_escape(gauge.help)}", f"# TYPE {gauge.name} gauge"]
        lines += [f"{gauge.name}{_labels(sample.labels)} {_number(sample.value)}" for sample in gauge.samples]
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
