"""A podcast feed as a page to pick episodes from; what is picked becomes transcripts with the feed's titles and dates.

The link travels as a signed token: pages can be turned and searched by plain links, and nobody else's page can make
this server fetch what it likes with a member's cookie.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from threading import Lock
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.core import signing
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from transcripts import engine_settings, episodes, limits, services, submitting
from transcripts.access import Right, transcripts_of
from transcripts.episodes import EpisodesForm
from transcripts.jobs import reaching, source
from transcripts.media.errors import FetchError, MediaError
from transcripts.media.feeds import Feed
from transcripts.media.podcast import fetch_feed
from transcripts.models import Transcript
from transcripts.views.probing import MAX_LINK, within_bounds
from transcripts.views.shell import TeamRequest, in_team

SALT = "transcripts.feed"
#: Seconds for which a page can be turned or sent, and for which a feed is not fetched again.
TOKEN_S, FRESH_S = 86_400, 600
#: Feeds that one process keeps at most, for turning pages.
KEPT = 8

_kept: OrderedDict[str, tuple[float, Feed]] = OrderedDict()
_lock = Lock()


@require_http_methods(["GET", "HEAD", "POST"])
@in_team(Right.SUBMIT)
def feed(request: TeamRequest) -> HttpResponse:
    """``/feed``: asks for a feed's link (POST ``link``), and shows its episodes (GET ``at``, ``q``, ``page``)."""
    if request.method == "POST":
        link = request.POST.get("link", "").strip()
        try:
            _feed_at(request, link)
        except MediaError as error:
            return _ask(request, link, error, status=422)
        return redirect(address(link))
    if "at" not in request.GET:
        return _ask(request, request.GET.get("link", ""))
    return _on_feed(request, request.GET["at"], _list)


@require_POST
@in_team(Right.SUBMIT)
def take(request: TeamRequest) -> HttpResponse:
    """``/feed/take`` with ``at``, ``episode`` (repeated), ``engine``, ``language``: a transcript for each."""
    return _on_feed(request, request.POST.get("at", ""), _take)


def _on_feed(request: TeamRequest, token: str, answer: Any) -> HttpResponse:
    """What ``answer`` makes of the feed that ``token`` names, or the question for the link with what is wrong."""
    try:
        link = signing.loads(token, salt=SALT, max_age=TOKEN_S)
    except signing.BadSignature:
        return _ask(request, "", _stale(), status=422)
    try:
        found = _feed_at(request, link)
    except MediaError as error:
        return _ask(request, link, error, status=422)
    response: HttpResponse = answer(request, token, found)
    return response


def address(link: str) -> str:
    """The page with the episodes of the feed at ``link``."""
    return f"{resolve_url('feed')}?{urlencode({'at': signing.dumps(link, salt=SALT, compress=True)})}"


def page_of(request: TeamRequest, link: str) -> str:
    """The address of the page with the episodes when ``link`` is a feed, else nothing."""
    try:
        _feed_at(request, link)
    except MediaError:
        return ""
    return address(link)


def _stale() -> MediaError:
    step = _("Paste the link of the feed again.")
    return MediaError("feed_page_stale", _("This list of episodes is too old."), next_step=step)


def _ask(request: TeamRequest, link: str, problem: MediaError | None = None, status: int = 200) -> HttpResponse:
    return render(request, "transcripts/feed.html", {"link": link[:MAX_LINK], "problem": problem}, status=status)


def _feed_at(request: TeamRequest, link: str) -> Feed:
    """The feed, fetched at most every ten minutes. Raises MediaError."""
    if not link or len(link) > MAX_LINK:
        raise FetchError("no_link", _("Paste the link of a feed."))
    with _lock:
        at, known = _kept.get(link, (0.0, None))
    if known is not None and time.monotonic() - at < FRESH_S:
        return known
    reached: dict[str, str] = {}
    policy = source.policy(reaching.into(reached))
    try:
        found = within_bounds(request.user.pk, lambda: async_to_sync(fetch_feed)(link, policy=policy))
    finally:
        reaching.record(reached, actor=request.user, team=request.team.pk, target="feed")
    if found is None:
        step = _("Try again in a minute.")
        raise FetchError("too_busy", _("Too many links are being looked at just now."), next_step=step)
    keep(link, found[1])
    return found[1]


