"""Webhooks and alerts when those who read and send die: at least once, under the same id, no hit lost or doubled; on
PostgreSQL and on SQLite."""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.machines import LONG, Land, figure
from tests.jobs.conftest import names, tape_wav
from tests.jobs.test_server import free_port
from tests.jobs.test_up import stop, until_up, up
from tests.jobs.visitor import Visitor
from tests.upkeep.installations import Installation
from tests.webhooks.conftest import PUBLIC, Receiver, is_genuine, serve

#: Known to the receiver, as a team would have copied it.
SECRET = "whsec_" + "c3R0d2ViLXN0dHdlYi1zdHR3ZWItc3R0d2ViMTI="
#: Terms that are on the tape, each once.
WATCHED = [names(400)[number] for number in range(10, 400, 30)]
SET_UP = f"""
from transcripts.models import Team, Watchlist, Webhook
Webhook.objects.all().delete(); Watchlist.objects.all().delete()
team = Team.objects.order_by("created_at").first()
Webhook.objects.create(team=team, url={{url!r}}, secret={SECRET!r}, events={{events!r}})
Watchlist.objects.create(team=team, name="Tape", terms={WATCHED!r})
"""
EVERYTHING = ["transcript.created", "transcript.completed", "segment.committed", "alert.hit"]


#: Answered and not noted; read and not kept; about to be read.
FAULTS = ["webhook.answered:kill@3", "news.before_commit:kill@2", "news.start:kill@4"]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    server = serve(made)
    yield made
    server.shutdown()
    server.server_close()


def reachable(receiver: Receiver) -> dict[str, str]:
    """The settings of processes that may send there."""
    return {"FETCH_ALLOW_NETWORKS": f"{PUBLIC}/32", "FETCH_ALLOW_PORTS": str(receiver.port), "STTWEB_TESTING": "1"}


def until(reached: Callable[[], Any], about: Callable[[], object], seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < end, about()
        time.sleep(0.05)


def check(receiver: Receiver, transcript: str) -> Counter[str]:
    """Everything that is due has come, signed, and alike each time; how often each id came."""
    assert all(is_genuine(SECRET, headers, body) for headers, body in receiver.got)
    times = Counter(headers["webhook-id"] for headers, _ in receiver.got)
    bodies = {(headers["webhook-id"], body) for headers, body in receiver.got}
    assert len(bodies) == len(times), "an id came with two bodies"
    first = {headers["webhook-id"]: receiver.messages[at] for at, (headers, _) in enumerate(receiver.got)}
    ours = [one for one in first.values() if one["data"]["transcript"]["id"] == transcript]
    assert Counter(one["type"] for one in ours)["transcript.completed"] == 1
    assert sorted(one["data"]["term"] for one in ours if one["type"] == "alert.hit") == sorted(WATCHED)
    segments = [part for one in ours if one["type"] == "segment.committed" for part in one["data"]["segments"]]
    words = [word for part in sorted(segments, key=lambda part: int(part["segment"])) for word in part["text"].split()]
    assert words == names(400)
    return times


def told(receiver: Receiver, transcript: str) -> bool:
    """Its end has come, which is the last of its news."""
    ends = [one for one in list(receiver.messages) if one["type"] == "transcript.completed"]
    return any(one["data"]["transcript"]["id"] == transcript for one in ends)


def prepare(land: Land, receiver: Receiver, events: list[str]) -> None:
    land.run("shell", "--command", SET_UP.format(url=receiver.url, events=events))


def clear(land: Land) -> None:
    land.ask_nothing("delete from transcripts_delivery; delete from transcripts_webhook")
    land.ask_nothing("delete from transcripts_hit; delete from transcripts_watchlist")


def hits(land: Land, transcript: str) -> list[str]:
    rows = land.ask("select term from transcripts_hit where transcript_id = %s", transcript)
    return sorted(term for (term,) in rows)


def pending(land: Land) -> int:
    return int(land.ask("select count(*) from transcripts_delivery where state = 'pending'")[0][0])


@pytest.mark.services
@pytest.mark.parametrize("fault", FAULTS if LONG else FAULTS[:2])
def test_a_worker_killed_while_telling_costs_no_message_and_no_hit(land: Land, receiver: Receiver, fault: str) -> None:
    prepare(land, receiver, EVERYTHING)
    try:
        doomed = land.worker(STTWEB_FAULT=fault, **reachable(receiver))
        transcript = land.tape(400, pace=20)
        assert doomed.wait(60) == -signal.SIGKILL, land.logs()
        # The sender's lease is 25 s; what it guards has just died.
        land.ask_nothing("update transcripts_webhook set sender_until = now()")
        for _ in range(2):
            land.worker(**reachable(receiver))
        assert land.until_done(transcript) == "completed"
        until(lambda: len(hits(land, transcript)) >= len(WATCHED) and told(receiver, transcript), land.logs)
        until(lambda: not pending(land), land.logs)
        assert hits(land, transcript) == sorted(WATCHED)
        times = check(receiver, transcript)
    finally:
        clear(land)
    again = sum(times.values()) - len(times)
    assert again == (1 if fault.startswith("webhook") else 0)
    figure("telling", f"{fault} on PostgreSQL: {len(times)} messages, {again} of them twice under its id, "
                      f"{len(WATCHED)} of {len(WATCHED)} hits once")  # fmt: skip


@pytest.mark.services
def test_two_workers_send_nothing_twice_and_one_at_a_time_to_an_address(land: Land, receiver: Receiver) -> None:
    prepare(land, receiver, ["transcript.created"])
    at_once: list[int] = []
    inside, lock = [0], threading.Lock()

    def before() -> None:
        with lock:
            inside[0] += 1
            at_once.append(inside[0])
        time.sleep(0.01)
        with lock:
            inside[0] -= 1

    receiver.before = before
    make = """
from transcripts.models import Delivery, Webhook
from django.utils import timezone
hook = Webhook.objects.get()
Delivery.objects.bulk_create(Delivery(webhook=hook, event_id=f"msg_{n}", kind="transcript.created",
    payload={"n": n}, next_at=timezone.now()) for n in range(150))
"""
    try:
        workers = [land.worker(**reachable(receiver)) for _ in range(2)]
        land.run("shell", "--command", make)
        until(lambda: len(receiver.got) > 30, land.logs)
        # One stops in order in the middle: the other goes on at once, and nothing waits for a lease.
        holder = workers[0]
        holder.send_signal(signal.SIGTERM)
        until(lambda: not pending(land), land.logs)
        assert holder.wait(40) == 0
    finally:
        clear(land)
    counts = Counter(message["n"] for message in receiver.messages)
    assert set(counts) == set(range(150))
    # What a stopping sender had in hand may come twice: that one, and no other.
    assert sum(counts.values()) <= 151
    assert max(at_once) == 1
    first = list(dict.fromkeys(message["n"] for message in receiver.messages))
    assert first == list(range(150))
    figure("telling", f"two workers, 150 messages to one address: at most {max(at_once)} at once, "
                      f"{sum(counts.values()) - 150} twice")  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS if LONG else FAULTS[1:2])
