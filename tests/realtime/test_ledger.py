from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from transcripts.realtime.ledger import Ledger
from transcripts.realtime.linkevents import Answer, Note
from transcripts.realtime.results import Annotation, Committed, Gap, Partial, Word


def answer(text: str, end: int, *words: Word, own: bool = True) -> Answer:
    return Answer(text, end, own, words)


def test_consecutive_answers_abut():
    ledger = Ledger(100, "")
    assert ledger.answer(answer("a", 200))
    assert ledger.answer(answer("", 300))
    assert not ledger.answer(answer("late", 250))
    assert [(event.start, event.end, event.text) for event in ledger.events] == [
        (100, 200, "a"),
        (200, 300, ""),
        (300, 300, "late"),
    ]


def test_an_empty_answer_about_nothing_is_not_told():
    ledger = Ledger(0, "")
    ledger.answer(answer("", 0))
    assert not ledger.events


def test_words_that_were_told_are_not_told_again():
    ledger = Ledger(0, "")
    ledger.answer(answer("one two", 900, Word("one", 0, 400), Word(" ", 400, 500, "spacing"), Word("two", 500, 900)))
    again = (Word("two", 480, 890), Word(" ", 890, 950, "spacing"), Word("three", 950, 1300))
    ledger.answer(answer("two three", 1400, *again))
    assert ledger.events[-1].text == "three"
    assert [word.text for word in ledger.events[-1].words] == [" ", "three"]


def test_a_gap_waits_until_everything_before_it_is_settled():
    ledger = Ledger(0, "")
    ledger.gap(500, 800, "source_dropped")
    assert not ledger.events
    ledger.answer(answer("a", 500))
    assert ledger.events[-1] == Gap(500, 800, "source_dropped")
    assert ledger.done == 800


def test_what_is_lost_around_a_gap_of_the_source_keeps_its_own_reason():
    ledger = Ledger(0, "")
    ledger.gap(300, 400, "source_dropped")
    ledger.gap(0, 600, "buffer_overflow")
    assert list(ledger.events) == [
        Gap(0, 300, "buffer_overflow"),
        Gap(300, 400, "source_dropped"),
        Gap(400, 600, "buffer_overflow"),
    ]


def test_giving_up_keeps_the_last_guess_flagged():
    ledger = Ledger(0, "")
    ledger.gap(400, 500, "source_dropped")
    ledger.partial("well I th", 390)
    ledger.give_up(900)
    assert list(ledger.events)[1:] == [
        Committed("well I th", 0, 400, unconfirmed=True),
        Gap(400, 500, "source_dropped"),
        Gap(500, 900, "unanswered"),
    ]


def test_only_the_newest_guess_waits():
    ledger = Ledger(0, "")
    ledger.partial("a", 10)
    ledger.partial("a b", 20)
    assert list(ledger.events) == [Partial("a b", 0, 20)]


def test_the_context_is_the_end_of_the_text_cut_at_a_word():
    ledger = Ledger(0, "before")
    ledger.answer(answer("and then a very long sentence that goes on and on and on", 10))
    assert len(ledger.context) <= 50
    assert ledger.context.endswith("goes on and on and on")
    assert not ledger.context.startswith("ntence")
    assert Ledger(0, "short").context == "short"
    assert len(Ledger(0, "x" * 90).context) == 50


def test_a_note_never_points_beyond_what_was_told():
    ledger = Ledger(0, "")
    ledger.answer(answer("a", 200))
    ledger.note(Note("entities", {"text": "a"}, 900))
    ledger.note(Note("warning", {"warning": "w"}))
    assert list(ledger.events)[1:] == [
        Annotation("entities", {"text": "a"}, 200),
        Annotation("warning", {"warning": "w"}, None),
    ]


steps = st.lists(
    st.tuples(st.sampled_from(["answer", "gap", "overflow"]), st.integers(0, 300), st.integers(1, 300)), max_size=25
)


@given(steps)
def test_answers_and_gaps_in_any_order_tile_the_time(parts):
    ledger, reached, fed = Ledger(0, ""), 0, 0
    for kind, before, length in parts:
        if kind == "answer":
            ledger.answer(answer("x", ledger.done + length))
        elif kind == "gap":
            fed = max(fed, ledger.done) + before
            ledger.gap(fed, fed + length, "source_dropped")
            fed += length
        else:
            ledger.gap(ledger.done + before, ledger.done + before + length, "buffer_overflow")
    ledger.give_up(max(ledger.done, fed) + 1)
    for event in ledger.events:
        assert event.start == reached
        assert event.end is not None
        assert event.end >= reached
        reached = event.end
    assert reached == ledger.done
