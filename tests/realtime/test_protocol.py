"""One provider session: sections 1, 4, 5 and 7 of the protocol reference as rules of the connection."""

from __future__ import annotations

import json

import pytest

from tests.realtime.desk import SECOND, STARTED, Desk, partial, plain, timed
from transcripts.realtime.linkevents import Answer, Failed, Ready
from transcripts.realtime.options import SessionOptions

# Readiness and what is sent.


def test_an_open_socket_is_no_session():
    desk = Desk(start=False)
    before = desk.link.ready
    desk.say(STARTED)
    assert (before, desk.link.ready) == (False, True)
    assert desk.link.events() == [Ready("ab" * 16, {"model_id": "m"})]


def test_a_session_that_does_not_start_in_time_is_given_up():
    desk = Desk(start=False)
    desk.wait(10.1)
    assert [event.fault.code for event in desk.link.events()] == ["session_timeout"]
    assert desk.link.failed


def test_previous_text_goes_with_the_first_chunk_only():
    desk = Desk(aim=(0, 0, "so far"))
    assert desk.send(0, 1, commit=False)["previous_text"] == "so far"
    assert "previous_text" not in desk.send(1, 2)


def test_a_commit_is_an_audio_chunk_too():
    desk = Desk()
    assert desk.send(0, 1)["commit"] is True
    empty = json.loads(desk.link.commit(SECOND, desk.now))
    assert (empty["message_type"], empty["audio_base_64"], empty["commit"]) == ("input_audio_chunk", "", True)


