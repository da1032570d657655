"""Every bound between a source and a browser with its present value (security_reliability.md B7): nothing grows without
end, and each stage says what happens when it is full."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.template.defaultfilters import filesizeformat
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from transcripts.realtime.transport import MAX_MESSAGE_BYTES, WRITE_LIMIT_BYTES

Text = str | Promise

#: What asyncio holds before it makes a writer wait, and the kernel's pipe behind it, 64 KiB each.
PIPE_BYTES = 2 * 64 * 1024


class Bound(NamedTuple):
    """``setting`` names the option that changes it; empty: it is fixed in the program."""

    what: Text
    value: str
    setting: str
    when_full: Text


def bounds() -> list[Bound]:
    """All of them, in the direction of the data."""
    return [*_work(), *_sound(), *_browsers(), *_disk()]


def _work() -> list[Bound]:
    s = settings
    return [
        Bound(_("Unfinished transcripts of one person"), _or_none(s.STTWEB_USER_UNFINISHED), "STTWEB_USER_UNFINISHED",
              _("no more are taken: 429, with the place in the queue")),
        Bound(_("Transcripts of one person at work"), _or_none(s.STTWEB_USER_SESSIONS), "STTWEB_USER_SESSIONS",
              _("the others wait; teams take turns")),
        Bound(_("Transcripts that one worker works on"), str(s.STTWEB_SESSIONS), "STTWEB_SESSIONS",
              _("the queue waits for another worker")),
        Bound(_("Largest recording"), filesizeformat(s.STTWEB_MAX_MEDIA_BYTES), "STTWEB_MAX_MEDIA_BYTES",
              _("refused with 413, fetching ends")),
        Bound(_("Uploads of one person on their way"), str(s.STTWEB_UPLOADS_AT_ONCE), "STTWEB_UPLOADS_AT_ONCE",
              _("no more are begun: 429")),
        Bound(_("Uploads of one team on their way"), filesizeformat(s.STTWEB_UPLOAD_TEAM_BYTES),
              "STTWEB_UPLOAD_TEAM_BYTES", _("no more are begun: 413")),
        Bound(_("Request of somebody who is not logged in"), filesizeformat(s.STTWEB_MAX_STRANGER_BYTES),
              "STTWEB_MAX_STRANGER_BYTES", _("refused with 403, the rest is not read")),
        Bound(_("Longest recording or stream"), f"{s.STTWEB_MAX_HOURS:g} h", "STTWEB_MAX_HOURS",
              _("ends there, the text stays")),
    ]  # fmt: skip


def _sound() -> list[Bound]:
    s = settings
    return [
        Bound(_("Fetched bytes before the decoder"), filesizeformat(PIPE_BYTES), "",
              _("the source is not read on")),
        Bound(_("Sound before the speech service"), f"{s.STTWEB_READ_AHEAD_SECONDS:g} s", "STTWEB_READ_AHEAD_SECONDS",
              _("the decoder waits; a live source goes on")),
        Bound(_("Sound without an answer"), f"{s.STTWEB_REPLAY_SECONDS:g} s", "STTWEB_REPLAY_SECONDS",
              _("files wait; of a live source the oldest becomes a gap")),
        Bound(_("Unsent bytes to the speech service"), filesizeformat(WRITE_LIMIT_BYTES), "", _("sending waits")),
        Bound(_("One message of the speech service"), filesizeformat(MAX_MESSAGE_BYTES), "",
              _("the connection is made anew")),
        Bound(_("Events before the database"), str(s.STTWEB_EVENTS_WAITING), "STTWEB_EVENTS_WAITING",
              _("the speech service is not read on")),
    ]  # fmt: skip


def _browsers() -> list[Bound]:
    s = settings
    return [
        Bound(_("Text before one browser"), filesizeformat(s.STTWEB_VIEWER_BYTES), "STTWEB_VIEWER_BYTES",
              _("its socket is closed with 4408, it comes back with its last number")),
        Bound(_("Time of one message to a browser"), f"{s.STTWEB_VIEWER_SECONDS:g} s", "STTWEB_VIEWER_SECONDS",
              _("the same")),
    ]  # fmt: skip


def _disk() -> list[Bound]:
    s = settings
    low, full = filesizeformat(s.STTWEB_DISK_LOW_BYTES), filesizeformat(s.STTWEB_DISK_LOW_BYTES // 2)
    return [
        Bound(_("Free disk for new work"), f"{s.STTWEB_DISK_LOW_PERCENT:g} % / {low}", "STTWEB_DISK_LOW_PERCENT",
              _("nothing new begins")),
        Bound(_("Free disk for what runs"), f"{s.STTWEB_DISK_FULL_PERCENT:g} % / {full}", "STTWEB_DISK_FULL_PERCENT",
              _("it pauses, and goes on by itself")),
        Bound(_("Database connections of one process"), str(s.STTWEB_DB_POOL), "STTWEB_DB_POOL", _("requests wait")),
    ]  # fmt: skip


def _or_none(number: int) -> str:
    return str(number) if number else str(_("no bound"))
