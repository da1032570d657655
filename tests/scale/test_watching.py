"""What each of several processes says about itself, and what all of them say about the whole."""

from __future__ import annotations

import time

import pytest

from tests.jobs.conftest import names, tape_wav
from tests.jobs.visitor import Visitor, text_of
from tests.scale.conftest import PASSWORD, Cluster

pytestmark = [pytest.mark.services, pytest.mark.timeout(300)]


def scraped(visitor: Visitor) -> dict[str, float]:
    lines = [line for line in visitor.get("/metrics").splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def told(read: dict[str, float], name: str, label: str = "") -> float:
    """The sum of all samples of a name that carry ``label``."""
    return sum(value for key, value in read.items() if key.partition("{")[0] == name and label in key)


def test_deliveries_are_counted_by_process_and_work_for_all(cluster: Cluster) -> None:
    first, second = cluster.web(), cluster.web()
    assert first.log_in("owner", PASSWORD)
    second = Visitor(second.port, first.jar)
    cluster.worker(STTWEB_HEARTBEAT_SECONDS="0.5")
    transcript = first.submit("tape.wav", tape_wav(200, 40), pace="10")
    events = second.follow(transcript)
    assert text_of(events).split() == names(200), cluster.logs()
    end = time.monotonic() + 30
    while not told(scraped(first), "sttweb_commits_total"):
        assert time.monotonic() < end, cluster.logs()
        time.sleep(0.2)
    one, other = scraped(first), scraped(second)
    assert told(one, "sttweb_deliveries_total") == 0
    assert told(other, "sttweb_deliveries_total", 'kind="log"') >= len(events)
    assert told(other, "sttweb_delivery_lag_seconds_count") >= 1
    assert told(other, "sttweb_doorbells_total", 'how="heard"') >= 1
    for name in ("sttweb_commits_total", "sttweb_provider_connections_total", "sttweb_workers_alive"):
        assert told(one, name) == told(other, name) >= 1
    processes = {key.partition('process="')[2].partition('"')[0] for read in (one, other) for key in read}
    assert len(processes - {""}) == 2
