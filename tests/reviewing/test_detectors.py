"""What a person should look at, found without knowing the language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from transcripts.models import FlagKind
from transcripts.models.flag import WEIGHTS
from transcripts.reviewing import detectors
from transcripts.reviewing.detectors import PEAK_MS, Heard, Loudness, Typical, find

USUAL = Typical(0.9, 0.8)


def passage(text: str, confidences: Sequence[float | None] | float = 0.9, *, index: int = 0, start: int = 0) -> Heard:
    """A word each half second."""
    said = text.split()
    sure = [confidences] * len(said) if isinstance(confidences, float) else confidences
    words: list[list[Any]] = [
        [word, start + 500 * place, start + 500 * place + 400, sure[place]] for place, word in enumerate(said)
    ]
    return Heard(index, start, words[-1][2], text, words)


def sound(*parts: tuple[int, int]) -> Loudness:
    """A waveform of (milliseconds, step) after each other."""
    return Loudness(b"".join(bytes([256 - step if step else 0, step]) * (ms // PEAK_MS) for ms, step in parts))


def kinds(passages: Sequence[Heard], **options: Any) -> list[tuple[str, int | None]]:
    return [(one.kind, one.segment) for one in find(passages, **{"typical": USUAL, **options})]


def test_every_detector_has_a_kind_and_every_kind_a_weight() -> None:
    assert set(WEIGHTS) == set(FlagKind)


def test_a_run_of_low_words_or_a_low_mean_is_flagged_and_a_single_low_word_is_not() -> None:
    run = passage("one two three four five six seven eight", [0.9, 0.9, 0.3, 0.2, 0.4, 0.9, 0.9, 0.9])
    assert kinds([run]) == [("confidence", 0)]
    assert kinds([passage("one two three", [0.6, 0.6, 0.6])]) == [("confidence", 0)]
    assert kinds([passage("one two three four", [0.9, 0.3, 0.9, 0.9])]) == []
    assert kinds([passage("one two three four", [None, None, None, None])]) == []


def test_an_engine_that_is_never_sure_is_measured_by_itself() -> None:
    typical_here = passage("one two three four", 0.5)
    assert kinds([typical_here], typical=Typical(0.5, 0.4)) == []
    assert kinds([typical_here], typical=Typical(0.95, 0.9)) == [("confidence", 0)]


def test_what_is_typical_comes_from_the_histogram_and_begins_with_a_prior() -> None:
    assert detectors.typical_of([]).middle == pytest.approx(0.9, abs=0.01)
    few = detectors.counted([], [passage("a b c", 0.1)])
    assert detectors.typical_of(few).low_mean < 0.6
    many = detectors.counted(few, [passage("a b c d e f g h", 0.3)] * 20)
    assert detectors.typical_of(many).middle == pytest.approx(0.3, abs=0.01)
    assert sum(detectors.counted([], [passage("a b", [1.0, -0.5])])) == 2


def test_where_words_lie_close_together_a_passage_is_low_sooner() -> None:
    said = [passage("one two three four", 0.85)]
    assert kinds(said, typical=Typical(0.99, 0.97)) == [("confidence", 0)]
    assert kinds(said, typical=Typical(0.99, 0.85)) == []


def test_text_where_the_recording_is_quiet_is_flagged_and_a_quiet_speaker_is_not() -> None:
    said = passage("thank you very much", start=10_000, index=3)
    speech = passage("good evening everybody here", index=2)
    loud_then_quiet = sound((8_000, 60), (8_000, 1))
    assert kinds([speech, said], loudness=loud_then_quiet) == [("silence", 3)]
    assert kinds([speech, said], loudness=sound((8_000, 60), (8_000, 10))) == []
    assert kinds([speech, said], loudness=sound((16_000, 3))) == []
    assert kinds([speech, said], loudness=sound((8_000, 3), (8_000, 0))) == [("silence", 3)]


def test_somebody_who_speaks_too_softly_to_be_seen_is_told_from_silence_by_how_much_is_said() -> None:
    aside = [
        passage(
            f"many words {n} in a low voice and more of them as if nobody listened {n * 7}",
            index=n,
            start=10_000 + 8_500 * n,
        )
        for n in range(3)
    ]
    assert kinds(aside, loudness=sound((10_000, 60), (30_000, 1))) == []
    alone = passage("many words", index=0, start=20_000)
    assert kinds([alone], loudness=sound((10_000, 60), (30_000, 1))) == [("silence", 0)]


def test_a_few_words_put_behind_the_last_ones_of_a_passage_are_found() -> None:
    said = passage("good evening and welcome to the news thank you for watching")
    assert kinds([said], loudness=sound((3_400, 60), (10_000, 0))) == [("silence", 0)]


def test_nothing_is_said_about_sound_that_is_not_kept() -> None:
    assert kinds([passage("good evening", start=60_000)], loudness=sound((8_000, 1))) == []
    assert kinds([passage("good evening")], loudness=Loudness(b"\x00")) == []


def test_more_letters_than_anyone_speaks() -> None:
    text = "this is a whole sentence in next to no time at all"
    assert kinds([Heard(0, 0, 500, text)]) == [("rate", 0)]
    assert kinds([Heard(0, 0, 3_000, text)]) == []
    assert kinds([Heard(0, 5, 5, text)]) == [("rate", 0)]
    assert kinds([Heard(0, 0, 1_000, "新闻联播今天的主要内容有以下几个方面请看详细报道")]) == [("rate", 0)]


def test_a_loop_across_passages_is_one_finding_from_its_first_to_its_last() -> None:
    passages = [
        passage(text, index=n, start=n * 10_000) for n, text in enumerate(["Hello folks.", *["Thanks, folks."] * 5])
    ]
    [found] = [one for one in find(passages, typical=USUAL) if one.kind == "loop"]
    assert (found.segment, found.start_ms, found.end_ms) == (1, 10_000, passages[-1].end_ms)
    assert found.details == {"times": 5}


def test_a_loop_that_began_before_the_new_passages_keeps_its_beginning() -> None:
    passages = [passage("Thanks, folks.", index=n, start=n * 10_000) for n in range(8)]
    [found] = [one for one in find(passages[4:], before=passages[:4], typical=USUAL) if one.kind == "loop"]
    assert (found.segment, found.details["times"]) == (0, 8)


def test_the_same_words_alone_in_many_pauses_are_a_refrain() -> None:
    texts = [
        "so it goes",
        "Thank you.",
        "and then more",
        "Thank you.",
        "a third thing",
        "Thank you.",
        "last",
        "Thank you.",
        "x",
    ]
    apart = [passage(text, index=n, start=n * 10_000) for n, text in enumerate(texts)]
    assert kinds(apart) == [("refrain", n) for n in (1, 3, 5, 7)]
    close = [passage(text, index=n, start=n * 2_000) for n, text in enumerate(texts)]
    assert kinds(close) == []
    assert kinds(apart[:6]) == []


def test_what_was_never_confirmed_and_what_nobody_heard() -> None:
    assert kinds([Heard(4, 0, 900, "so", unconfirmed=True)]) == [("unconfirmed", 4)]
    missing = detectors.gap(1_000, 4_000, "source_dropped")
    assert (missing.segment, missing.score, missing.details) == (None, 0.3, {"reason": "source_dropped"})
