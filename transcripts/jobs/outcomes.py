"""What a failure means for a transcript: who can do something about it, and when it is tried again."""

from __future__ import annotations

import logging
from dataclasses import replace

from django.db import InterfaceError, OperationalError

from transcripts.engine.errors import EngineError, RecognizerFailed
from transcripts.jobs import backoff
from transcripts.jobs.claims import Outcome, Outdated
from transcripts.jobs.clean import clean_text
from transcripts.jobs.pauses import DECODER_UNSAFE, DISK_FULL
from transcripts.media.errors import MediaError
from transcripts.models import State
from transcripts.realtime.endpoint import EndpointError
from transcripts.realtime.errors import ErrorClass, ProviderError

logger = logging.getLogger(__name__)

MESSAGE_CHARS, STEP_CHARS, CODE_CHARS = 500, 300, 60

HANDED_OVER = Outcome(State.QUEUED, "handed_over", "The worker is stopping; another one goes on.")
_INTERNAL = Outcome(
    State.FAILED,
    "internal",
    "Something went wrong inside this server.",
    "Start it again; if it fails again, ask an administrator to look at the server's log.",
)
#: Once is bad luck; twice at the same place is the recording.
_DECODER_DIED = frozenset({"decode_crashed", "decode_stalled"})
_DECODER_STEP = "What was heard until there is kept. Check that the recording plays elsewhere, or convert it first."
#: Whoever found no space looks again after so long.
_DISK_SECONDS = 45.0
_DATABASE = ("database_unavailable", "The database did not answer.", "Nothing to do: it is tried again by itself.")


def of_failure(error: BaseException, attempts: int, retry_limit: int = backoff.RETRY_LIMIT) -> Outcome:
    """The outcome of a session that ended with ``error`` after ``attempts`` earlier failures without progress.

    An error of no known kind is logged with its traceback here; people get a plain sentence.
    """
    if isinstance(error, MediaError):
        return _of_media(error, attempts, retry_limit)
    if isinstance(error, ProviderError):
        return _of_provider(error, attempts, retry_limit)
    if isinstance(error, EndpointError):
        return _ended(State.PAUSED, error.code, str(error), "Ask an administrator to correct ELEVENLABS_BASE_URL.")
    if isinstance(error, RecognizerFailed):
        return _again(error.code, str(error), "", attempts, retry_limit)
    if isinstance(error, EngineError):
        return _ended(State.PAUSED, error.code, str(error), "")
    if isinstance(error, Outdated):
        return HANDED_OVER
    if isinstance(error, (OperationalError, InterfaceError, TimeoutError)):
        logger.warning("a session ended early: %r", error)
        return _again(*_DATABASE, attempts, retry_limit)
    logger.error("a session failed", exc_info=error)
    return _INTERNAL


def _of_media(error: MediaError, attempts: int, retry_limit: int) -> Outcome:
    if error.code == DISK_FULL:
        return _without_disk(error)
    if error.code == DECODER_UNSAFE:
        return _ended(State.PAUSED, error.code, error.message, error.next_step)
    if error.code in _DECODER_DIED and attempts:
        return _ended(State.FAILED, error.code, error.message, _DECODER_STEP)
    if error.retryable:
        return _again(error.code, error.message, error.next_step, attempts, retry_limit)
    return _ended(State.FAILED, error.code, error.message, error.next_step)


def without_disk() -> Outcome:
    """The disk is nearly full: everything pauses, so that the database can go on."""
    return _without_disk(None)


def _without_disk(error: MediaError | None) -> Outcome:
    message = error.message if error else "The disk of this server is nearly full."
    step = (error.next_step if error else "") or "Delete recordings that are no longer needed, or ask for space."
    paused = _ended(State.PAUSED, DISK_FULL, message, f"{step} It then goes on by itself.")
    return replace(paused, retry_in=_DISK_SECONDS)


def _of_provider(error: ProviderError, attempts: int, retry_limit: int) -> Outcome:
    if error.klass in {ErrorClass.FATAL_KEY, ErrorClass.QUOTA}:
        return _ended(State.PAUSED, error.code, error.message, error.next_step)
    if error.klass is ErrorClass.FATAL_JOB:
        return _ended(State.FAILED, error.code, _with_words(error), error.next_step)
    return _again(error.code, error.message, error.next_step, attempts, retry_limit, at_least=error.retry_after or 0.0)


def _with_words(error: ProviderError) -> str:
    """The sentence with what the provider itself said: only that names the wrong option."""
    return f"{error.message} ({error.provider_text})" if error.provider_text else error.message


def _ended(state: State, code: str, message: str, next_step: str) -> Outcome:
    return Outcome(
        state, clean_text(code, CODE_CHARS), clean_text(message, MESSAGE_CHARS), clean_text(next_step, STEP_CHARS)
    )


def _again(
    code: str, message: str, next_step: str, attempts: int, retry_limit: int, *, at_least: float = 0.0
) -> Outcome:
    """WAITING with full jitter, or FAILED when it was tried often enough."""
    if attempts + 1 >= retry_limit:
        return _ended(State.FAILED, code, message, next_step)
    ended = _ended(State.WAITING, code, message, next_step)
    wait = max(at_least, backoff.delay(attempts + 1))
    return Outcome(ended.state, ended.code, ended.message, ended.next_step, wait)