def keep(link: str, found: Feed) -> None:
    """Remember a feed for turning its pages."""
    with _lock:
        _kept[link] = (time.monotonic(), found)
        _kept.move_to_end(link)
        while len(_kept) > KEPT:
            _kept.popitem(last=False)


def _list(request: TeamRequest, token: str, found: Feed) -> HttpResponse:
    query, number = request.GET.get("q", "")[:200], request.GET.get("page", "1")
    context = _context(request, token, found, query, number)
    name = "feed_rows" if request.htmx and not request.htmx.history_restore_request else "feed"
    return render(request, f"transcripts/{name}.html", context)


def _context(request: TeamRequest, token: str, found: Feed, query: str, number: str) -> dict[str, Any]:
    page = Paginator(episodes.matching(episodes.newest_first(found), query), episodes.PAGE).get_page(number)
    offers = list(episodes.offers(list(page.object_list), source.policy()))
    here = _already_here(request, [offer.url for offer in offers])
    turn = {name: f"?{urlencode({'at': token, 'q': query, 'page': page.number + by})}" for name, by in _TURNS.items()}
    return {
        "feed": found,
        "at": token,
        "query": query,
        "page": page,
        "rows": [(offer, here.get(offer.url)) for offer in offers],
        "form": EpisodesForm(team=request.team, initial=engine_settings.initial_of(request.team)),
        **turn,
    }


_TURNS = {"newer": -1, "older": 1}


def _already_here(request: TeamRequest, urls: list[str]) -> dict[str, UUID]:
    rows = transcripts_of(request.user).filter(team=request.team, source_url__in=urls).order_by("created_at")
    return dict(rows.values_list("source_url", "pk"))


def _take(request: TeamRequest, token: str, found: Feed) -> HttpResponse:
    keys = list(dict.fromkeys(request.POST.getlist("episode")))
    by_key = {episodes.key_of(episode.url): episode for episode in found.episodes}
    picked = [by_key[key] for key in keys if key in by_key]
    form = EpisodesForm(
        request.POST.dict() | {"links": "\n".join(episode.url for episode in picked)}, team=request.team
    )
    problem = _problem(keys, len(picked))
    made: list[Transcript] = []
    if problem is None and form.is_valid():
        try:
            made = submitting.submit_all(request.team, request.user, episodes.submissions(form, picked))
        except (services.TooMany, limits.LimitReached) as refusal:
            problem = MediaError(refusal.code, refusal.message, next_step=refusal.next_step)
    if not made:
        context = _context(request, token, found, request.POST.get("q", "")[:200], request.POST.get("page", "1"))
        shown = {offer.key for offer, _here in context["rows"]}
        chosen = {"picked": set(keys), "elsewhere": [key for key in keys if key in by_key and key not in shown]}
        return render(
            request, "transcripts/feed.html", context | chosen | {"problem": problem, "form": form}, status=422
        )
    if len(made) == 1:
        return redirect("session", made[0].pk)
    sentence = ngettext("%(n)s transcript queued.", "%(n)s transcripts queued.", len(made))
    messages.success(request, sentence % {"n": len(made)})
    return redirect("board")


def _problem(keys: list[str], found: int) -> MediaError | None:
    if not keys:
        return MediaError("no_episode", _("Pick at least one episode."))
    if found < len(keys):
        step = _("Look through the list below and send it again.")
        return MediaError("episode_gone", _("The feed has changed: an episode is gone."), next_step=step)
    return None
