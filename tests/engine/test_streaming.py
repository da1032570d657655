"""Segments and commits of one stream, driven by made-up speech probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.engine.alignment import HeardWord
from transcripts.engine.recognizer import StreamOptions
from transcripts.engine.streaming import Endpoint, Segment, StreamState, Tail
from transcripts.engine.vad import FRAME, Gain, Segmenter

SECOND = 16_000
OPTIONS = StreamOptions(SECOND, SECOND // 2)


def probabilities(*parts: tuple[float, float]) -> list[float]:
    """(seconds, probability) pairs as frames."""
    return [value for seconds, value in parts for _ in range(round(seconds * SECOND / FRAME))]


class Feeder:
    """Feeds a stream frame by frame in real time, or all at once."""

    def __init__(self, state: StreamState) -> None:
        self.state, self.now = state, 100.0

    def play(self, *parts: tuple[float, float], pace: float = 1.0) -> None:
        for value in probabilities(*parts):
            self.now += FRAME / SECOND / pace
            self.state.feed(np.zeros(FRAME, np.float32), [value], self.now)


def stream(options: StreamOptions = OPTIONS) -> Feeder:
    return Feeder(StreamState(options, 100.0))


def understand(segment: Segment, text: str) -> None:
    segment.words = [HeardWord(text, segment.start, segment.end, -0.1)]


def test_a_pause_ends_a_segment_with_a_roll_on_both_sides():
    segmenter = Segmenter()
    spans = [segmenter.push(value) for value in probabilities((1, 0.0), (2, 0.9), (1, 0.1))]
    (span,) = [span for span in spans if span]
    assert span.start == pytest.approx(0.7 * SECOND, abs=FRAME)
    assert span.end == pytest.approx(3.2 * SECOND, abs=FRAME)


def test_a_click_is_no_segment():
    segmenter = Segmenter()
    assert not any(segmenter.push(value) for value in probabilities((1, 0.0), (0.064, 0.9), (2, 0.0)))


def test_speech_without_a_pause_is_cut_at_its_quietest_point_of_the_last_five_seconds():
    segmenter = Segmenter()
    values = probabilities((3, 0.9), (0.1, 0.5), (9, 0.9), (0.2, 0.4), (10, 0.9))
    spans = [span for value in values if (span := segmenter.push(value))]
    assert len(spans) == 1
    assert spans[0].end == pytest.approx(12.2 * SECOND, abs=0.2 * SECOND)
    assert segmenter.start == spans[0].end


@given(st.lists(st.tuples(st.floats(0.1, 12), st.sampled_from([0.0, 0.3, 0.45, 0.9])), max_size=12), st.data())
def test_segments_never_overlap_nor_cross_a_commit_and_are_never_longer_than_fifteen_seconds(
    parts: list[tuple[float, float]], data: st.DataObject
):
    segmenter, spans, commits = Segmenter(), [], [0]
    for part in parts:
        spans += [span for value in probabilities(part) if (span := segmenter.push(value))]
        if data.draw(st.booleans()):
            span = segmenter.commit(segmenter.position)
            spans += [span] if span else []
            commits.append(segmenter.position)
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(span.end - span.start <= 15 * SECOND for span in spans)
    assert not any(span.start < commit < span.end for span in spans for commit in commits)


def test_quiet_speech_is_raised_for_the_detector_and_loud_speech_left_alone():
    gain = Gain()
    quiet = np.full(FRAME, 0.004, np.float32)
    for _ in range(900):
        raised = gain.apply(quiet)
    assert raised.max() == pytest.approx(0.3, rel=0.05)
    assert Gain().apply(np.full(FRAME, 0.8, np.float32)).max() == pytest.approx(0.8)


def test_the_tail_keeps_what_is_asked_for_by_absolute_sample():
    tail = Tail()
    for first in range(0, 1000, 100):
        tail.append(np.arange(first, first + 100, dtype=np.float32))
    tail.forget(250)
    assert tail.slice(300, 303).tolist() == [300, 301, 302]
    tail.forget(955)
    assert (tail.start, tail.slice(955, 1000).size) == (955, 45)


def test_a_commit_answers_with_its_segments_in_order_once_all_are_understood():
    feeder = stream()
    feeder.play((1, 0.9), (1, 0.0), (1, 0.9))
    feeder.state.commit()
    first, second = feeder.state.commits[0].segments
    assert feeder.state.finished_commits() == []
    understand(second, "two")
    understand(first, "one")
    (commit,) = feeder.state.finished_commits()
    assert [word.text for word in commit.words()] == ["one", "two"]
    assert (commit.start, commit.end) == (0, feeder.state.audio.end)


def test_a_commit_over_silence_is_finished_at_once():
    feeder = stream()
    feeder.play((1, 0.0))
    feeder.state.commit()
    (commit,) = feeder.state.finished_commits()
    assert commit.words() == []


def test_speech_over_a_commit_goes_on_in_a_new_segment_right_there():
    feeder = stream()
    feeder.play((2, 0.9))
    end = feeder.state.audio.end
    feeder.state.commit()
    feeder.play((1, 0.9), (1, 0.0))
    assert [(s.start, s.end) for s in feeder.state.commits[0].segments] == [(0, end)]
    assert feeder.state.segments[0].start == end
    assert feeder.state.segments[0].closed


def test_a_partial_is_wanted_after_the_first_stretch_then_at_intervals_and_not_while_words_wait():
    feeder = stream()
    feeder.play((0.8, 0.9))
    assert feeder.state.partial_due(feeder.now) is None
    feeder.play((0.4, 0.9))
    due = feeder.state.partial_due(feeder.now)
    assert due is not None
    segment, end = due
    assert end == feeder.state.audio.end
    feeder.state.partial_done(segment, feeder.now, 0.1)
    assert feeder.state.partial_text(segment, ["It", "was", "the"]) == "It"
    assert feeder.state.partial_due(feeder.now) is None
    feeder.play((0.6, 0.9))
    assert feeder.state.partial_due(feeder.now) is not None
    feeder.play((0.1, 0.9), (0.7, 0.0))
    assert feeder.state.waiting() is not None
    assert feeder.state.partial_due(feeder.now) is None


def test_the_end_is_understood_ahead_of_the_commit_and_then_needs_no_second_look():
    feeder = stream()
    feeder.play((2, 0.9), (0.35, 0.0))
    due = feeder.state.partial_due(feeder.now)
    assert due is not None
    segment, end = due
    segment.draft = [HeardWord("Done.", 0, end, -0.1)]
    segment.decoded_end = end
    assert feeder.state.partial_due(feeder.now) is None
    feeder.state.commit()
    (commit,) = feeder.state.finished_commits()
    assert [word.text for word in commit.words()] == ["Done."]


def test_a_file_gets_no_partials_of_its_own_but_shows_finished_segments_up_to_the_first_open_one():
    feeder = stream()
    feeder.play((4, 0.9), (1, 0.0), (4, 0.9), (1, 0.0), (2, 0.9), pace=30)
    assert feeder.state.is_bulk(feeder.now)
    assert feeder.state.partial_due(feeder.now) is None
    first, second = [segment for segment in feeder.state.segments if segment.closed]
    understand(second, "two")
    assert feeder.state.partial_text() is None
    understand(first, "one")
    assert feeder.state.partial_text() == "one two"
    feeder.play((5, 0.9), pace=1)
    assert not feeder.state.is_bulk(feeder.now)


def test_memory_stays_flat_while_nobody_speaks_and_progress_waits_for_words():
    feeder = stream()
    feeder.play((60, 0.0), pace=50)
    feeder.state.forget()
    assert feeder.state.audio.end - feeder.state.audio.start < 2 * SECOND
    assert feeder.state.progress() == feeder.state.audio.end
    feeder.play((1, 0.9), (1, 0.0), pace=50)
    assert feeder.state.progress() == feeder.state.segments[0].start


def test_the_servers_own_endpoint_needs_speech_then_silence():
    endpoint = Endpoint(0.5, 0.5, 0.1, 0.1)
    assert not any(endpoint.push(value) for value in probabilities((2, 0.0)))
    assert not any(endpoint.push(value) for value in probabilities((1, 0.9), (0.4, 0.0)))
    assert any(endpoint.push(value) for value in probabilities((0.2, 0.0)))
    assert not any(endpoint.push(value) for value in probabilities((5, 0.0)))
