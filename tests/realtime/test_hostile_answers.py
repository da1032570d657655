"""What a provider that is broken or hostile may send: nothing of it ends the program, turns time back or grows."""

from __future__ import annotations

import json
import math
import time
from typing import Any

import pytest

from transcripts.jobs.clean import MAX_TEXT, clean_text
from transcripts.realtime.messages import Final, Other, PartialTranscript, decode, read_words

ODD: list[Any] = [math.nan, math.inf, -math.inf, -1, -1e12, 1e12, 10**400, "1.5", "", None, True, [], {}, [1], "\x00"]


@pytest.mark.parametrize("start", ODD, ids=lambda value: repr(value)[:20])
def test_odd_times_become_times_that_never_go_back(start: Any) -> None:
    for end in ODD:
        check(start, end)


def check(start: Any, end: Any) -> None:
    said = [
        {"text": "one", "start": 1.0, "end": 1.5},
        {"text": "two", "start": start, "end": end},
        {"text": "three", "start": 3.0, "end": 2.0},
        {"text": "four", "start": 0.2, "end": 0.3},
    ]
    words = read_words(said)
    assert words is not None
    assert [word.text for word in words] == ["one", "two", "three", "four"]
    for word in words:
        assert math.isfinite(word.start)
        assert 0 <= word.start <= word.end <= 86_400


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        '{"message_type":' + "[" * 100_000,
        "{" * 10**6,
    ],
    ids=["lists", "objects", "half", "braces"],
)
def test_json_nested_without_end_is_unreadable_and_nothing_else(text: str) -> None:
    began = time.monotonic()
    message = decode(text)
    assert isinstance(message, Other)
    assert message.kind == "unreadable"
    assert len(str(message.payload)) < 1000
    assert time.monotonic() - began < 30


@pytest.mark.parametrize("kind", ["partial_transcript", "committed_transcript"])
def test_a_text_of_five_megabytes_is_cut_before_it_is_kept(kind: str) -> None:
    message = decode(json.dumps({"message_type": kind, "text": "word " * 1_000_000}))
    assert isinstance(message, PartialTranscript | Final)
    assert len(clean_text(message.text)) == MAX_TEXT == 20_000
