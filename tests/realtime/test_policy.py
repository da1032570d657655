from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.realtime.options import SessionOptions
from transcripts.realtime.policy import GRID, CommitPolicy, View
from transcripts.realtime.tuning import PRESETS, Tuning

SECOND = 16_000


class Said:
    """Voice in the given spans of seconds, silence elsewhere."""

    def __init__(self, *spans: tuple[float, float]) -> None:
        self.spans = [(int(start * SECOND), int(end * SECOND)) for start, end in spans]

    def voice_in(self, start: int, end: int) -> int:
        return sum(max(0, min(end, high) - max(start, low)) for low, high in self.spans)

    def pause_at(self, position: int) -> int:
        last = max((min(high, position) for low, high in self.spans if low < position), default=0)
        return position - last

    def loudness_at(self, position: int, width: int) -> int:
        return 80 if self.voice_in(position - width // 2, position + width // 2) else 10


def first_cut(tuning: Tuning, said: Said, *, options=None, begin=0, waits=False, seconds=60) -> float:
    """Seconds of the first commit (infinite: none) when audio comes 100 ms at a time."""
    policy, cursor = CommitPolicy(options or SessionOptions(), tuning), begin
    for available in range(begin + GRID, begin + seconds * SECOND, GRID):
        view = View(begin, cursor, available, cursor - begin, cursor - begin, waits=waits)
        plan = policy.plan(view, said)
        assert cursor <= plan.limit <= available
        cursor = plan.limit
        if plan.cut:
            return (cursor - begin) / SECOND
    return math.inf


def test_live_commits_at_the_first_real_pause_after_some_speech():
    assert first_cut(Tuning(preset="live"), Said((0, 3), (3.3, 5), (6, 9))) == pytest.approx(5.5, abs=0.11)


def test_live_settles_a_short_remark_a_little_later():
    assert first_cut(Tuning(preset="live"), Said((1, 1.5))) == pytest.approx(3.0, abs=0.11)


def test_live_leaves_silence_alone_until_it_must():
    assert first_cut(Tuning(preset="live"), Said()) >= 26


def test_accurate_waits_for_a_pause_after_twenty_seconds():
    said = Said(*((start, start + 2.4) for start in range(0, 60, 3)))
    assert first_cut(Tuning(preset="accurate"), said) == pytest.approx(20.9, abs=0.11)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("waits", [False, True])
def test_speech_without_a_pause_is_cut_by_thirty_seconds(preset, waits):
    cut = first_cut(Tuning(preset=preset), Said((0, 60)), waits=waits)
    assert 25 <= cut <= 30


def test_a_file_is_cut_where_it_is_quietest_when_it_must_be():
    assert first_cut(Tuning(preset="accurate"), Said((0, 27.9), (28.0, 60)), waits=True) == pytest.approx(28, abs=0.11)


def test_manual_leaves_it_to_the_button_until_it_must():
    said = Said(*((start, start + 2) for start in range(0, 60, 4)))
    assert 26 <= first_cut(Tuning(preset="manual"), said) <= 30


def test_rotation_takes_the_next_small_pause():
    view = View(0, 3 * SECOND, 4 * SECOND, 3 * SECOND, 3 * SECOND, hurry=True)
    policy, said = CommitPolicy(SessionOptions(), Tuning()), Said((0, 3.5))
    assert policy.plan(view, said).limit == pytest.approx(3.8 * SECOND, abs=GRID)
    assert not policy.plan(replace(view, hurry=False), said).cut


def test_beside_the_providers_vad_a_commit_is_safe_only_amid_speech_or_long_after_it():
    vad = SessionOptions(commit_strategy="vad", vad_silence_threshold_secs=1.0)
    assert 25 <= first_cut(Tuning(), Said((0, 60)), options=vad) < 26
    assert first_cut(Tuning(), Said((0, 24)), options=vad) == pytest.approx(27, abs=0.11)


spans = st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 20)), max_size=6)


@given(
    st.sampled_from(PRESETS),
    st.booleans(),
    spans.map(lambda found: Said(*((start, start + length) for start, length in found))),
    st.integers(0, 30 * SECOND),
    st.integers(0, 10 * SECOND),
    st.integers(0, 2 * SECOND),
    st.booleans(),
)
def test_a_commit_is_never_under_the_floor_and_never_past_the_ceiling(preset, waits, said, cursor, ahead, extra, hurry):
    tuning = Tuning(preset=preset)
    uncommitted = min(cursor + extra, 31 * SECOND)
    view = View(0, cursor, cursor + ahead, uncommitted, cursor, waits=waits, hurry=hurry)
    plan = CommitPolicy(SessionOptions(), tuning).plan(view, said)
    assert cursor <= plan.limit <= cursor + ahead or plan.cut
    left = uncommitted + plan.limit - cursor
    assert left <= tuning.commit_ceiling_s * SECOND
    if plan.cut:
        assert cursor + plan.limit - cursor >= tuning.commit_floor_s * SECOND
