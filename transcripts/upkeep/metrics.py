"""The numbers as gauges. Nothing of people in them: no titles, no teams, no addresses. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sttweb.prometheus import Gauge, Sample
from transcripts.upkeep.numbers import MOST_ROWS, Numbers


def gauges(numbers: Numbers, about: Mapping[str, str]) -> list[Gauge]:
    """All gauges. ``about`` are the labels of ``sttweb_info``: version, database, layer, engine."""
    return [
        Gauge("sttweb_info", "What runs, in labels; always 1.", [Sample(1, about)]),
        *_work(numbers),
        *_workers(numbers),
        *_trouble(numbers),
        Gauge("sttweb_disk_free_bytes", "Free space of the disk that a folder is on.", [
            Sample(disk.free, {"folder": disk.name}) for disk in numbers.disks
        ]),
        Gauge("sttweb_disk_total_bytes", "Size of the disk that a folder is on.", [
            Sample(disk.total, {"folder": disk.name}) for disk in numbers.disks
        ]),
        Gauge("sttweb_erasures_open", "Erasures whose files are not gone yet.", [Sample(numbers.erasures_open)]),
        Gauge("sttweb_counted_rows_limit", "A counter of this height is a lower bound.", [Sample(MOST_ROWS)]),
    ]  # fmt: skip


def _work(numbers: Numbers) -> list[Gauge]:
    delays = [session.delay for session in numbers.sessions if session.delay is not None]
    ages = [session.lease_age for session in numbers.sessions if session.lease_age is not None]
    expired = sum(1 for session in numbers.sessions if (session.lease_left or 0.0) <= 0)
    live = sum(1 for session in numbers.sessions if session.is_live)
    return [
        Gauge("sttweb_transcripts", "Transcripts that have not ended, by state.", _by("state", numbers.states)),
        Gauge("sttweb_transcripts_ended_last_hour", "Transcripts that ended in the last hour, by state.",
              _by("state", numbers.ended)),
        Gauge("sttweb_queue_depth", "Transcripts that a worker could take now.", [Sample(numbers.due)]),
        Gauge("sttweb_queue_oldest_seconds", "Longest wait among them.", [Sample(numbers.oldest_due)]),
        Gauge("sttweb_sessions_live", "Live sources at work.", [Sample(live)]),
        Gauge("sttweb_lease_age_seconds_max", "Longest time since a held lease was renewed.", _largest(ages)),
        Gauge("sttweb_leases_expired", "Transcripts at work whose lease has passed.", [Sample(expired)]),
        Gauge("sttweb_event_lag_seconds_max", "Longest time since the last event of one at work.", _largest(delays)),
        Gauge("sttweb_event_lag_seconds_median", "The same, in the middle.", [Sample(_median(delays))]),
    ]  # fmt: skip


def _workers(numbers: Numbers) -> list[Gauge]:
    def each(values: Iterable[float]) -> list[Sample]:
        return [Sample(value, {"worker": w.name}) for w, value in zip(numbers.workers, values, strict=True)]

    return [
        Gauge("sttweb_workers_alive", "Workers heard of lately.", [Sample(sum(w.alive for w in numbers.workers))]),
        Gauge("sttweb_worker_heartbeat_age_seconds", "Time since a worker reported itself.",
              each(w.silent for w in numbers.workers)),
        Gauge("sttweb_worker_capacity", "Sessions that a worker takes.", each(w.capacity for w in numbers.workers)),
        Gauge("sttweb_worker_running", "Sessions that a worker runs.", each(w.running for w in numbers.workers)),
        Gauge("sttweb_worker_holding_back", "1: a worker takes nothing new; the reason is a label.", [
            Sample(1, {"worker": w.name, "reason": w.holding_back}) for w in numbers.workers if w.holding_back
        ]),
        Gauge("sttweb_worker_breaker_seconds", "Time until a worker tries a resting provider again.", [
            Sample(left, {"worker": w.name, "host": host}) for w in numbers.workers for host, left in w.breakers.items()
        ]),
    ]  # fmt: skip


def _trouble(numbers: Numbers) -> list[Gauge]:
    return [
        Gauge("sttweb_provider_interruptions_last_hour",
              "Connections to the speech service that broke or were refused in the last hour, by code; what was not "
              "answered is sent again after each.", _by("code", numbers.notices)),
        Gauge("sttweb_gaps_last_hour", "Gaps in the last hour, by reason.", _by("reason", numbers.gaps)),
        Gauge("sttweb_provider_accounts_blocked", "Accounts that stop their work, by code.", [
            Sample(1, {"host": account.host, "code": account.code}) for account in numbers.blocked
        ]),
    ]  # fmt: skip


def _by(label: str, counts: Mapping[str, float]) -> list[Sample]:
    return [Sample(number, {label: name}) for name, number in sorted(counts.items())]


def _largest(values: list[float]) -> list[Sample]:
    return [Sample(max(values, default=0.0))]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
