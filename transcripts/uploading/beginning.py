"""The announcement of a file, and the bounds that it must keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _

from transcripts import access, limits, services
from transcripts.jobs import headroom
from transcripts.jobs.source import upload_parts
from transcripts.models import Engine, Team, Upload
from transcripts.uploading.rows import Refused, disk_step, expiry, on_their_way, said


@dataclass(frozen=True, slots=True)
class Announced:
    """A file that is to come: its name (shown only), its size in bytes, and how it is to be transcribed."""

    name: str
    size: int
    engine: Engine = Engine.EMBEDDED
    language: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)


def begin(team: Team, person: User, file: Announced) -> Upload:
    """Make room for a file. Raises Refused: ``upload_empty``, ``upload_too_large``, ``too_many_uploads``,
    ``upload_quota``, ``limit_reached``, ``disk_low`` or ``disk_full``; Http404 when the team was deleted."""
    _check_size(file.size)
    with transaction.atomic(), said():
        # One after the other in a team, so that none passes the bounds beside another.
        access.hold_team(team.pk)
        promised = _check_bounds(team, person, file.size)
        _check_limit(team, file.engine)
        upload = Upload.objects.create(
            team=team,
            created_by=person,
            name=shown_name(file.name),
            size=file.size,
            media_key=upload_parts().new_key(file.size, promised),
            engine=file.engine,
            language=file.language,
            options=dict(file.options),
            expires_at=expiry(),
        )
        upload_parts().begin(upload.media_key)
    return upload


def shown_name(name: str) -> str:
    """A file's name for people: its last part, one line, at most 200 characters."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(char if char.isprintable() else " " for char in last)
    return " ".join(shown.split())[:200] or _("Recording")


def _check_size(size: int) -> None:
    if size <= 0:
        raise Refused("upload_empty", _("The file is empty."), _("Choose another file."))
    if size > settings.STTWEB_MAX_MEDIA_BYTES:
        limit = filesizeformat(settings.STTWEB_MAX_MEDIA_BYTES)
        raise Refused("upload_too_large", _("The file is larger than %(limit)s, the most that is allowed here.")
                      % {"limit": limit}, _("Cut or compress it."))  # fmt: skip


def _check_bounds(team: Team, person: User, size: int) -> int:
    """Raises Refused; returns the bytes that are still to come of all other uploads."""
    mine = on_their_way().filter(created_by=person).count()
    _check_queue(person, mine + 1)
    if mine >= settings.STTWEB_UPLOADS_AT_ONCE:
        step = _("Let some of them end, or discard what you left unfinished.")
        raise Refused("too_many_uploads", _("You have too many uploads on their way."), step)
    if _total(on_their_way().filter(team=team), "size") + size > settings.STTWEB_UPLOAD_TEAM_BYTES:
        step = _("Wait until some of them have ended, or discard unfinished ones.")
        raise Refused("upload_quota", _("Your team has as many bytes on their way as it may."), step)
    if reason := headroom.disk():
        raise Refused(reason, _("The server's disk is almost full; nothing new is taken."), disk_step())
    return _total(on_their_way(), "size") - _total(on_their_way(), "received")


def _check_queue(person: User, more: int) -> None:
    """What is on its way will be a transcript too."""
    try:
        services.require_room(person, more)
    except services.TooMany as error:
        raise Refused(error.code, error.message, error.next_step) from error


def _check_limit(team: Team, engine: Engine) -> None:
    try:
        limits.require(team.pk, engine)
    except limits.LimitReached as error:
        raise Refused(error.code, error.message, error.next_step) from error


def _total(rows: QuerySet[Upload], column: str) -> int:
    return int(rows.aggregate(total=Sum(column))["total"] or 0)
