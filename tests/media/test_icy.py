"""A station's metadata is never heard, and none of its sound is lost with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.media.icy import IcyStripper, read_interval, read_title


def block(text: bytes) -> bytes:
    units = -(-len(text) // 16)
    return bytes((units,)) + text.ljust(units * 16, b"\x00")


@given(
    sound=st.binary(max_size=400),
    interval=st.integers(1, 60),
    cuts=st.lists(st.integers(1, 50), max_size=60),
    texts=st.lists(st.binary(max_size=40), min_size=1, max_size=8),
)
def test_the_sound_comes_out_byte_for_byte_however_it_arrives(
    sound: bytes, interval: int, cuts: list[int], texts: list[bytes]
) -> None:
    woven = bytearray()
    for number, at in enumerate(range(0, len(sound), interval)):
        piece = sound[at : at + interval]
        woven += piece + (block(texts[number % len(texts)]) if len(piece) == interval else b"")
    stripper, heard = IcyStripper(interval, lambda _: None), b""
    for cut in [*cuts, len(woven)]:
        heard += stripper.feed(bytes(woven[:cut]))
        del woven[:cut]
    assert heard == sound


def test_a_title_is_told_once_and_again_only_when_it_changes() -> None:
    titles: list[str] = []
    stripper = IcyStripper(4, titles.append)
    for text in (b"StreamTitle='News';StreamUrl='';", b"", b"StreamTitle='News';", b"StreamTitle='';", b"nonsense",
                 b"StreamTitle='It's \x1b[31mraining';", b"StreamTitle='Caf\xe9';"):  # fmt: skip
        assert stripper.feed(b"abcd" + block(text)) == b"abcd"
    assert titles == ["News", "It's raining", "Café"]


@pytest.mark.parametrize("text", ["", "0", "-1", "8000, 8000", "99999999", "8k", "٨٠"])
def test_an_interval_that_is_none_means_no_metadata(text: str) -> None:
    assert read_interval(text) is None


def test_titles_are_cut_short() -> None:
    assert read_title(b"StreamTitle='" + b"x" * 4000 + b"';") == "x" * 300
    assert read_title(b"StreamTitle='unfinished") is None
