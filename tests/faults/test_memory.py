"""A long stream in little time: the memory of the worker, engine and decoder included, does not grow with it."""

from __future__ import annotations

import time

import pytest

from tests.faults.machines import LONG, Land, figure, rss


@pytest.mark.services
@pytest.mark.skipif(not LONG, reason="five minutes: make faults")
def test_memory_of_a_two_hour_stream_is_flat(land: Land) -> None:
    blocks, pace = 72_000, 24
    worker = land.worker(STTWEB_LEASE_SECONDS="20")
    transcript = land.tape(blocks, pace=pace)
    began, samples = time.monotonic(), []
    while land.row(transcript)[0] not in {"completed", "failed"}:
        time.sleep(5)
        samples.append((land.row(transcript)[4] / 16_000 / 60, rss(worker.pid)))
    land.check(transcript, blocks)
    early = max(size for minute, size in samples if minute <= 20)
    late = max(size for minute, size in samples if minute > 20)
    assert late - early < 15
    points = [samples[n * (len(samples) - 1) // 11] for n in range(12)]
    curve = ", ".join(f"{minute:.0f} min {size:.0f}" for minute, size in points)
    figure(
        "memory",
        f"{blocks // 600} min of audio at {pace} x in {time.monotonic() - began:.0f} s, MB of the worker: {curve}",
    )
