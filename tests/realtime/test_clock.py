from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transcripts.realtime.clock import ClockMap


def test_real_audio_runs_along_both_clocks():
    clock = ClockMap(0)
    clock.add_audio(1000, 500)
    clock.add_audio(1500, 500)
    assert clock.sent == 1000
    assert clock.to_transcript(0) == 1000
    assert clock.to_transcript(700) == 1700


def test_invented_silence_takes_no_time_on_the_transcripts_clock():
    clock = ClockMap(0)
    clock.add_audio(0, 100)
    clock.add_silence(40)
    clock.add_audio(100, 100)
    assert [clock.to_transcript(at) for at in (100, 120, 140, 150, 240)] == [100, 100, 100, 110, 200]


def test_a_gap_of_the_source_takes_no_time_on_the_connections_clock():
    clock = ClockMap(0)
    clock.add_audio(0, 100)
    clock.add_audio(5000, 100)
    assert clock.to_transcript(100) == 100
    assert clock.begins_at(100) == 5000
    assert clock.to_transcript(101) == 5001


def test_silence_before_any_audio_lies_where_the_audio_will_begin():
    clock = ClockMap(0)
    clock.aim(700)
    clock.add_silence(320)
    assert clock.to_transcript(100) == 700
    clock.add_audio(700, 10)
    assert clock.begins_at(320) == 700
    assert clock.to_transcript(325) == 705


def test_nothing_lies_beyond_what_was_sent():
    clock = ClockMap(0)
    clock.add_audio(0, 100)
    assert clock.to_transcript(10_000) == 100


pieces = st.lists(st.tuples(st.sampled_from(["audio", "silence", "gap"]), st.integers(1, 500)), max_size=20)


@given(pieces)
def test_every_sample_of_real_audio_maps_to_itself_and_order_is_kept(parts):
    clock, reached = ClockMap(0), 0
    truth: list[int | None] = []
    for kind, length in parts:
        if kind == "gap":
            reached += length
        elif kind == "silence":
            truth.extend([None] * length)
            clock.add_silence(length)
        else:
            truth.extend(range(reached, reached + length))
            clock.add_audio(reached, length)
            reached += length
    assert clock.sent == len(truth)
    mapped = [clock.begins_at(position) for position in range(len(truth))]
    assert all(sample in {None, found} for sample, found in zip(truth, mapped, strict=True))
    assert mapped == sorted(mapped)
