"""Podcast feeds (RSS 2.0 and Atom) to a list of episodes to pick from.

The parser is expat without document types: a feed that declares one is refused before any entity of it exists, so
there is nothing to expand and nothing to fetch. Addresses are for the guard to judge, when an episode is chosen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urljoin
from xml.parsers import expat

from .errors import MediaError
from .titles import clean_title, plain_text

#: Largest feed in bytes, most episodes that are listed, deepest nesting, and longest text of one element that is kept.
MAX_BYTES = 5 * 1024**2
MAX_EPISODES = 5_000
MAX_DEPTH = 64
MAX_TEXT = 4096

#: Longest duration that is believed, in seconds.
MAX_DURATION_S = 7 * 86_400

_FEEDS = ("rss", "feed", "rdf:RDF")
_ENTRIES = ("item", "entry")
_DATES = ("pubDate", "published", "dc:date", "updated")
#: Where an episode is described, the shortest way of saying it first.
_DESCRIPTIONS = ("itunes:summary", "description", "summary", "itunes:subtitle", "content:encoded", "content")
_TEXTS = frozenset({"title", "itunes:duration", *_DATES, *_DESCRIPTIONS})
_CLOCK = re.compile(r"(?:(?:([0-9]{1,3}):)?([0-9]{1,3}):)?([0-9]{1,7})(?:\.[0-9]{1,9})?")
_LENGTH = re.compile(r"[0-9]{1,15}")


class FeedError(MediaError):
    """A feed that cannot be read: ``feed_invalid``, ``feed_limits``, ``feed_dtd`` (it declares a document type)."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One recording of a feed. ``published`` is ISO 8601 in UTC; ``duration_s`` and ``length_bytes`` are claims;
    ``type`` is the declared media type; ``about`` the description as plain text, cut. What the feed does not say is
    None."""

    title: str | None
    url: str
    published: str | None = None
    duration_s: int | None = None
    length_bytes: int | None = None
    type: str | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed's cleaned title and its episodes in the feed's order; ``truncated`` says that there may be more."""

    title: str | None
    episodes: tuple[Episode, ...]
    truncated: bool = False


def is_feed(head: bytes) -> bool:
    """Whether the first bytes of a document look like a feed."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()[:4096]
    return text.startswith(b"<") and re.search(rb"<(rss|feed|rdf:rdf)[\s>]", text) is not None


def parse_feed(data: bytes, base_url: str) -> Feed:
    """The feed in ``data``, relative addresses resolved against ``base_url``. Raises ``FeedError``."""
    if len(data) > MAX_BYTES:
        raise FeedError("feed_limits", f"The feed is larger than {MAX_BYTES // 1024**2} MB.")
    handler = _Handler(base_url)
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    parser.StartDoctypeDeclHandler = _refuse_doctype
    parser.EntityDeclHandler = _refuse_doctype
    parser.ExternalEntityRefHandler = _refuse_doctype
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):  # not well-formed; bytes of no or an unknown encoding
        if not handler.listed:
            raise FeedError("feed_invalid", "The feed is damaged and cannot be read.") from None
        handler.full = True  # what came before the damage is good
    return handler.feed()


def _refuse_doctype(*_: object) -> int:
    raise FeedError("feed_dtd", "The feed declares a document type, which is not accepted.")


class _Handler:
    """Collects what the elements say. Texts of elements that are not asked for are never kept."""

    def __init__(self, base_url: str) -> None:
        self.full = False
        self._base = base_url
        self._path: list[str] = []
        self._title: str | None = None
        self._episodes: list[Episode] = []
        self._entry: dict[str, str] | None = None
        self._enclosure: dict[str, str] | None = None
        self._text: list[str] | None = None
        self._kept = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._path and name not in _FEEDS:
            raise FeedError("feed_invalid", "This is not a podcast feed.")
        self._path.append(name)
        if len(self._path) > MAX_DEPTH:
            raise FeedError("feed_limits", "The feed is nested too deeply.")
        if name in _ENTRIES and self._entry is None:
            self._entry, self._enclosure = {}, None
        elif self._entry is not None and self._enclosure is None:
            self._enclosure = _enclosure(name, attributes)
        wanted = name in _TEXTS and len(self._path) <= 4
        self._text, self._kept = ([] if wanted else None), 0

    def text(self, data: str) -> None:
        if self._text is not None and self._kept < MAX_TEXT:
            self._text.append(data[: MAX_TEXT - self._kept])
            self._kept += len(data)

    def end(self, name: str) -> None:
        value, self._text = "".join(self._text or ()), None
        self._path.pop()
        if name in _ENTRIES and self._entry is not None and not self._inside_entry():
            self._finish_entry()
        elif value and self._entry is not None and self._path[-1] in _ENTRIES:
            self._entry.setdefault(name, value)
        elif value and name == "title" and self._title is None and self._path[-1] in ("channel", "feed"):
            self._title = clean_title(value)

    @property
    def listed(self) -> int:
        return len(self._episodes)

    def feed(self) -> Feed:
        return Feed(self._title, tuple(self._episodes), truncated=self.full)

    def _inside_entry(self) -> bool:
        return any(name in _ENTRIES for name in self._path)

    def _finish_entry(self) -> None:
        entry, enclosure = self._entry or {}, self._enclosure
        self._entry = self._enclosure = None
        url = _resolve(self._base, (enclosure or {}).get("url", ""))
        if enclosure is None or url is None:
            return
        if len(self._episodes) >= MAX_EPISODES:
            self.full = True
            return
        date = _first(entry, _DATES)
        self._episodes.append(
            Episode(
                title=clean_title(entry.get("title", "")),
                url=url,
                published=read_date(date),
                duration_s=read_duration(entry.get("itunes:duration", "")),
                length_bytes=_length(enclosure.get("length", "")),
                type=clean_title(enclosure.get("type", "")[:100]),
                about=plain_text(_first(entry, _DESCRIPTIONS)),
            )
        )


def _first(entry: dict[str, str], names: tuple[str, ...]) -> str:
    return next((entry[name] for name in names if name in entry), "")


def _enclosure(name: str, attributes: dict[str, str]) -> dict[str, str] | None:
    """The recording that an element names: RSS and Atom enclosures, and Media RSS content that is sound or video."""
    if name == "enclosure" and attributes.get("url"):
        return attributes
    if name in ("link", "atom:link") and attributes.get("rel") == "enclosure" and attributes.get("href"):
        return {**attributes, "url": attributes["href"]}
    sounding = attributes.get("medium", attributes.get("type", "")).startswith(("audio", "video"))
    if name == "media:content" and attributes.get("url") and sounding:
        return {**attributes, "length": attributes.get("fileSize", "")}
    return None


def _resolve(base: str, url: str) -> str | None:
    try:
        return urljoin(base, url.strip()) if url.strip() else None
    except ValueError:
        return None


def _length(text: str) -> int | None:
    """Bytes; feeds write 0 when they do not know."""
    text = text.strip()
    return int(text) or None if _LENGTH.fullmatch(text) else None


def read_duration(text: str) -> int | None:
    """Seconds of ``ss``, ``mm:ss`` or ``hh:mm:ss``, or None for anything else, for 0 and for more than a week."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        return None
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    total = hours * 3600 + minutes * 60 + seconds
    return total if 0 < total <= MAX_DURATION_S else None


def read_date(text: str) -> str | None:
    """A date of RSS (RFC 822) or Atom (ISO 8601) as ISO 8601 in UTC, or None."""
    text = text.strip()[:64]
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            return moment.astimezone(UTC).isoformat(timespec="seconds")
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None
