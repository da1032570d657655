"""What can go wrong between us and the provider, sorted by what to do about it.

Pure. Sources: protocol.md section 6 (names, live texts, close codes) and security_reliability.md B5 (classes). The
names differ between the schema, the SDKs and old integrations, so both spellings are matched; an unknown ``*_error``
is worth another try.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ErrorClass(Enum):
    """What to do about a failure."""

    #: The key or the account is refused: no retries until a person changes it.
    FATAL_KEY = "fatal_key"
    #: The account's quota is used up: pause, probe seldom.
    QUOTA = "quota"
    #: This job can never work as asked.
    FATAL_JOB = "fatal_job"
    #: Back off, honour Retry-After, and go on at real time.
    SLOW_DOWN = "slow_down"
    #: A session ended; the next may start at once.
    RECONNECT = "reconnect"
    #: Back off and try again.
    RETRY = "retry"
    #: Nothing to do but to keep it.
    IGNORE = "ignore"


class RealtimeError(Exception):
    """Root of everything that the realtime client raises."""


class ProviderError(RealtimeError):
    """The job cannot go on. What was committed before stays valid.

    ``code`` is snake_case and stable, ``klass`` says who can do something about it, ``message`` is one plain sentence
    for a person, ``next_step`` what they can do, ``provider_text`` the provider's own words (untrusted text, at most
    500 characters), ``retry_after`` seconds that the provider asked us to wait, if it did.
    """

    def __init__(
        self,
        code: str,
        klass: ErrorClass,
        message: str,
        *,
        next_step: str = "",
        provider_text: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.klass = klass
        self.message = message
        self.next_step = next_step
        self.provider_text = provider_text
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Fault:
    """One failure, classified. ``message``, ``next_step`` and ``provider_text`` as in ProviderError."""

    code: str
    klass: ErrorClass
    message: str
    next_step: str = ""
    provider_text: str = ""
    retry_after: float | None = None

    def error(self) -> ProviderError:
        """The exception that ends a job for this fault."""
        return ProviderError(
            self.code,
            self.klass,
            self.message,
            next_step=self.next_step,
            provider_text=self.provider_text,
            retry_after=self.retry_after,
        )


_KEY_STEP = "Ask an administrator to check the API key in the settings."
_TERMS_STEP = "Ask the account's owner to accept the product terms in the provider's dashboard."
_QUOTA_STEP = "Add credit or wait for the next billing period; the job goes on from where it stopped."
_REQUEST_STEP = "Change the options of this transcript and start it again."
_WAIT_STEP = "Nothing to do: it is tried again by itself."

#: message_type -> (class, plain sentence, next step). Old and new spellings side by side.
_FRAMES: dict[str, tuple[ErrorClass, str, str]] = {
    "auth_error": (ErrorClass.FATAL_KEY, "The speech service does not accept the API key.", _KEY_STEP),
    "unaccepted_terms": (ErrorClass.FATAL_KEY, "The speech service's terms were not accepted yet.", _TERMS_STEP),
    "quota_exceeded": (ErrorClass.QUOTA, "The account's quota at the speech service is used up.", _QUOTA_STEP),
    "invalid_request": (ErrorClass.FATAL_JOB, "The speech service refused the options.", _REQUEST_STEP),
    "rate_limited": (ErrorClass.SLOW_DOWN, "The speech service asks for fewer requests.", _WAIT_STEP),
    "queue_overflow": (ErrorClass.SLOW_DOWN, "The speech service cannot keep up with this pace.", _WAIT_STEP),
    "resource_exhausted": (ErrorClass.SLOW_DOWN, "The speech service has no capacity left.", _WAIT_STEP),
    "session_time_limit_exceeded": (ErrorClass.RECONNECT, "The session reached its longest time.", _WAIT_STEP),
    "insufficient_audio_activity": (ErrorClass.RECONNECT, "The session was closed for lack of sound.", _WAIT_STEP),
    "commit_throttled": (
        ErrorClass.RECONNECT,
        "The speech service refused a commit and ended the session.",
        _WAIT_STEP,
    ),
    "chunk_size_exceeded": (ErrorClass.RECONNECT, "The speech service wants smaller pieces of audio.", _WAIT_STEP),
    "transcriber_error": (ErrorClass.RETRY, "The speech service could not transcribe the audio.", _WAIT_STEP),
    "error": (ErrorClass.RETRY, "The speech service reported an error.", _WAIT_STEP),
    "input_error": (ErrorClass.IGNORE, "The speech service did not understand a message.", ""),
    "warning": (ErrorClass.IGNORE, "The speech service sent a warning.", ""),
}
#: Spellings of older schemas, SDKs and integrations (protocol.md sections 6, 12 and 13).
_ALIASES = {
    "unaccepted_terms_error": "unaccepted_terms",
    "quota_exceeded_error": "quota_exceeded",
    "rate_limited_error": "rate_limited",
    "queue_overflow_error": "queue_overflow",
    "resource_exhausted_error": "resource_exhausted",
    "session_time_limit_exceeded_error": "session_time_limit_exceeded",
    "insufficient_audio_activity_error": "insufficient_audio_activity",
    "commit_throttled_error": "commit_throttled",
    "chunk_size_exceeded_error": "chunk_size_exceeded",
    "invalid_request_error": "invalid_request",
    "authentication_error": "auth_error",
}


def canonical(kind: str) -> str:
    """The newest spelling of an error's ``message_type``."""
    return _ALIASES.get(kind, kind)


