"""The plan over reloads: no segment twice, none passed over in silence, no busy reloading."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.media.hls.model import MediaPlaylist, Segment
from transcripts.media.hls.schedule import Schedule, Skip, Take

ORIGIN = "https://radio.sttweb.org/"


def listing(first: int, count: int, *, seconds: float = 6.0, name: str = "s", target: float = 6.0) -> MediaPlaylist:
    segments = tuple(Segment(n, f"{ORIGIN}{name}{n}.ts", seconds) for n in range(first, first + count))
    return MediaPlaylist(target, first, segments)


def taken(schedule: Schedule) -> list[int | tuple[float, str]]:
    """Numbers of the segments and (seconds, reason) of the holes that are planned now."""
    found: list[int | tuple[float, str]] = []
    while (step := schedule.next_step()) is not None:
        match step:
            case Take(segment):
                found.append(segment.sequence)
            case Skip(seconds, reason):
                found.append((round(seconds, 3), reason))
    return found


def following(*playlists: tuple[float, MediaPlaylist]) -> Schedule:
    schedule = Schedule(0.0)
    for now, playlist in playlists:
        schedule.update(playlist, now)
    return schedule


def test_a_live_stream_is_joined_three_target_durations_before_its_end() -> None:
    assert taken(following((0.0, listing(100, 10)))) == [107, 108, 109]
    assert taken(following((0.0, listing(100, 2)))) == [100, 101]


def test_a_live_stream_can_be_taken_from_its_oldest_segment() -> None:
    schedule = Schedule(0.0, from_start=True)
    schedule.update(listing(100, 10), 0.0)
    assert taken(schedule) == list(range(100, 110))


def test_a_recording_is_taken_whole_and_then_it_is_over() -> None:
    schedule = following((0.0, replace(listing(0, 50), ended=True)))
    assert not schedule.ended
    assert taken(schedule) == list(range(50))
    assert schedule.ended


def test_overlapping_reloads_hand_out_each_segment_once() -> None:
    schedule = following((0.0, listing(10, 3)), (6.0, listing(11, 3)), (9.0, listing(11, 3)), (12.0, listing(13, 3)))
    assert taken(schedule) == [10, 11, 12, 13, 14, 15]


def test_a_stall_of_45_seconds_and_a_jump_of_five_segments_is_a_hole_of_five_segments() -> None:
    schedule = following((0.0, listing(10, 3)), (45.0, listing(18, 3)))
    assert taken(schedule) == [10, 11, 12, (30.0, "missed"), 18, 19, 20]


def test_the_length_of_a_hole_is_taken_from_the_dates_when_they_are_there() -> None:
    def dated(playlist: MediaPlaylist, start: float) -> MediaPlaylist:
        segments = (replace(s, program_time=start + 6.0 * i) for i, s in enumerate(playlist.segments))
        return replace(playlist, segments=tuple(segments))

    schedule = following((0.0, dated(listing(10, 3), 1000.0)), (45.0, dated(listing(18, 3), 1018.0 + 27.5)))
    assert (27.5, "missed") in taken(schedule)


def test_a_segment_announced_as_absent_is_a_hole() -> None:
    playlist = listing(1, 3)
    absent = replace(playlist.segments[1], gap=True)
    playlist = replace(playlist, segments=(playlist.segments[0], absent, playlist.segments[2]))
    assert taken(following((0.0, playlist))) == [1, (6.0, "announced"), 3]


def test_an_old_copy_from_a_cache_changes_nothing() -> None:
    schedule = following((0.0, listing(10, 3)), (6.0, listing(11, 3)))
    taken(schedule)
    schedule.update(listing(9, 3), 9.0)
    schedule.update(listing(12, 3), 12.0)
    assert taken(schedule) == [14]


def test_a_much_older_copy_is_not_believed_at_once() -> None:
    schedule = following((0.0, listing(100, 3)))
    taken(schedule)
    schedule.update(listing(50, 3), 3.0)
    schedule.update(listing(101, 3), 6.0)
    assert taken(schedule) == [103]


def test_lists_of_a_whole_day_are_followed_like_short_ones() -> None:
    schedule = following(
        (0.0, listing(0, 5000)), (6.0, listing(0, 5001)), (12.0, listing(0, 5003)), (18.0, listing(1, 5003))
    )
    assert taken(schedule) == [4997, 4998, 4999, 5000, 5001, 5002, 5003]


def test_a_restarted_encoder_is_followed_from_its_new_numbers_with_the_silence_as_a_hole() -> None:
    schedule = following((0.0, listing(100, 3)))
    taken(schedule)
    schedule.update(listing(0, 2, name="new"), 40.0)
    assert taken(schedule) == []
    schedule.update(listing(0, 2, name="new"), 43.0)
    assert taken(schedule) == [(31.0, "restarted"), 0, 1]
    schedule.update(listing(1, 3, name="new"), 46.0)
    assert taken(schedule) == [2, 3]


def test_after_a_restart_the_decoder_is_told_and_old_hours_are_not_heard_again() -> None:
    schedule = following((0.0, listing(1000, 3)))
    taken(schedule)
    for now in (10.0, 13.0):
        schedule.update(listing(5, 600, name="backup"), now)
    step = schedule.next_step()
    assert isinstance(step, Skip)
    step = schedule.next_step()
    assert isinstance(step, Take)
    assert step.segment.discontinuity
    assert step.segment.sequence == 603


def test_a_server_that_never_counts_is_followed_by_names() -> None:
    def uncounted(first: int) -> MediaPlaylist:
        playlist = listing(first, 3)
        return replace(playlist, segments=tuple(replace(s, sequence=i) for i, s in enumerate(playlist.segments)))

    schedule = following((0.0, uncounted(7)), (6.0, uncounted(8)), (12.0, uncounted(9)))
    names = []
    while isinstance(step := schedule.next_step(), Take):
        names.append(step.segment.uri.rpartition("/")[2])
    assert names == ["s7.ts", "s8.ts", "s9.ts", "s10.ts", "s11.ts"]


def test_signed_links_that_change_at_each_reload_are_followed_by_numbers() -> None:
    def signed(first: int, token: str) -> MediaPlaylist:
        playlist = listing(first, 3)
        return replace(
            playlist, segments=tuple(replace(s, uri=f"{ORIGIN}{token}{s.sequence}") for s in playlist.segments)
        )

    schedule = following((0.0, signed(7, "x")), (6.0, signed(8, "y")), (12.0, signed(8, "z")), (18.0, signed(9, "w")))
    assert taken(schedule) == [7, 8, 9, 10, 11]


def test_numbers_that_turn_into_dates_are_a_restart_and_no_hole_of_years() -> None:
    schedule = following((0.0, listing(5, 3)))
    taken(schedule)
    schedule.update(listing(1_700_000_000, 3), 6.0)
    assert taken(schedule) == [1_700_000_002]


@pytest.mark.parametrize(("target", "wait"), [(6.0, 6.0), (0.0, 1.0), (-5.0, 1.0), (1e12, 30.0), (0.2, 1.0)], ids=str)
def test_reloads_wait_a_target_duration_and_half_of_it_when_nothing_changed(target: float, wait: float) -> None:
    schedule = Schedule(0.0)
    schedule.update(listing(1, 3, target=target), 100.0)
    assert schedule.reload_at == 100.0 + wait
    schedule.update(listing(1, 3, target=target), 110.0)
    assert schedule.reload_at == 110.0 + max(1.0, wait / 2)


def test_failed_reloads_wait_longer_each_time_and_a_good_one_forgets_them() -> None:
    schedule = Schedule(0.0)
    assert [schedule.failed(0.0) for _ in range(7)] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]
    schedule.update(listing(1, 3), 0.0)
    assert schedule.failures == 0


def test_stalling_is_counted_from_the_last_news() -> None:
    schedule = following((0.0, listing(1, 3)), (20.0, listing(1, 3)))
    assert schedule.idle(25.0) == 25.0
    schedule.update(listing(2, 3), 30.0)
    assert schedule.idle(31.0) == 1.0
    assert 12.0 < schedule.stall_after <= 20.0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9), st.floats(0, 30)), max_size=25))
def test_whatever_a_server_says_no_listed_segment_is_handed_out_twice_in_one_numbering(
    reloads: list[tuple[int, int, float]],
) -> None:
    schedule, now = Schedule(0.0), 0.0
    seen: list[int] = []
    for first, count, wait in reloads:
        now += wait
        schedule.update(listing(first, count), now)
        while (step := schedule.next_step()) is not None:
            if isinstance(step, Skip):
                assert 0 < step.seconds < 1e6
                continue
            if step.segment.discontinuity:
                seen.clear()
            assert step.segment.sequence not in seen
            seen.append(step.segment.sequence)
        assert 1.0 <= schedule.reload_at - now <= 30.0
