"""The pure parts between the network and the answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.engine.alignment import HeardWord, clip_to_voice, token_frames
from transcripts.engine.guards import loop_start, quietest, stable_prefix, token_cap
from transcripts.engine.result import drop_invented
from transcripts.engine.tokenizer import Tokenizer, parse_pieces


def test_pieces_are_read_with_one_and_two_byte_lengths():
    long = b"x" * 200
    assert parse_pieces(b"\x01a\x00" + bytes([128 + 200 % 128, 200 // 128]) + long) == [b"a", b"", long]


def test_words_start_at_the_mark_and_join_to_the_text():
    mark = "▁".encode()
    tokenizer = Tokenizer([b"<unk>", b"<s>", b"</s>", mark + b"Hel", b"lo", b",", mark + b"w\xc3", b"\xb6rld"])
    tokens = [3, 4, 5, 6, 7]
    words = tokenizer.words(tokens)
    assert [(word.text, word.first, word.last) for word in words] == [("Hello,", 0, 3), ("wörld", 3, 5)]
    assert tokenizer.text(tokens) == "Hello, wörld"
    assert tokenizer.words([]) == []


@pytest.mark.parametrize(
    ("tokens", "length"),
    [
        ([1, 2, 3], None),
        ([7, 7, 7, 7], None),
        ([5, 7, 7, 7, 7, 7], 2),
        ([9, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 4], 5),
        ([1, 2, 1, 2, 1, 2], None),
        ([1, 2] * 5, 2),
    ],
)
def test_a_repeating_phrase_is_cut_to_one(tokens: list[int], length: int | None):
    assert loop_start(tokens) == length


def test_the_cap_grows_with_the_audio():
    assert (token_cap(0), token_cap(16_000 * 10)) == (8, 73)


def test_a_partial_hides_what_may_still_change():
    first = stable_prefix([], ["a", "b", "c", "d"])
    assert first == ["a", "b"]
    assert stable_prefix(["a", "b", "c", "d"], ["a", "b", "c", "x", "y"]) == ["a", "b", "c"]
    assert stable_prefix(["a", "b", "c"], ["a", "b", "c"]) == ["a", "b", "c"]


def test_a_forced_cut_takes_the_quietest_frame_of_the_window():
    assert quietest([0.0, 0.9, 0.3, 0.8, 0.4], 1) == 2


def test_attention_that_marches_on_gives_the_frames_it_marches_through():
    attention = np.zeros((2, 3, 30), np.float32)
    for token, (first, last) in enumerate([(0, 10), (10, 16), (16, 30)]):
        attention[:, token, first:last] = 1.0
    assert token_frames(attention) == [0, 10, 16, 30]


@given(st.integers(1, 12), st.integers(1, 40), st.integers(0, 1000))
def test_every_token_gets_its_place_in_order_whatever_the_attention(tokens: int, frames: int, seed: int):
    attention = np.random.default_rng(seed).random((3, tokens, frames), np.float32)
    edges = token_frames(attention)
    assert edges[0] == 0
    assert edges[-1] == frames
    assert edges == sorted(edges)
    assert tokens >= frames or len(set(edges)) == tokens + 1


def test_a_word_loses_the_silence_around_it_but_not_itself():
    voiced = [False, True, True, False, False]
    assert clip_to_voice(0, 500, voiced, 0, 100, 10) == (90, 310)
    assert clip_to_voice(300, 500, voiced, 0, 100, 10) == (300, 500)
    assert clip_to_voice(120, 180, voiced, 0, 100, 10) == (120, 180)


def test_words_without_sound_at_the_end_are_dropped_and_sure_ones_are_not():
    said = HeardWord("1455.", 0, 20_000, -0.06)
    invented = [HeardWord("was", 20_000, 20_384, -1.6), HeardWord("published", 20_384, 20_768, -2.3)]
    short_but_sure = HeardWord("so", 20_000, 22_000, -0.1)
    long_but_unsure = HeardWord("wacky", 20_000, 40_000, -0.7)
    assert drop_invented([said, *invented]) == [said]
    assert drop_invented([said, short_but_sure]) == [said, short_but_sure]
    assert drop_invented([said, long_but_unsure]) == [said, long_but_unsure]
    assert drop_invented(invented) == []