def test_other_formats_are_encoded_and_named():
    desk = Desk(SessionOptions(audio_format="ulaw_8000"))
    frame = desk.send(0, 1)
    assert frame["sample_rate"] == 8000
    assert len(frame["audio_base_64"]) == -(-8000 // 3) * 4
    assert desk.link.clock.sent == SECOND


# Answers: one per commit, in order.


def test_an_answer_covers_what_was_sent_up_to_its_commit():
    desk = Desk()
    desk.send(0, 5)
    desk.send(5, 9)
    desk.say(plain("one"), timed("one", (1, 2)), plain("two"), timed("two", (6, 7)))
    assert desk.answers() == [("one", 5, True), ("two", 9, True)]
    assert not desk.link.outstanding


def test_an_empty_answer_advances_all_the_same():
    desk = Desk()
    desk.send(0, 5)
    desk.say(plain(""), timed(""))
    assert desk.answers() == [("", 5, True)]


@pytest.mark.parametrize("flip", [False, True])
def test_both_halves_in_either_order_make_one_answer(flip):
    desk = Desk()
    desk.send(0, 5)
    messages = [plain("hi"), timed("hi", (1, 2))]
    desk.say(*(reversed(messages) if flip else messages))
    desk.wait(3)
    assert desk.answers() == [("hi", 5, True)]


def test_a_lost_timed_half_is_replaced_by_the_plain_one_after_two_seconds():
    desk = Desk()
    desk.send(0, 5)
    desk.say(partial("hi"), plain("hi"))
    desk.wait(1.5)
    assert desk.answers() == []
    desk.wait(1)
    assert desk.answers() == [("hi", 5, True)]
    desk.say(timed("hi", (1, 2)))
    assert desk.answers() == []


def test_without_timestamps_the_plain_half_is_the_answer_at_once():
    desk = Desk(SessionOptions(include_timestamps=False))
    desk.send(0, 5)
    desk.say(plain("hi"))
    assert desk.answers() == [("hi", 5, True)]


def test_language_detection_brings_a_timed_half_without_words():
    desk = Desk(SessionOptions(include_timestamps=False, include_language_detection=True))
    desk.send(0, 5)
    desk.say(plain("ja"), {**timed("ja", (0, 1)), "words": None, "language_code": "de"})
    events = [event for event in desk.link.events() if isinstance(event, Answer)]
    assert [(event.text, event.language, event.words) for event in events] == [("ja", "de", ())]


def test_the_older_names_of_finals_are_read():
    desk = Desk()
    desk.send(0, 5)
    desk.say({**plain("hi"), "message_type": "final_transcript"})
    desk.say({**timed("hi", (1, 2)), "message_type": "final_transcript_with_timestamps"})
    assert desk.answers() == [("hi", 5, True)]


@pytest.mark.parametrize("copies", [2, 3])
def test_a_doubled_or_tripled_answer_counts_once_even_while_the_next_is_awaited(copies):
    desk = Desk()
    desk.send(0, 5)
    desk.send(5, 9)
    for _ in range(copies):
        desk.say(plain("one"), timed("one", (1, 2)))
    assert desk.answers() == [("one", 5, True)]
    desk.say(plain("two"), timed("two", (6, 7)))
    assert desk.answers() == [("two", 9, True)]


def test_a_doubled_empty_answer_does_not_answer_the_next_commit():
    desk = Desk()
    desk.send(0, 5)
    desk.send(5, 9)
    desk.say(plain(""), timed(""), plain(""), timed(""))
    assert desk.answers() == [("", 5, True)]
    desk.say(plain("two"), timed("two", (6, 7)))
    assert desk.answers() == [("two", 9, True)]


def test_two_empty_answers_to_two_commits_of_silence_are_both_believed():
    desk = Desk()
    desk.send(0, 5)
    desk.send(5, 9)
    desk.say(plain(""), timed(""), plain(""), timed(""))
    desk.wait(2.1)
    assert desk.answers() == [("", 5, True), ("", 9, True)]


def test_a_real_repeat_is_no_double():
    desk = Desk()
    desk.send(0, 5)
    desk.say(plain("yes"), timed("yes", (1, 2)))
    desk.send(5, 9)
    desk.say(plain("yes"), timed("yes", (6, 7)))
    assert desk.answers() == [("yes", 5, True), ("yes", 9, True)]


def test_a_swallowed_answer_shows_by_the_words_of_the_next():
    desk = Desk()
    desk.send(0, 5)
    desk.send(5, 9)
    desk.say(plain("two"), timed("two", (6, 7)))
    assert [event.fault.code for event in desk.link.events()] == ["answer_missing"]


def test_a_commit_that_the_service_ignored_is_answered_with_the_next():
    desk = Desk()
    desk.send(0, 5)
    desk.send(5, 9)
    desk.say(plain("one two"), timed("one two", (1, 2), (6, 7)))
    assert desk.answers() == [("one two", 9, True)]


def test_an_answer_that_never_comes_has_a_deadline_of_its_audio_and_some_more():
    desk = Desk(drain_s=15.0)
    desk.send(0, 20)
    desk.wait(34)
    assert not desk.link.failed
    desk.wait(1.1)
    assert [event.fault.code for event in desk.link.events()] == ["answer_missing"]


def test_an_empty_answer_is_not_believed_for_speech_while_a_later_commit_waits():
    desk = Desk(voice=((1, 4),))
    desk.send(0, 5)
    desk.send(5, 9)
    desk.say(plain(""), timed(""))
    desk.wait(10)
    assert desk.answers() == []
    desk.say(plain(""), timed(""))
    assert desk.answers() == [("", 5, True), ("", 9, True)]


def test_untimed_answers_are_not_guessed_at_while_several_wait():
    desk = Desk()
    desk.send(0, 5)
    desk.send(5, 9)
    desk.say(plain("one or two"))
    desk.wait(2.1)
    assert [event.fault.code for event in desk.link.events()] == ["answer_untimed"]


def test_a_text_without_times_that_no_guess_announced_is_not_taken_for_the_answer():
    """It may be a final out of nowhere while the real answer is on its way: what was said is heard again instead."""
    desk = Desk()
    desk.send(0, 5)
    desk.say(plain("Phantom."))
    desk.wait(2.1)
    assert [event.fault.code for event in desk.link.events()] == ["answer_untimed"]


def test_words_that_a_partial_had_shown_must_be_in_the_answer():
    desk = Desk()
    desk.send(0, 4, commit=False)
    desk.say(partial("one"))
    desk.send(4, 9)
    desk.say(plain("two"), timed("two", (6, 7)))
    faults = [event.fault.code for event in desk.link.events() if isinstance(event, Failed)]
    assert faults == ["answer_doubtful"]
