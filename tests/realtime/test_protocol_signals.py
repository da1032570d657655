"""One provider session: what it says beside answers, what it does by itself, and how it ends."""

from __future__ import annotations

import pytest

from tests.realtime.desk import SECOND, Desk, partial, plain, timed
from transcripts.realtime.errors import ErrorClass
from transcripts.realtime.linkevents import Answer, Failed, Heard, Note
from transcripts.realtime.options import SessionOptions

# Commits of the service itself.


def test_an_automatic_commit_covers_no_more_than_its_words():
    desk = Desk()
    desk.send(0, 37, commit=False)
    desk.say(plain("a b"), timed("a b", (1, 2), (30, 31)))
    assert desk.answers() == [("a b", 31, False)]
    assert desk.link.fresh == 0
    assert desk.link.uncommitted == 6 * SECOND


def test_after_an_automatic_commit_only_new_audio_is_surely_uncommitted():
    desk = Desk()
    desk.send(0, 37, commit=False)
    desk.say(plain("a"), timed("a", (30, 31)))
    desk.send(37, 37.2, commit=False)
    assert desk.link.fresh == pytest.approx(0.2 * SECOND, abs=1)


def test_an_automatic_commit_on_the_way_is_not_taken_for_the_answer_to_ours():
    desk = Desk(voice=((0, 10), (32, 35)))
    desk.send(0, 36)
    desk.say(plain("a"), timed("a", (9, 10)))
    assert desk.answers() == [("a", 10, False)]
    desk.say(plain("b"), timed("b", (33, 35)))
    assert desk.answers() == [("b", 36, True)]


def test_noise_after_the_last_word_only_delays_the_end_of_the_segment():
    desk = Desk(voice=((0, 2), (3, 5)))
    desk.send(0, 5)
    desk.say(plain("a"), timed("a", (1, 2)))
    assert desk.answers() == [("a", 2, False)]
    desk.wait(2.1)
    assert desk.answers() == [("", 5, True)]


def test_under_vad_every_final_is_the_services_own():
    desk = Desk(SessionOptions(commit_strategy="vad"), voice=((0, 3), (5, 6)))
    desk.send(0, 8, commit=False)
    desk.say(plain("a"), timed("a", (0, 3)), plain("b"), timed("b", (5, 6)))
    assert desk.answers() == [("a", 3, False), ("b", 6, False)]


def test_under_vad_without_word_times_a_final_ends_at_the_first_long_pause():
    options = SessionOptions(commit_strategy="vad", vad_silence_threshold_secs=1.0, include_timestamps=False)
    desk = Desk(options, voice=((0, 3), (3.4, 4), (6, 7)))
    desk.send(0, 10, commit=False)
    desk.say(plain("a"))
    ((text, end, late),) = desk.answers()
    assert (text, late) == ("a", False)
    assert end == pytest.approx(4, abs=0.05)


def test_a_phantom_final_of_nothing_is_noted_and_not_told():
    desk = Desk(SessionOptions(commit_strategy="vad"))
    desk.send(0, 5)
    desk.say(plain("a"), timed("a", (1, 2)))
    desk.link.events()
    desk.link.padding(SECOND, desk.now)
    desk.say(plain("thank you"))
    desk.wait(2.1)
    assert [event for event in desk.link.events() if isinstance(event, Answer)] == []


# Partials.


def test_partials_are_told_as_they_come_even_between_a_commit_and_its_answer():
    desk = Desk()
    desk.send(0, 3, commit=False)
    desk.say(partial("on"))
    desk.send(3, 5)
    desk.say(partial("one"))
    assert desk.link.events() == [Heard("on"), Heard("one")]


def test_the_echo_of_a_final_is_dropped_once():
    desk = Desk()
    desk.send(0, 5)
    desk.say(plain("hi"), timed("hi", (1, 2)), partial("hi"), partial("hi"))
    heard = [event for event in desk.link.events() if isinstance(event, Heard)]
    assert heard == [Heard("hi")]


