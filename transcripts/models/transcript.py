"""A transcript: the source, the state of the work, and where its lease and its log stand."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from transcripts.models.states import ACTIVE, BOARD_ORDER, BY_PERSON, FINAL, RESTED, State
from transcripts.models.team import Team


class SourceKind(models.TextChoices):
    """Where the sound comes from."""

    URL = "url", _("Link")
    UPLOAD = "upload", _("Upload")
    SAMPLE = "sample", _("Sample")
    SOCKET = "socket", _("Microphone or own stream")


class Engine(models.TextChoices):
    """Who turns the sound into text."""

    EMBEDDED = "embedded", _("Embedded (offline)")
    ELEVENLABS = "elevenlabs", _("ElevenLabs Scribe v2 Realtime")


class Control(models.TextChoices):
    """What a person asked of a running session; read by its worker."""

    NONE = "", _("nothing")
    STOP = "stop", _("stop")
    PAUSE = "pause", _("pause")
    CANCEL = "cancel", _("cancel")


class TranscriptQuerySet(models.QuerySet["Transcript"]):
    """Ways to ask for transcripts."""

    def for_board(self) -> TranscriptQuerySet:
        """Live first, then other work, then what needs a person, then the newest."""
        live = models.When(state=State.RUNNING, is_live=True, then=models.Value(-1))
        whens = [models.When(state=state, then=models.Value(place)) for place, state in enumerate(BOARD_ORDER)]
        rank = models.Case(live, *whens, default=models.Value(99), output_field=models.IntegerField())
        return self.annotate(board_rank=rank).order_by("board_rank", "-created_at")


class Transcript(models.Model):
    """One source turned into text. Positions are samples at 16 kHz on the transcript's own clock."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    team = models.ForeignKey(Team, models.CASCADE, related_name="transcripts")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="transcripts"
    )
    title = models.CharField(_("title"), max_length=200)

    # Where the sound comes from.
    source_kind = models.CharField(_("source"), max_length=10, choices=SourceKind)
    source_url = models.CharField(_("link"), max_length=2048, blank=True)
    #: Key inside the media folder; the uploader's file name is display data only (``title``).
    media_key = models.CharField(max_length=100, blank=True, editable=False)
    media_bytes = models.BigIntegerField(_("bytes"), default=0, editable=False)
    #: When the recording came out, as its feed or page says.
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    media_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    #: Its waveform, and perhaps its sound, are kept for listening (``jobs.kept``).
    is_kept = models.BooleanField(default=False, db_default=False, editable=False)
    #: The source never ends by itself (radio, stream); known once it was opened.
    is_live = models.BooleanField(_("live source"), default=False)

    # How it is transcribed.
    engine = models.CharField(_("engine"), max_length=12, choices=Engine, default=Engine.EMBEDDED)
    #: ``SessionOptions.to_dict()`` plus our own ``preset`` and ``pace``.
    options = models.JSONField(_("options"), default=dict, blank=True)
    language = models.CharField(_("language"), max_length=16, blank=True)

    # Where it is in its life.
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.QUEUED, db_index=True)
    #: Short reason of the last failure or pause, and the plain sentence and next step that people see.
    code = models.CharField(max_length=60, blank=True)
    message = models.CharField(max_length=500, blank=True)
    next_step = models.CharField(max_length=300, blank=True)
    control = models.CharField(max_length=10, choices=Control, default=Control.NONE, blank=True, editable=False)
    #: Raised by each "Commit now"; the worker commits when it sees a number that it has not seen.
    commit_requests = models.PositiveIntegerField(default=0, editable=False)

    # The lease: who works on it. ``epoch`` rises with each claim and fences every write of an earlier holder.
    worker = models.CharField(max_length=80, blank=True, editable=False)
    epoch = models.PositiveIntegerField(default=0, editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    not_before = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveIntegerField(default=0, editable=False)
    #: Takeovers after an expired lease, without progress in between; three are poison.
    crash_claims = models.PositiveIntegerField(default=0, editable=False)

    # Where its log stands.
    last_seq = models.BigIntegerField(default=0, editable=False)
    #: Everything before this sample is answered and stored; work resumes here.
    committed_samples = models.BigIntegerField(default=0, editable=False)
    segment_count = models.PositiveIntegerField(default=0, editable=False)
    gap_samples = models.BigIntegerField(default=0, editable=False)
    #: Length of the source when it is known (files), else 0.
    duration_samples = models.BigIntegerField(default=0, editable=False)
    #: Samples sent to the provider, silence and replays included: what the provider bills.
    billed_samples = models.BigIntegerField(default=0, editable=False)
    #: The last committed sentence, for the board's cards.
    last_text = models.CharField(max_length=300, blank=True, editable=False)
    #: When words last settled, and for a live source how far behind its newest sound they were then.
    settled_at = models.DateTimeField(null=True, blank=True, editable=False)
    delay_ms = models.PositiveIntegerField(null=True, blank=True, editable=False)

    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    started_at = models.DateTimeField(_("started"), null=True, blank=True, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True, editable=False)

    objects = TranscriptQuerySet.as_manager()

    class Meta:
        verbose_name = _("transcript")
        verbose_name_plural = _("transcripts")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["team", "-created_at"], name="transcript_by_team"),
            # Lists of several teams, and of all: the admin's.
            models.Index(fields=["-created_at", "-id"], name="transcript_by_time"),
            models.Index(fields=["state", "not_before"], name="transcript_by_state"),
            # What the library offers as filters.
            models.Index(fields=["team", "state", "-created_at"], name="transcript_by_team_state"),
            models.Index(fields=["team", "language", "-created_at"], name="transcript_by_team_language"),
            # Operators sort by it; by length they wait, for that changes with every commit.
            models.Index(fields=["title"], name="transcript_by_title"),
            # What retention and the numbers of the last hour ask for.
            models.Index(fields=["finished_at"], name="transcript_by_end"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def is_active(self) -> bool:
        """A worker holds it."""
        return self.state in ACTIVE

    @property
    def rest(self) -> str:
        """RESTED for one that a person paused, nothing for any other."""
        return RESTED if self.state == State.PAUSED and self.code == BY_PERSON["code"] else ""

    @property
    def is_final(self) -> bool:
        """Nothing more happens unless a person asks."""
        return self.state in FINAL

    @property
    def can_go_embedded(self) -> bool:
        """The embedded engine could go on where the hosted one was refused: it hears English only."""
        language = str(self.options.get("language_code") or self.language)
        return self.engine == Engine.ELEVENLABS and language in ("", "en")

    @property
    def preset(self) -> str:
        """When to commit: live, accurate, provider_vad or manual."""
        return str(self.options.get("preset") or "")

    @property
    def pace(self) -> float | None:
        """Multiple of real time that a person asked for, or None for the engine's default."""
        value: Any = self.options.get("pace")
        return float(value) if value else None
