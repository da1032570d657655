"""The numbers as metrics. Nothing of people in them: no titles, no teams, no addresses.

What is read from the tables is the same whichever process answers; what a process counted about itself carries its
name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sttweb.counting import Tally
from sttweb.prometheus import Metric, Sample, counter, gauge, histogram
from transcripts.live import counts
from transcripts.upkeep.numbers import MOST_ROWS, Numbers


def metrics_of(numbers: Numbers, about: Mapping[str, str]) -> list[Metric]:
    """Everything that the tables say. ``about`` are the labels of ``sttweb_info``: version, database, layer, engine."""
    return [
        gauge("sttweb_info", "What runs, in labels; always 1.", [Sample(1, about)]),
        *_work(numbers),
        *_workers(numbers),
        *_trouble(numbers),
        *_sessions(numbers),
        gauge("sttweb_disk_free_bytes", "Free space of the disk that a folder is on.", [
            Sample(disk.free, {"folder": disk.name}) for disk in numbers.disks
        ]),
        gauge("sttweb_disk_total_bytes", "Size of the disk that a folder is on.", [
            Sample(disk.total, {"folder": disk.name}) for disk in numbers.disks
        ]),
        gauge("sttweb_erasures_open", "Erasures whose files are not gone yet.", [Sample(numbers.erasures_open)]),
        gauge("sttweb_sign_ins_refused_last_hour", "Sign-ins that were refused in the last hour, of all accounts.", [
            Sample(numbers.refused_sign_ins)
        ]),
        gauge("sttweb_counted_rows_limit", "A counter of this height is a lower bound.", [Sample(MOST_ROWS)]),
    ]  # fmt: skip


def _work(numbers: Numbers) -> list[Metric]:
    delays = [session.delay for session in numbers.sessions if session.delay is not None]
    ages = [session.lease_age for session in numbers.sessions if session.lease_age is not None]
    expired = sum(1 for session in numbers.sessions if (session.lease_left or 0.0) <= 0)
    live = sum(1 for session in numbers.sessions if session.is_live)
    return [
        gauge("sttweb_transcripts", "Transcripts that have not ended, by state.", _by("state", numbers.states)),
        gauge("sttweb_transcripts_ended_last_hour", "Transcripts that ended in the last hour, by state.",
              _by("state", numbers.ended)),
        gauge("sttweb_queue_depth", "Transcripts that a worker could take now.", [Sample(numbers.due)]),
        gauge("sttweb_queue_oldest_seconds", "Longest wait among them.", [Sample(numbers.oldest_due)]),
        gauge("sttweb_sessions_live", "Live sources at work.", [Sample(live)]),
        gauge("sttweb_lease_age_seconds_max", "Longest time since a held lease was renewed.", _largest(ages)),
        gauge("sttweb_leases_expired", "Transcripts at work whose lease has passed.", [Sample(expired)]),
        gauge("sttweb_event_lag_seconds_max", "Longest time since the last event of one at work.", _largest(delays)),
        gauge("sttweb_event_lag_seconds_median", "The same, in the middle.", [Sample(_median(delays))]),
    ]  # fmt: skip


def _workers(numbers: Numbers) -> list[Metric]:
    def each(values: Iterable[float]) -> list[Sample]:
        return [Sample(value, {"worker": w.name}) for w, value in zip(numbers.workers, values, strict=True)]

    return [
        gauge("sttweb_workers_alive", "Workers heard of lately.", [Sample(sum(w.alive for w in numbers.workers))]),
        gauge("sttweb_worker_heartbeat_age_seconds", "Time since a worker reported itself.",
              each(w.silent for w in numbers.workers)),
        gauge("sttweb_worker_capacity", "Sessions that a worker takes.", each(w.capacity for w in numbers.workers)),
        gauge("sttweb_worker_running", "Sessions that a worker runs.", each(w.running for w in numbers.workers)),
        gauge("sttweb_worker_holding_back", "1: a worker takes nothing new; the reason is a label.", [
            Sample(1, {"worker": w.name, "reason": w.holding_back}) for w in numbers.workers if w.holding_back
        ]),
        gauge("sttweb_worker_breaker_seconds", "Time until a worker tries a resting provider again.", [
            Sample(left, {"worker": w.name, "host": host}) for w in numbers.workers for host, left in w.breakers.items()
        ]),
    ]  # fmt: skip


def _trouble(numbers: Numbers) -> list[Metric]:
    return [
        gauge("sttweb_provider_interruptions_last_hour",
              "Connections to the speech service that broke or were refused in the last hour, by code; what was not "
              "answered is sent again after each.", _by("code", numbers.notices)),
        gauge("sttweb_gaps_last_hour", "Gaps in the last hour, by reason.", _by("reason", numbers.gaps)),
        gauge("sttweb_provider_accounts_blocked", "Accounts that stop their work, by code.", [
            Sample(1, {"host": account.host, "code": account.code}) for account in numbers.blocked
        ]),
    ]  # fmt: skip


def _sessions(numbers: Numbers) -> list[Metric]:
    """What the workers counted; each tells its numbers with its heartbeat."""

    def told(family: str, name: str | None = None) -> list[Sample]:
        return [
            Sample(number, {"worker": w.name} | ({"code": label} if name is None else {}))
            for w in numbers.workers
            for label, number in sorted(w.counts.get(family, {}).items())
            if name in (None, label)
        ]

    return [
        counter("sttweb_provider_errors_total", "Failures of the speech service, by code.", told("provider_errors")),
        counter("sttweb_provider_connections_total", "Connections to the speech service that became ready.",
                told("sessions", "connections")),
        counter("sttweb_provider_replays_total", "Connections that sent again what the one before had not answered.",
                told("sessions", "replays")),
        counter("sttweb_commits_total", "Committed answers of the speech service.", told("sessions", "commits")),
        counter("sttweb_gaps_total", "Stretches of audio that nobody could hear.", told("sessions", "gaps")),
        counter("sttweb_provider_unknown_messages_total", "Messages of a type that this version does not know.",
                told("sessions", "unknown_messages")),
    ]  # fmt: skip


def counters(process: str) -> list[Metric]:
    """What this process counted about its browsers since its start."""

    def of(tally: Tally, label: str = "") -> list[Sample]:
        return [
            Sample(number, {"process": process} | ({label: name} if label else {}))
            for name, number in sorted(tally.values().items())
        ]

    return [
        gauge("sttweb_viewers", "Sockets of browsers that are open, by what they watch.", of(counts.viewers, "page")),
        counter("sttweb_deliveries_total", "Messages given to sockets of browsers, by kind.",
                of(counts.deliveries, "kind")),
        counter("sttweb_partials_replaced_total", "Partials that a newer one replaced before they left.",
                of(counts.partials_replaced)),
        counter("sttweb_replays_total", "Browsers that came back and lacked something.", of(counts.replays)),
        counter("sttweb_replayed_rows_total", "Rows of logs that they were sent.", of(counts.replayed_rows)),
        counter("sttweb_sockets_closed_total", "Sockets that this side closed, by code; 4408 is too slow.",
                of(counts.sockets_closed, "code")),
        counter("sttweb_doorbells_total", "News of logs that were watched: heard by a message, or missed and found by "
                "the poll.", of(counts.doorbells, "how")),
        counter("sttweb_publish_failures_total", "Messages that the channel layer did not take.",
                of(counts.publish_failures)),
        histogram("sttweb_delivery_lag_seconds", "From the writing of a row to handing it to the browsers.",
                  counts.lag.bounds, *counts.lag.read(), {"process": process}),
    ]  # fmt: skip


def _by(label: str, counts: Mapping[str, float]) -> list[Sample]:
    return [Sample(number, {label: name}) for name, number in sorted(counts.items())]


def _largest(values: list[float]) -> list[Sample]:
    return [Sample(max(values, default=0.0))]


def _median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2] if values else 0.0