def test_the_echo_may_come_between_the_twins():
    desk = Desk()
    desk.send(0, 5)
    desk.say(plain("hi"), partial("hi"), timed("hi", (1, 2)))
    assert not [event for event in desk.link.events() if isinstance(event, Heard)]


def test_an_empty_final_has_no_echo():
    desk = Desk()
    desk.send(0, 5)
    desk.say(plain(""), timed(""), partial("next"))
    assert Heard("next") in desk.link.events()


# Time.


def test_word_times_are_the_connections_and_told_on_the_transcripts_clock():
    desk = Desk(aim=(70 * SECOND, 70 * SECOND, ""))
    desk.send(70, 72, commit=False)
    desk.link.padding(SECOND, desk.now)
    desk.send(72, 75)
    desk.say(plain("a b"), timed("a b", (1, 1.5), (3.5, 4)))
    answer = next(event for event in desk.link.events() if isinstance(event, Answer))
    spoken = [word for word in answer.words if word.kind == "word"]
    assert [(word.start / SECOND, word.end / SECOND) for word in spoken] == [(71, 71.5), (72.5, 73)]


def test_words_of_a_preroll_are_trimmed():
    desk = Desk(aim=(9 * SECOND, 10 * SECOND, ""))
    desk.send(9, 15)
    desk.say(plain("old new"), timed("old new", (0.2, 0.9), (1.5, 2)))
    assert desk.answers() == [("new", 15, True)]


def test_a_preroll_without_word_times_is_heard_again():
    desk = Desk(aim=(9 * SECOND, 10 * SECOND, ""))
    desk.send(9, 15)
    desk.say(plain("old new"))
    desk.wait(2.1)
    assert [event.fault.code for event in desk.link.events()] == ["answer_untimed"]


def test_confidence_is_the_exponential_of_the_logprob():
    desk = Desk()
    desk.send(0, 5)
    message = timed("hi", (1, 2))
    message["words"][0]["logprob"] = -0.105
    desk.say(plain("hi"), message)
    answer = next(event for event in desk.link.events() if isinstance(event, Answer))
    assert answer.words[0].confidence == pytest.approx(0.9, abs=0.001)


def test_characters_are_kept_on_the_transcripts_clock():
    desk = Desk(aim=(SECOND, SECOND, ""))
    desk.send(1, 5)
    message = {**timed("hi", (1, 2)), "segment_index": 3}
    message["words"][0]["characters"] = [{"text": "h", "start": 1, "end": 1.5}, {"text": "i", "start": 1.5, "end": 2}]
    desk.say(message)
    answer = next(event for event in desk.link.events() if isinstance(event, Answer))
    assert answer.raw["segment_index"] == 3
    assert answer.raw["characters"] == [[["h", 2 * SECOND, 2.5 * SECOND], ["i", 2.5 * SECOND, 3 * SECOND]]]


# Everything else that is said.


def test_entities_follow_the_segment_that_they_are_about():
    desk = Desk()
    desk.send(0, 5)
    entities = {"message_type": "committed_transcript_entities", "text": "mara", "entities": []}
    desk.say(plain("mara"), entities, timed("mara", (1, 2)))
    kinds = [type(event) for event in desk.link.events()]
    assert kinds == [Answer, Note]


@pytest.mark.parametrize(
    "message",
    [
        {"message_type": "redacted_transcript", "text": "mara", "redacted_text": "{NAME}"},
        {"message_type": "edited_transcript", "text": "mara", "edited_text": "Mara."},
        {"message_type": "committed_transcript_entities", "text": "mara", "entities": [{"text": "mara"}]},
    ],
)
def test_what_is_said_about_a_segment_names_its_end(message):
    desk = Desk()
    desk.send(0, 5)
    desk.send(5, 9)
    desk.say(plain("mara"), timed("mara", (1, 2)), plain("b"), timed("b", (6, 7)), message)
    note = desk.link.events()[-1]
    assert note == Note(message["message_type"], {k: v for k, v in message.items() if k != "message_type"}, 5 * SECOND)


