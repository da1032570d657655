"""Episodes of a podcast feed as people pick them: newest first, searched, paged; a choice as what is submitted."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from django import forms

from transcripts.forms import SubmitForm
from transcripts.media.errors import BlockedUrl
from transcripts.media.feeds import Episode, Feed
from transcripts.media.findings import say_size
from transcripts.media.guard import Policy, judge_url
from transcripts.models import Engine, SourceKind
from transcripts.phrases import say_all
from transcripts.services import Submission
from transcripts.titling import title_of_link

#: Episodes on one page, and most that are submitted at once (fewer than the fields that Django takes in a form).
PAGE = 100
MOST = 300


@dataclass(frozen=True, slots=True)
class Offer:
    """An episode to pick: ``key`` names it as long as its address stays; ``published`` is ISO 8601; ``refused`` is the
    guard's sentence when its address must not be fetched. Its texts are cleaned and a stranger's."""

    key: str
    url: str
    title: str
    about: str
    published: str | None
    duration_ms: int | None
    size: str
    refused: str


def may_be_feed(url: str) -> bool:
    """Whether the text of a link says that it may lead to a feed, and not to a recording. Pure."""
    parts = urlsplit(url.lower())
    return bool(_FEED.search(f"{parts.netloc}{parts.path}?{parts.query}")) and not _RECORDING.search(parts.path)


_FEED = re.compile(r"\b(rss|feeds?|atom|podcasts?)\b|\.xml\b|format=rss")
_RECORDING = re.compile(r"\.(mp3|m4a|m4b|aac|ogg|oga|opus|flac|wav|mp4|m4v|mov|webm|mkv|m3u8?|pls)$")


def key_of(url: str) -> str:
    """A short name of an episode that survives new episodes in front of it."""
    return hashlib.sha256(url.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def newest_first(feed: Feed) -> list[Episode]:
    """The episodes by date; those without one at the end, in the feed's order."""
    return sorted(feed.episodes, key=lambda episode: episode.published or "", reverse=True)


def matching(episodes: list[Episode], text: str) -> list[Episode]:
    """Those whose title or description holds every word of ``text``, whatever its case."""
    words = text.casefold().split()
    return [one for one in episodes if all(word in f"{one.title} {one.about}".casefold() for word in words)]


def offers(episodes: Collection[Episode], policy: Policy) -> Iterator[Offer]:
    """Each episode as it is shown."""
    for episode in episodes:
        yield Offer(
            key=key_of(episode.url),
            url=episode.url,
            title=episode.title or title_of_link(episode.url),
            about=episode.about or "",
            published=episode.published,
            duration_ms=None if episode.duration_s is None else episode.duration_s * 1000,
            size=say_size(episode.length_bytes) if episode.length_bytes else "",
            refused=_refusal(episode.url, policy),
        )


def _refusal(url: str, policy: Policy) -> str:
    try:
        judge_url(url, policy)
    except BlockedUrl as error:
        return say_all(error.message, error.next_step)
    return ""


class EpisodesForm(SubmitForm):
    """How the picked episodes are to be transcribed; ``links`` are their addresses, one a line."""

    most_links = MOST
    links = forms.CharField(required=False, max_length=MOST * 2100)


def submissions(form: EpisodesForm, picked: list[Episode]) -> Iterator[Submission]:
    """What a valid form makes of the picked episodes, with the titles and dates of the feed."""
    data = form.cleaned_data
    for episode in picked:
        yield Submission(
            title=episode.title or title_of_link(episode.url),
            kind=SourceKind.URL,
            url=episode.url,
            engine=Engine(data["engine"]),
            language=data["language"],
            options=form.options(),
            published_at=None if episode.published is None else datetime.fromisoformat(episode.published),
        )
