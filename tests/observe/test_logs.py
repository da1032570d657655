"""Log lines carry their transcript and no secret, whoever wrote them."""

from __future__ import annotations

import asyncio
import json
import logging
import logging.config
import sys
import time
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from sttweb.logs import JsonFormatter, TextFormatter, TranscriptFilter, secret_parts
from sttweb.masking import MASK, MOST_CHARS, mask, one_line
from sttweb.observe import current_transcript, transcript_context

KEY = "s" + "k_" + "0123456789abcdef" * 2
SECRETS = [
    "Authorization: Bearer abcdef.ghijkl",
    "authorization=Basic YWxpY2U6cGFzc3dvcmQ=",
    "{'Authorization': 'Bearer abcdef.ghijkl', 'Accept': '*/*'}",
    "(b'authorization', b'Bearer abcdef.ghijkl')",
    "(b'xi-api-key', b'abcdef.ghijkl')",
    "xi-api-key: abcdef.ghijkl",
    '{"xi-api-key": "abcdef.ghijkl"}',
    "Cookie: sessionid=abcdef; csrftoken=ghijkl",
    "Set-Cookie: sessionid=abcdef; Path=/; HttpOnly",
    "GET /audio?token=abcdef&lang=en",
    "wss://api.example.org/v1/speech?model_id=x&single_use_token=abcdef",
    "https://cdn.example.org/a.mp3?X-Amz-Signature=abcdef&X-Amz-Credential=ghijkl",
    "postgres://stt:abcdef@db.example.org/stt",
    "redis://:abcdef@cache.example.org/0",
    "password=abcdef host=db",
    "connection with password='abcdef' refused",
    "api_key=abcdef",
]


@pytest.mark.parametrize("line", SECRETS)
def test_what_looks_like_a_secret_is_masked(line):
    masked = mask(line)
    assert MASK in masked
    assert not [part for part in ("abcdef", "ghijkl", "YWxpY2U6") if part in masked]


def test_keys_with_known_beginnings_are_masked_anywhere():
    token = "ey" + "JhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
    assert mask(f"refused {KEY} and {token}!") == f"refused {MASK} and {MASK}!"


def test_the_secrets_of_this_installation_are_masked_by_value():
    known = secret_parts("no-pattern-knows-this", "postgres://u:p4ssw0rd-of-db@h/d", "")
    assert mask("x no-pattern-knows-this y p4ssw0rd-of-db z", known) == f"x {MASK} y {MASK} z"


@pytest.mark.parametrize(
    "line",
    [
        "transcript 5f0c: another worker has it now",
        "https://media.example.org/news.mp3?lang=en&start=3#t=4",
        "mail to olga@example.org",
        "the keyword of the day, a basic thing",
    ],
)
def test_ordinary_lines_stay_as_they_are(line):
    assert mask(line) == line


@given(st.text(alphabet="abc:=,;'\" ?&@/.-_kteyosnhrizaud\n", max_size=400))
def test_masking_twice_changes_nothing_more_and_never_fails(text):
    once = mask(f"{text} xi-api-key: abcdefghijk")
    assert "abcdefghijk" not in once


@pytest.mark.parametrize("piece", ["://", "a@", "cookie:", "authorization ", "?key=", "eyJ", "x-", "token", " ", "'"])
def test_a_hostile_line_costs_in_proportion_to_its_length(piece):
    """Ratios of the same pattern on one machine: quadratic patterns show."""

    def cost(length):
        text, best = (piece * length)[:length], 1e9
        for _ in range(5):
            started = time.thread_time()
            mask(text)
            best = min(best, time.thread_time() - started)
        return best

    # Linear: 8; quadratic: 64.
    assert cost(MOST_CHARS) < 25 * cost(MOST_CHARS // 8) + 0.01


def test_strangers_cannot_begin_a_line_of_their_own():
    assert one_line("a\r\n2026 ERROR b\x1b[2J\u2028c\u202ed\te") == "a\\r\\n2026 ERROR b\\x1b[2J\\x2028c\\x202ed\te"


def record(message, *args, error=None, **extra):
    trace = (type(error), error, error.__traceback__) if error else None
    made = logging.LogRecord("transcripts.jobs", logging.WARNING, __file__, 1, message, args, trace)
    for name, value in extra.items():
        setattr(made, name, value)
    return made


def test_a_json_line_is_one_object_with_its_transcript():
    with transcript_context("0b7c"):
        made = record("lost %s\nnot a line", "xi-api-key: abcdef")
        assert TranscriptFilter().filter(made)
    line = JsonFormatter().format(made)
    assert "\n" not in line
    read = json.loads(line)
    assert read["transcript"] == "0b7c"
    assert read["message"] == f"lost xi-api-key: {MASK}\\nnot a line"
    assert (read["level"], read["logger"]) == ("warning", "transcripts.jobs")


def test_a_trace_is_masked_and_indented():
    try:
        raise ValueError("postgres://u:hidden-word@h/d\n2026-01-01 ERROR forged")
    except ValueError as error:
        made = record("failed", error=error)
    text = TextFormatter().format(made)
    assert "hidden-word" not in text
    assert all(line.startswith("    ") for line in text.splitlines()[1:])
    assert "forged" in json.loads(JsonFormatter().format(made))["error"]


def test_a_log_call_with_wrong_arguments_still_gives_a_line():
    assert "two %s %s" in JsonFormatter().format(record("two %s %s", "one"))


async def test_tasks_and_threads_inherit_the_transcript():
    one, other = str(uuid4()), str(uuid4())

    async def work(transcript):
        with transcript_context(transcript):
            await asyncio.sleep(0)
            inner = await asyncio.create_task(sync_to_async(current_transcript, thread_sensitive=False)())
            return inner, await asyncio.to_thread(current_transcript)

    assert [*await asyncio.gather(work(one), work(other))] == [(one, one), (other, other)]
    assert current_transcript() == ""


def test_the_settings_write_masked_lines(capsys):
    """The configuration as it stands, on a handler of its own."""
    configured: dict[str, Any] = settings.LOGGING
    assert configured["handlers"]["console"]["filters"] == ["transcript"]
    formatter = configured["formatters"]["line"]
    made = formatter["()"] if callable(formatter["()"]) else None
    line = {**formatter}
    factory = made or logging.config.DictConfigurator(configured).resolve(line.pop("()"))
    line.pop("()", None)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(factory(**line))
    handler.emit(record(f"started with {settings.SECRET_KEY}"))
    assert capsys.readouterr().out.rstrip().endswith(f"started with {MASK}")