def test_the_whole_product_killed_on_sqlite_tells_everything_when_it_is_back(
    tmp_path: Path, receiver: Receiver, fault: str
) -> None:
    # The second start waits for the lease of the dead one.
    leases = {"STTWEB_LEASE_SECONDS": "8", "STTWEB_HEARTBEAT_SECONDS": "2"}
    home, port = Installation(tmp_path, {**reachable(receiver), **leases}), free_port()
    with up(tmp_path, port, **home.environment) as process:
        password = until_up(process).split("Password")[1].split()[0]
        home.shell(SET_UP.format(url=receiver.url, events=EVERYTHING))
        assert stop(process)[0] == 0
    with up(tmp_path, port, STTWEB_FAULT=fault, **home.environment) as process:
        visitor = ready(port)
        assert visitor.log_in("owner", password)
        transcript = visitor.submit("tape.wav", tape_wav(400), pace="20")
        assert process.wait(60) == -signal.SIGKILL
    home.sqlite("update transcripts_webhook set sender_until = null")
    with up(tmp_path, port, **home.environment) as process:
        about = lambda: [(one["type"], one["data"]) for one in receiver.messages][-3:]  # noqa: E731
        until(lambda: "transcript.completed" in receiver.kinds, about)
        query = "select count(*) from transcripts_delivery where state = 'pending'"
        until(lambda: home.sqlite(query) == [(0,)], about)
        assert stop(process)[0] == 0
    assert sorted(term for (term,) in home.sqlite("select term from transcripts_hit")) == sorted(WATCHED)
    times = check(receiver, transcript)
    assert sum(times.values()) - len(times) == (1 if fault.startswith("webhook") else 0)


def ready(port: int) -> Visitor:
    """Somebody at a product that is starting again."""
    visitor = Visitor(port)

    def answers() -> bool:
        try:
            visitor.get("/login")
        except OSError:
            return False
        return True

    until(answers, lambda: "the product does not answer")
    return visitor
