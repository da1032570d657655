from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.engine.reader import TapeReader
from transcripts.engine.tape import BLOCK, BLOCKS, block_name, block_number, make_tape


def heard(reader: TapeReader) -> list[int]:
    return [block_number(word.text) for word in reader.take()]


@given(st.integers(0, BLOCKS - 1))
def test_every_block_number_reads_back(number: int):
    reader = TapeReader()
    reader.feed(make_tape(number, 1))
    assert heard(reader) == [number]


def test_word_times_are_the_block_on_the_connections_clock():
    reader = TapeReader()
    reader.feed(bytes(2 * 700) + make_tape(41, 2))
    assert [(word.text, word.start, word.end) for word in reader.take()] == [
        ("b000041", 700, 700 + BLOCK),
        ("b000042", 700 + BLOCK, 700 + 2 * BLOCK),
    ]


@given(st.lists(st.integers(1, 9000), max_size=12))
def test_a_tape_cut_anywhere_by_commits_gives_each_block_once(cuts: list[int]):
    tape, reader, at = make_tape(900, 60), TapeReader(), 0
    found: list[int] = []
    for cut in cuts:
        # The server takes no commit under 0.3 s of audio.
        middle, end = at + 2 * cut, at + 2 * (cut + 4800)
        reader.feed(tape[at:middle])
        reader.feed(tape[middle:end])
        at = end
        found += heard(reader)
    reader.feed(tape[at:])
    assert found + heard(reader) == list(range(900, 960))


@given(st.integers(1, 40 * BLOCK - 1))
def test_a_replay_on_a_new_connection_from_an_exact_sample_gives_each_block_once(cut: int):
    tape = make_tape(5, 40)
    first, second = TapeReader(), TapeReader()
    first.feed(tape[: 2 * cut])
    second.feed(tape[2 * cut :])
    assert heard(first) + heard(second) == list(range(5, 45))


def test_what_is_sent_twice_is_reported_twice_and_in_order():
    reader = TapeReader()
    reader.feed(make_tape(3, 4) + make_tape(5, 2))
    assert heard(reader) == [3, 4, 5, 6, 5, 6]


def test_a_block_is_reported_when_its_middle_sample_was_sent():
    tape = make_tape(7, 1)
    whole, less = TapeReader(), TapeReader()
    whole.feed(tape[: 2 * (BLOCK // 2 + 1)])
    less.feed(tape[: 2 * (BLOCK // 2)])
    assert (heard(whole), heard(less)) == ([7], [])


def test_audio_missing_in_the_middle_of_a_block_loses_that_block_only():
    tape = make_tape(20, 5)
    reader = TapeReader()
    reader.feed(tape[: 2 * (2 * BLOCK + 100)] + tape[2 * (3 * BLOCK - 100) :])
    assert heard(reader) == [20, 21, 23, 24]


def test_silence_reads_as_nothing():
    reader = TapeReader()
    reader.feed(bytes(2 * 16000))
    assert (heard(reader), reader.silence) == ([], 16000)


@pytest.mark.parametrize("word", ["", "b12", "c000012", "hello"])
def test_other_words_name_no_block(word: str):
    with pytest.raises(ValueError):
        block_number(word)


def test_a_block_number_beyond_the_code_is_refused():
    with pytest.raises(ValueError):
        make_tape(BLOCKS, 1)
    assert block_name(12) == "b000012"
