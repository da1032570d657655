"""A transcript for sound that is to come: the row, the stream and the empty file, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from transcripts import limits, services
from transcripts.jobs import headroom
from transcripts.jobs.source import media_store, upload_parts
from transcripts.media.appending import create
from transcripts.media.errors import StorageError
from transcripts.media.formats import SoundFormat
from transcripts.models import AudioStream, Engine, SourceKind, Team, Transcript


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be made: ``options`` as in Transcript, all of it judged by a form or by `commands`."""

    title: str = ""
    engine: Engine | None = None
    language: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    sound: SoundFormat = field(default_factory=SoundFormat)


class Refused(Exception):
    """What was asked is not done: ``code``, one sentence and a next step."""

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.next_step = code, message, next_step


def begin(team: Team, person: User, wanted: Wanted) -> Transcript:
    """Make a transcript that waits for its sound. Raises Refused. Blocks on the database and the disk."""
    try:
        services.require_room(person)
        limits.require(team.pk, _engine(wanted))
        with transaction.atomic():
            return _begin(team, person, wanted)
    except (services.TooMany, limits.LimitReached) as error:
        raise Refused(error.code, error.message, error.next_step) from error
    except StorageError as error:
        raise Refused(error.code, error.message, error.next_step) from error


def _begin(team: Team, person: User, wanted: Wanted) -> Transcript:
    if reason := headroom.disk():
        step = _("Delete recordings that are no longer needed, or ask the operator for space.")
        raise Refused(reason, _("The server's disk is almost full; nothing new is taken."), step)
    key = upload_parts().new_key(0)
    submission = services.Submission(
        title=wanted.title or _title(),
        kind=SourceKind.SOCKET,
        media_key=key,
        engine=_engine(wanted),
        language=wanted.language,
        options=wanted.options,
    )
    transcript = services.submit(team, person, submission)
    Transcript.objects.filter(pk=transcript.pk).update(is_live=True)
    transcript.is_live = True
    sound = wanted.sound
    AudioStream.objects.create(
        transcript=transcript,
        encoding=sound.encoding,
        rate=sound.rate,
        channels=sound.channels,
        touched_at=timezone.now(),
    )
    create(media_store().place(key))
    return transcript


def _engine(wanted: Wanted) -> Engine:
    return wanted.engine or Engine(settings.STTWEB_ENGINE)


def _title() -> str:
    return _("Recording of %(moment)s") % {"moment": timezone.localtime().strftime("%Y-%m-%d %H:%M")}
