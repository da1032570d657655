"""What a link leads to, said while somebody still writes: bounded in time, in number and for each person."""

from __future__ import annotations

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import TypeVar

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from transcripts.access import Right
from transcripts.jobs import reaching, source
from transcripts.media.findings import Probe, ProbeKind
from transcripts.media.probe import probe
from transcripts.phrases import say
from transcripts.views import said
from transcripts.views.shell import TeamRequest, in_team

#: Looks that one process takes at once, and that one person may ask for in a minute.
AT_ONCE, A_MINUTE = 4, 30
#: Seconds for finding the recording of a web page, beside those of the look itself.
PAGE_S = 25.0
#: Longest link that is looked at, in characters.
MAX_LINK = 2048

_places = BoundedSemaphore(AT_ONCE)

T = TypeVar("T")


@require_POST
@in_team(Right.SUBMIT)
def look(request: TeamRequest) -> HttpResponse:
    """``/probe``, with ``link``: ``{"sentence", "next_step", "title", "usable", "feed"}``; 429 when it is too much."""
    link = request.POST.get("link", "").strip()
    if not link or len(link) > MAX_LINK:
        return JsonResponse({"sentence": _("That is no link.")}, status=400)
    reached: dict[str, str] = {}
    found = within_bounds(request.user.pk, lambda: async_to_sync(_probe)(link, reached))
    reaching.record(reached, actor=request.user, team=request.team.pk, target="probe")
    return JsonResponse(_answer(found)) if found else JsonResponse({"sentence": ""}, status=429)


def within_bounds(person: int, look: Callable[[], T]) -> T | None:
    """What ``look`` finds outside, or None when this person, or everybody together, asks for too much at once."""
    if not _may_ask(person) or not _places.acquire(blocking=False):
        return None
    try:
        return look()
    finally:
        _places.release()


async def _probe(link: str, reached: dict[str, str]) -> Probe:
    return await probe(
        link,
        policy=source.policy(reaching.into(reached)),
        max_bytes=settings.STTWEB_MAX_MEDIA_BYTES,
        ffmpeg=settings.STTWEB_FFMPEG or None,
        pages=source.pages(PAGE_S),
    )


def _may_ask(person: int) -> bool:
    key = f"probe.{person}"
    cache.add(key, 0, timeout=60)
    try:
        return cache.incr(key) <= A_MINUTE
    except ValueError:  # it expired in between
        return True


def _answer(found: Probe) -> dict[str, object]:
    return {
        "sentence": said.sentence(found),
        "next_step": say(found.error.next_step) if found.error else "",
        "title": found.title or "",
        "usable": found.error is None,
        "feed": found.kind is ProbeKind.FEED,
    }
