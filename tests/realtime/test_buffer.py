from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transcripts.media.pcm import Chunk
from transcripts.realtime.buffer import ReplayBuffer


def ramp(start: int, samples: int) -> Chunk:
    return Chunk(start, (np.arange(start, start + samples) % 30_000).astype("<i2").tobytes())


def test_what_was_fed_can_be_read_from_anywhere():
    buffer = ReplayBuffer(0)
    for start in range(0, 1000, 100):
        assert buffer.append(ramp(start, 100)) == 0
    assert buffer.read(250, 620) == ramp(250, 370).data
    assert buffer.run_end(0) == 1000


def test_a_hole_is_reported_and_ends_a_run():
    buffer = ReplayBuffer(0)
    buffer.append(ramp(0, 100))
    assert buffer.append(ramp(300, 100)) == 200
    assert buffer.run_end(50) == 100
    assert buffer.run_end(150) == 150
    assert buffer.next_audio(150) == 300
    assert buffer.next_audio(400) == 400


def test_what_was_fed_before_is_skipped():
    buffer = ReplayBuffer(0)
    buffer.append(ramp(0, 100))
    assert buffer.append(ramp(50, 100)) == 0
    assert buffer.append(ramp(20, 30)) == 0
    assert buffer.read(0, 150) == ramp(0, 150).data


def test_an_odd_byte_at_the_end_of_a_chunk_is_dropped():
    buffer = ReplayBuffer(0)
    buffer.append(Chunk(0, ramp(0, 10).data + b"\x01"))
    buffer.append(ramp(10, 10))
    assert buffer.read(0, 20) == ramp(0, 20).data


def test_releasing_frees_the_past_only():
    buffer = ReplayBuffer(0)
    buffer.append(ramp(0, 1000))
    buffer.release(400)
    assert (buffer.start, buffer.end) == (400, 1000)
    assert buffer.read(400, 500) == ramp(400, 100).data
    buffer.release(2000)
    assert (buffer.start, buffer.end) == (1000, 1000)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 200)), max_size=15), st.integers(0, 2000))
def test_every_run_reads_back_as_it_was_fed(parts, release):
    buffer, at, runs = ReplayBuffer(0), 0, []
    for gap, length in parts:
        assert buffer.append(ramp(at + gap, length)) == gap
        at += gap + length
        runs.append((at - length, at))
    buffer.release(release)
    for start, end in runs:
        low = max(start, release)
        if low < end:
            assert buffer.next_audio(low) == low
            assert buffer.read(low, end) == ramp(low, end - low).data