def is_error(kind: str) -> bool:
    """Whether a ``message_type`` reports an error (warnings are none)."""
    kind = canonical(kind)
    return (kind in _FRAMES and kind != "warning") or kind.endswith("_error")


def from_frame(kind: str, text: str) -> Fault:
    """Classify an error frame by its ``message_type``."""
    code = canonical(kind)
    klass, message, step = _FRAMES.get(
        code, (ErrorClass.RETRY, "The speech service reported an error that is not known here.", _WAIT_STEP)
    )
    return Fault(code, klass, message, step, text[:500])


def from_close(code: int | None, reason: str, last: Fault | None = None) -> Fault:
    """Classify the end of a connection.

    The last error frame decides; then a reason that names an error; then the code. A bare 1000 means "idle or the
    server ended", never "finished": only answers to commits mean that.
    """
    if last is not None and last.klass is not ErrorClass.IGNORE:
        return last
    named = canonical(reason.strip())
    if named in _FRAMES and named != "warning":
        fault = from_frame(named, "")
        return fault if fault.klass is not ErrorClass.IGNORE else _lost(code, reason)
    if code == 1008:
        return from_frame("invalid_request", reason)
    return _lost(code, reason)


def _lost(code: int | None, reason: str) -> Fault:
    told = f"close {code if code is not None else 'without a code'}" + (f" {reason}" if reason else "")
    klass = ErrorClass.RETRY if code in {1002, 1003, 1007, 1009, 1010, 1013, 1015} else ErrorClass.RECONNECT
    return Fault("connection_lost", klass, "The connection to the speech service ended.", _WAIT_STEP, told[:500])


def from_status(status: int, body: str = "", retry_after: float | None = None) -> Fault:
    """Classify an HTTP status that came instead of the upgrade."""
    words = f"HTTP {status}" + (f": {body}" if body else "")
    if status in {401, 403}:
        return from_frame("auth_error", words)
    if status == 402:
        return from_frame("quota_exceeded", words)
    if status == 429:
        klass, message, step = _FRAMES["rate_limited"]
        return Fault("rate_limited", klass, message, step, words[:500], retry_after)
    if status == 408 or status >= 500:
        told = "The speech service is not available."
        return Fault("service_unavailable", ErrorClass.RETRY, told, _WAIT_STEP, words[:500], retry_after)
    told = "The address does not answer as the realtime speech service."
    step = "Ask an administrator to check the base URL in the settings."
    return Fault("handshake_refused", ErrorClass.FATAL_JOB, told, step, words[:500])


def unreachable(words: str) -> Fault:
    """No connection: DNS, TLS, refused, reset, unreachable."""
    told = "The speech service cannot be reached."
    return Fault("unreachable", ErrorClass.RETRY, told, _WAIT_STEP, words[:500])


def timed_out(code: str, message: str) -> Fault:
    """One of our own watches ran out (``code`` names it)."""
    return Fault(code, ErrorClass.RETRY, message, _WAIT_STEP)


def answer_missing() -> Fault:
    """A commit was never answered, or a later one was answered first: replay is the only exact way on."""
    told = "The speech service left a piece of the audio without an answer."
    return Fault("answer_missing", ErrorClass.RECONNECT, told, _WAIT_STEP)


def answer_untimed() -> Fault:
    """Word times were asked for and left out, and without them this answer cannot be told from another."""
    told = "The speech service left out the word times of an answer."
    return Fault("answer_untimed", ErrorClass.RECONNECT, told, _WAIT_STEP)


def answer_doubtful() -> Fault:
    """Words that a partial had shown are in no answer."""
    told = "The speech service lost words that it had heard."
    return Fault("answer_doubtful", ErrorClass.RECONNECT, told, _WAIT_STEP)
