"""Section 6 of the protocol reference, row by row, and security_reliability.md B5."""

from __future__ import annotations

import pytest

from transcripts.realtime import errors
from transcripts.realtime.errors import ErrorClass, ProviderError, from_close, from_frame, from_status

ROWS = [
    ("auth_error", ErrorClass.FATAL_KEY),
    ("unaccepted_terms", ErrorClass.FATAL_KEY),
    ("unaccepted_terms_error", ErrorClass.FATAL_KEY),
    ("quota_exceeded", ErrorClass.QUOTA),
    ("quota_exceeded_error", ErrorClass.QUOTA),
    ("invalid_request", ErrorClass.FATAL_JOB),
    ("rate_limited", ErrorClass.SLOW_DOWN),
    ("queue_overflow", ErrorClass.SLOW_DOWN),
    ("resource_exhausted", ErrorClass.SLOW_DOWN),
    ("session_time_limit_exceeded", ErrorClass.RECONNECT),
    ("insufficient_audio_activity", ErrorClass.RECONNECT),
    ("commit_throttled", ErrorClass.RECONNECT),
    ("chunk_size_exceeded", ErrorClass.RECONNECT),
    ("transcriber_error", ErrorClass.RETRY),
    ("error", ErrorClass.RETRY),
    ("input_error", ErrorClass.IGNORE),
    ("warning", ErrorClass.IGNORE),
    ("something_new_error", ErrorClass.RETRY),
]


@pytest.mark.parametrize(("kind", "klass"), ROWS)
def test_every_error_message_has_its_class(kind, klass):
    fault = from_frame(kind, "the provider's words")
    assert fault.klass is klass
    assert fault.message.endswith(".")
    assert fault.provider_text == "the provider's words"
    assert errors.is_error(kind) is (kind != "warning")


def test_old_spellings_become_the_new_ones():
    assert from_frame("unaccepted_terms_error", "").code == "unaccepted_terms"
    assert from_frame("quota_exceeded_error", "").code == "quota_exceeded"


@pytest.mark.parametrize("kind", ["auth_error", "unaccepted_terms", "quota_exceeded", "invalid_request"])
def test_what_a_person_must_mend_says_what_to_do(kind):
    assert from_frame(kind, "").next_step.endswith(".")


@pytest.mark.parametrize(
    ("code", "reason", "klass", "name"),
    [
        (1000, "", ErrorClass.RECONNECT, "connection_lost"),
        (1001, "", ErrorClass.RECONNECT, "connection_lost"),
        (1005, "", ErrorClass.RECONNECT, "connection_lost"),
        (1006, "", ErrorClass.RECONNECT, "connection_lost"),
        (1011, "oops", ErrorClass.RECONNECT, "connection_lost"),
        (1012, "", ErrorClass.RECONNECT, "connection_lost"),
        (None, "", ErrorClass.RECONNECT, "connection_lost"),
        (1009, "", ErrorClass.RETRY, "connection_lost"),
        (1013, "", ErrorClass.RETRY, "connection_lost"),
        (1008, "", ErrorClass.FATAL_JOB, "invalid_request"),
        (1008, "invalid_request", ErrorClass.FATAL_JOB, "invalid_request"),
        (1000, "commit_throttled", ErrorClass.RECONNECT, "commit_throttled"),
        (1000, "quota_exceeded", ErrorClass.QUOTA, "quota_exceeded"),
        (1000, "insufficient_audio_activity", ErrorClass.RECONNECT, "insufficient_audio_activity"),
        (1000, "input_error", ErrorClass.RECONNECT, "connection_lost"),
        (1000, "warning", ErrorClass.RECONNECT, "connection_lost"),
    ],
)
def test_a_close_without_an_error_frame(code, reason, klass, name):
    fault = from_close(code, reason)
    assert (fault.klass, fault.code) == (klass, name)


def test_the_last_error_frame_decides_over_the_close():
    last = from_frame("auth_error", "You must be authenticated to use this endpoint.")
    assert from_close(1000, "", last) is last
    assert from_close(1008, "invalid_request", last) is last


def test_an_error_that_ends_nothing_does_not_explain_a_close():
    assert from_close(1000, "", from_frame("input_error", "x")).code == "connection_lost"


@pytest.mark.parametrize(
    ("status", "klass"),
    [
        (401, ErrorClass.FATAL_KEY),
        (403, ErrorClass.FATAL_KEY),
        (402, ErrorClass.QUOTA),
        (429, ErrorClass.SLOW_DOWN),
        (408, ErrorClass.RETRY),
        (500, ErrorClass.RETRY),
        (503, ErrorClass.RETRY),
        (404, ErrorClass.FATAL_JOB),
        (200, ErrorClass.FATAL_JOB),
        (302, ErrorClass.FATAL_JOB),
    ],
)
def test_an_http_status_instead_of_the_upgrade(status, klass):
    assert from_status(status, "body").klass is klass


def test_retry_after_is_kept():
    assert from_status(429, "", 7.5).retry_after == 7.5
    assert from_status(503, "", 3.0).retry_after == 3.0


def test_an_exception_carries_everything_a_person_needs():
    error = from_frame("auth_error", "x" * 600).error()
    assert isinstance(error, ProviderError)
    assert (error.code, error.klass) == ("auth_error", ErrorClass.FATAL_KEY)
    assert str(error) == error.message
    assert error.next_step
    assert len(error.provider_text) == 500
