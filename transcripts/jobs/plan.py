"""How one transcript is to be worked on: where it goes on, who transcribes it, with which options, how fast.

Reads the row and the settings, does nothing yet.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from typing import Any

from django.conf import settings
from django.utils import timezone

from transcripts.jobs import accounts, leases
from transcripts.jobs.claims import Claim, LeaseLost
from transcripts.media.pcm import SAMPLE_RATE, ms_to_samples
from transcripts.models import Engine, Event, EventKind, SourceKind, State, Transcript
from transcripts.models.states import BY_PERSON
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.endpoint import Endpoint
from transcripts.realtime.errors import ErrorClass, ProviderError
from transcripts.realtime.options import OptionsError, SessionOptions
from transcripts.realtime.tuning import PRESETS, Tuning

#: Text before the point of resumption that the provider is given for context.
PREVIOUS_CHARS = 50
#: So many states of the log surely reach back to the claim before this one.
STATES_BEFORE = 20
#: Segments that surely hold so much text.
PREVIOUS_SEGMENTS = 5

_breakers: dict[tuple[str, str], Breaker] = {}


def breaker_of(endpoint: Endpoint) -> Breaker:
    """The breaker that all sessions of this process with one provider and key share."""
    return _breakers.setdefault(endpoint.account, Breaker())


def resting() -> dict[str, float]:
    """The providers that this process leaves alone after failures: host to seconds until the next try."""
    now = time.monotonic()
    found = {accounts.host_of(Endpoint(*account)): breaker for account, breaker in _breakers.items()}
    return {host: round(breaker.remaining(now), 1) for host, breaker in found.items() if breaker.state != "closed"}


@dataclass(frozen=True, slots=True)
class Job:
    """What a session needs to know before it starts: the row as claimed, and where and how the text goes on."""

    row: Transcript
    start: int
    previous_text: str
    #: Why nobody heard the source before: the reason of the gap that this may have left.
    absence: str = ""

    @property
    def unheard(self) -> bool:
        """Nobody heard a live source between the end of its text and now."""
        return bool(self.absence) and self.start > self.row.committed_samples


def load(claim: Claim) -> Job:
    """Read the job of a claim. Raises LeaseLost when it is not ours any more."""
    rows = Transcript.objects.filter(pk=claim.transcript_id, epoch=claim.epoch, worker=claim.worker)
    row = rows.select_related("team", "stream").first()
    if row is None:
        raise LeaseLost
    return Job(row, start_of(row), previous_text(row), absence_of(row))


def previous_text(row: Transcript) -> str:
    """The last words before the point of resumption, at most PREVIOUS_CHARS characters, cut between words."""
    newest = row.segments.newest_first().values_list("text", flat=True)[:PREVIOUS_SEGMENTS]
    text = " ".join(reversed(newest))
    if len(text) <= PREVIOUS_CHARS:
        return text
    return text[-PREVIOUS_CHARS - 1 :].partition(" ")[2]


def start_of(row: Transcript) -> int:
    """The sample at which the sound goes on: for a file where the text ends, for a live source what is heard now.

    The time between is what nobody could hear. What a client sends is kept until it was heard, as a file is.
    """
    if row.source_kind == SourceKind.SOCKET or not (row.is_live and row.committed_samples):
        return row.committed_samples
    last = Event.objects.filter(transcript_id=row.pk, kind=EventKind.SESSION).order_by("-seq").first()
    if last is None or "start_ms" not in last.payload:
        return row.committed_samples
    return max(row.committed_samples, ms_to_samples(last.payload["start_ms"]) + _samples_since(last.at))


def absence_of(row: Transcript) -> str:
    """Why nobody heard a live source before this claim of it: ``paused``, ``worker_lost``, or nothing that is known."""
    if not row.is_live:
        return ""
    states = Event.objects.filter(transcript_id=row.pk, kind=EventKind.STATE).order_by("-seq")
    claim, *before = states.values_list("payload", flat=True)[:STATES_BEFORE]
    if claim.get("code") == leases.TAKEN_OVER["code"]:
        return "worker_lost"
    since = takewhile(lambda payload: payload["state"] != State.RUNNING, before)
    return "paused" if any(payload.get("code") == BY_PERSON["code"] for payload in since) else ""


def _samples_since(moment: datetime) -> int:
    return max(0, round((timezone.now() - moment).total_seconds() * SAMPLE_RATE))


def needs_embedded(row: Transcript) -> bool:
    """Whether the embedded engine must run for it."""
    return row.engine == Engine.EMBEDDED


def endpoint_of(row: Transcript, embedded_url: str) -> Endpoint:
    """Where the sound goes. ``embedded_url`` is the embedded engine's. Raises ProviderError. Asks the database."""
    if needs_embedded(row):
        return Endpoint(embedded_url)
    endpoint = accounts.of_team(row.team_id)
    if endpoint is None:
        raise ProviderError(
            "no_api_key",
            ErrorClass.FATAL_KEY,
            "The team has no key for the hosted speech service, and none is shared on this server.",
            next_step="Ask an owner to enter a key in the team's settings, or the operator to set ELEVENLABS_API_KEY.",
        )
    return endpoint


def options_of(row: Transcript) -> SessionOptions:
    """The session's parameters. Raises ProviderError when the stored ones cannot work."""
    stored: dict[str, Any] = dict(row.options)
    if row.language and not stored.get("language_code"):
        stored["language_code"] = row.language
    try:
        options = SessionOptions.from_dict(stored)
        problems = list(options.problems().values())
    except OptionsError as error:
        problems = [error.message]
    if problems:
        raise ProviderError(
            "invalid_options",
            ErrorClass.FATAL_JOB,
            f"The options cannot be used: {problems[0]}",
            next_step="Submit it again with other options.",
        )
    return options


def tuning_of(row: Transcript, *, live: bool) -> Tuning:
    """When to commit and how fast to send."""
    default = "live" if live else "accurate"
    preset = row.preset if row.preset in PRESETS else default
    pace = _pace(row, live=live)
    # Whoever plays a file at the speed of speech wants to watch the words appear: small messages, as for a stream.
    return Tuning(
        preset=preset,
        pace=pace,
        live=live,
        patient=row.source_kind == SourceKind.SOCKET,
        chunk_ms=200 if pace is not None and pace <= 1.0 else None,
        read_ahead_s=settings.STTWEB_READ_AHEAD_SECONDS,
        replay_buffer_s=settings.STTWEB_REPLAY_SECONDS,
    )


def _pace(row: Transcript, *, live: bool) -> float | None:
    """Multiple of real time, or None for as fast as the engine accepts."""
    if live:
        # The source itself gives no more than real time; after an outage the replay must be able to catch up.
        return settings.STTWEB_FILE_PACE
    if row.pace is not None:
        return row.pace
    return None if row.engine == Engine.EMBEDDED else settings.STTWEB_FILE_PACE
