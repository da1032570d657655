"""What is degraded, in plain sentences with a next step, worst first. Reads nothing but the settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from transcripts.jobs.headroom import judge_disk
from transcripts.models import State
from transcripts.upkeep.numbers import DiskLook, Numbers

#: A queue that waits longer than this, in seconds, with workers at hand, is worth a word.
LONG_WAIT = 60.0
#: A live source that says nothing for so long may be silent, or may hang.
LONG_SILENCE = 120.0
#: So many refused sign-ins within an hour are no forgetfulness of one's own people.
MANY_REFUSALS = 100
_TONES = ("bad", "warn")

HELD_BACK = {
    "disk_low": "its disk is nearly full",
    "disk_full": "its disk is full",
    "descriptors": "it has no file descriptors left",
    "memory": "the machine has no memory left",
    "decoder_unsafe": (
        "the sandbox of its decoder does not hold on that machine, so it decodes nothing; docs/media.md (The cage) says"
        " what it needs"
    ),
    "schema_newer": "the tables are newer than its program; start it again with the new version",
    "schema_older": "the tables are older than its program; run manage.py migrate",
}


class Word(NamedTuple):
    """``tone`` is bad (something does not work) or warn (it works, but not well)."""

    tone: str
    text: str


def degraded(numbers: Numbers, layer: str = "") -> list[Word]:
    """Everything that is not as it should be; empty when all is well. ``layer`` is what is wrong with Redis."""
    words = [
        *_workers(numbers),
        *_accounts(numbers),
        *_queue(numbers),
        *_sessions(numbers),
        *_sign_ins(numbers),
        *(word for disk in numbers.disks if (word := _disk(disk))),
        *([Word("warn", layer)] if layer else []),
    ]
    return sorted(words, key=lambda word: _TONES.index(word.tone))


def _workers(numbers: Numbers) -> Iterator[Word]:
    alive = [worker for worker in numbers.workers if worker.alive]
    if not alive:
        yield Word("bad", "No worker is running: nothing is transcribed. Start manage.py worker, or manage.py up.")
    for worker in numbers.workers:
        if not worker.alive:
            text = f"Worker {worker.name} has been silent for {duration(worker.silent)}; others take over its work."
            yield Word("warn", text)
        elif worker.holding_back:
            why = HELD_BACK.get(worker.holding_back, worker.holding_back)
            yield Word("warn", f"Worker {worker.name} takes nothing new: {why}.")
        for host, left in worker.breakers.items():
            text = f"Worker {worker.name} leaves {host} alone for {duration(left)} after repeated failures."
            yield Word("warn", text)


def _accounts(numbers: Numbers) -> Iterator[Word]:
    for account in numbers.blocked:
        yield Word("bad", " ".join(filter(None, [f"{account.host}:", account.message, account.next_step])))


def _queue(numbers: Numbers) -> Iterator[Word]:
    if numbers.due and numbers.oldest_due > LONG_WAIT and any(worker.alive for worker in numbers.workers):
        busy = all(worker.running >= worker.capacity for worker in numbers.workers if worker.alive)
        step = "All workers are full: start another one." if busy else "Workers have room: look at their logs."
        yield Word("warn", f"The oldest of {numbers.due} in the queue waits for {duration(numbers.oldest_due)}. {step}")
    if paused := numbers.states.get(State.PAUSED.value, 0):
        yield Word("warn", f"Paused until somebody acts: {paused}.")


def _sessions(numbers: Numbers) -> Iterator[Word]:
    expired = sum(1 for session in numbers.sessions if (session.lease_left or 0.0) <= 0)
    if expired:
        yield Word("warn", f"At work without a worker that renews the lease: {expired}. They are taken over.")
    silent = sum(1 for session in numbers.sessions if session.is_live and (session.delay or 0.0) > LONG_SILENCE)
    if silent:
        yield Word("warn", f"Live sources without any event for over {duration(LONG_SILENCE)}: {silent}.")


def _sign_ins(numbers: Numbers) -> Iterator[Word]:
    if numbers.refused_sign_ins >= MANY_REFUSALS:
        text = f"{numbers.refused_sign_ins} sign-ins were refused within the last hour: somebody may be guessing"
        yield Word("warn", f"{text} passwords. Look at the audit record in the admin.")


def _disk(disk: DiskLook) -> Word | None:
    """What the workers make of it, by the operator's own bounds."""
    judged = judge_disk(disk.free, disk.total)
    if judged == "disk_full":
        return Word("bad", f"The disk of the {disk.name} folder is full: work pauses. Make room.")
    if judged == "disk_low":
        return Word("warn", f"The disk of the {disk.name} folder is nearly full: nothing new begins. Make room.")
    return None


def duration(seconds: float) -> str:
    """``7 s``, ``3 min``, ``5 h`` or ``2 days``, rounded down."""
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and unit != "days"):
            return f"{int(seconds // size)} {unit}"
    return f"{int(seconds)} s"