def test_diarized_words_are_told_on_the_transcripts_clock():
    desk = Desk(aim=(10 * SECOND, 10 * SECOND, ""))
    desk.send(10, 15)
    word = {"text": "Yes.", "start": 1.0, "end": 1.5, "type": "word", "speaker_id": "speaker_0"}
    desk.say(plain("Yes."), timed("Yes.", (1, 1.5)))
    desk.say({"message_type": "diarized_transcript", "segment_index": 0, "text": "Yes.", "words": [word]})
    note = desk.link.events()[-1]
    assert note.payload["words"] == [{**word, "start": 11.0, "end": 11.5}]
    assert note.end == 15 * SECOND


@pytest.mark.parametrize(
    "message",
    [
        {"message_type": "speakers_merged", "from_speaker_id": "a", "to_speaker_id": "b"},
        {"message_type": "warning", "warning": "logged"},
        {"message_type": "brand_new", "x": [1]},
    ],
)
def test_what_belongs_to_the_session_is_kept_as_it_came(message):
    desk = Desk()
    desk.say(message)
    [note] = desk.link.events()
    assert {"message_type": note.kind, **note.payload} == message
    assert note.end is None


def test_rubbish_is_kept_and_harms_nothing():
    desk = Desk()
    desk.say("{", "[]", "null")
    assert [event.kind for event in desk.link.events()] == ["unreadable"] * 3
    desk.send(0, 5)
    desk.say(plain("hi"), timed("hi", (1, 2)))
    assert desk.answers() == [("hi", 5, True)]


# Ends.


def test_an_input_error_leaves_the_session_open_and_the_third_ends_the_job():
    desk = Desk()
    for _ in range(2):
        desk.say({"message_type": "input_error", "error": "Message must be a valid protocol message"})
    assert [type(event) for event in desk.link.events()] == [Note, Note]
    desk.say({"message_type": "input_error", "error": "Message must be a valid protocol message"})
    fault = desk.link.events()[-1].fault
    assert (fault.code, fault.klass) == ("input_error", ErrorClass.FATAL_JOB)


def test_an_error_frame_decides_and_the_close_behind_it_adds_nothing():
    desk = Desk(start=False)
    desk.say({"message_type": "auth_error", "error": "You must be authenticated to use this endpoint."})
    desk.link.closed(1000, "")
    [failed] = desk.link.events()
    assert failed.fault.klass is ErrorClass.FATAL_KEY
    assert failed.fault.provider_text == "You must be authenticated to use this endpoint."


def test_nothing_is_read_after_the_end():
    desk = Desk()
    desk.send(0, 5)
    desk.link.closed(1006, "")
    desk.say(plain("late"), timed("late", (1, 2)))
    assert [type(event) for event in desk.link.events()] == [Failed]


def test_a_service_that_goes_silent_on_speech_is_noticed():
    desk = Desk(voice=((0, 60),), drain_s=1000.0)
    desk.send(0, 60, commit=False)
    desk.wait(44)
    assert not desk.link.failed
    desk.wait(1.1)
    assert [event.fault.code for event in desk.link.events()] == ["provider_silent"]


def test_a_service_that_has_nothing_to_say_about_silence_is_not():
    desk = Desk()
    desk.send(0, 60, commit=False)
    desk.wait(300)
    assert not desk.link.failed


def test_deadlines_stand_still_while_nothing_is_read():
    desk = Desk(drain_s=1.0)
    desk.send(0, 5)
    desk.link.postpone(60)
    desk.wait(50)
    assert not desk.link.failed


def test_due_says_when_something_will_happen():
    desk = Desk(drain_s=1.0)
    desk.send(0, 5)
    assert desk.link.due() == pytest.approx(desk.now + 6)
    desk.say(plain("hi"))
    assert desk.link.due() == pytest.approx(desk.now + 2)
    desk.link.closed(1000, "")
    desk.link.events()
    assert desk.link.due() == float("inf")
