"""What a transcript waits for: its place in the queue, what runs before it, when it may begin, and when it ends."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Sum
from django.utils import timezone
from django.utils.formats import localize
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from transcripts import services
from transcripts.models import ACTIVE, Event, EventKind, State, Transcript, Worker

#: A worker that was not heard of for so long takes nothing.
STALE = timedelta(seconds=30)
#: How fast a recording goes is known once this share of it was heard.
KNOWN_SHARE = 0.05
#: What is asked of each that is at work: there may be hundreds, and each page that waits asks.
_ASKED = ("team", "title", "is_live", "started_at", "committed_samples", "duration_samples")
#: Titles that are named.
NAMED = 2


def waiting(transcript: Transcript) -> str:
    """Where it stands in the queue, what runs before it, and about when it begins, as far as that is known."""
    if transcript.state != State.QUEUED:
        return ""
    ahead = services.place_in_queue(transcript) - 1
    running = list(Transcript.objects.filter(state__in=ACTIVE).only(*_ASKED))
    workers = Worker.objects.filter(heartbeat_at__gt=timezone.now() - STALE)
    slots = workers.aggregate(all=Sum("capacity"))["all"] or 0
    parts = [_place(ahead)]
    if not slots:
        parts.append(_("No worker is running; it begins when one is started."))
    elif len(running) + ahead >= slots:
        parts += [_at_work(transcript, running), _begins(ahead, running, timezone.now())]
    return " ".join(part for part in parts if part)


def _place(ahead: int) -> str:
    if not ahead:
        return _("Next in the queue.")
    sentence = ngettext("%(n)s other is before it in the queue.", "%(n)s others are before it in the queue.", ahead)
    return sentence % {"n": ahead}


def _at_work(transcript: Transcript, running: list[Transcript]) -> str:
    """What is at work: by title what belongs to the same team, other teams' work as a number."""
    ours = [row.title for row in running if row.team_id == transcript.team_id][:NAMED]
    others = len(running) - len(ours)
    names = ", ".join(f"“{title}”" for title in ours)
    if not ours:
        return ngettext("%(n)s transcript is at work.", "%(n)s transcripts are at work.", others) % {"n": others}
    if not others:
        return _("At work now: %(names)s.") % {"names": names}
    more = ngettext("At work now: %(names)s and %(n)s other.", "At work now: %(names)s and %(n)s others.", others)
    return more % {"names": names, "n": others}


def _begins(ahead: int, running: list[Transcript], now: datetime) -> str:
    """When enough of what runs will have ended; nothing when that cannot be known (live sources, young work)."""
    ends = sorted(left for row in running if (left := seconds_left(row, now)) is not None)
    if ahead >= len(ends):
        return ""
    minutes = max(round(ends[ahead] / 60), 1)
    return ngettext("It begins in about %(n)s minute.", "It begins in about %(n)s minutes.", minutes) % {
        "n": localize(minutes)
    }


def seconds_left(row: Transcript, now: datetime) -> float | None:
    """Until a recording that is at work is through, at its speed so far; None when that is not known."""
    if row.is_live or not row.duration_samples or row.started_at is None:
        return None
    share = row.committed_samples / row.duration_samples
    if share < KNOWN_SHARE:
        return None
    return max((now - row.started_at).total_seconds() * (1 - share) / share, 0.0)


def finishing_by(transcript: Transcript) -> str:
    """When the last words are there at the latest, as an ISO time; empty when that is not known."""
    if transcript.state != State.FINISHING:
        return ""
    told = Event.objects.filter(transcript=transcript, kind=EventKind.STATE).order_by("-seq").first()
    within = told.payload.get("within_ms") if told else None
    return (told.at + timedelta(milliseconds=within)).isoformat() if told and within else ""
