"""What a look at a link found, as data and as a sentence. Pure.

A sentence is made of parts, each with a code and numbers, so that a caller can say it in another language: the parts
are joined by commas.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from .errors import BlockedUrl, MediaError
from .feeds import Episode


class ProbeKind(StrEnum):
    """AUDIO and VIDEO are files; RADIO a station; HLS_LIVE and HLS_RECORDING playlists; FEED lists episodes to pick
    from; UNUSABLE is everything else."""

    AUDIO = "audio"
    VIDEO = "video"
    RADIO = "radio"
    HLS_LIVE = "hls_live"
    HLS_RECORDING = "hls_recording"
    FEED = "feed"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a sentence: ``audio_file``, ``video``, ``recording`` (one of the two), ``live_radio``, ``live_stream``,
    ``live_hls_radio``, ``live_hls``, ``hls_recording``, ``feed``, ``size`` (``bytes``), ``duration`` (``seconds``),
    ``bit_rate`` (``kbps``), ``episodes`` (``count``), ``encrypted``, or an error's code (its sentence is ``text``)."""

    code: str
    params: Mapping[str, int] = field(default_factory=dict)
    text: str = ""


@dataclass(frozen=True, slots=True)
class Probe:
    """``title`` is cleaned and a stranger's; ``duration_s`` a claim; ``details`` for who wants to know more
    (``container``, ``coding``, ``url`` after redirects); ``episodes`` of a feed; ``error`` why it cannot be used."""

    kind: ProbeKind
    parts: tuple[Part, ...]
    title: str | None = None
    duration_s: int | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    episodes: tuple[Episode, ...] | None = None
    error: MediaError | None = None

    @property
    def live(self) -> bool:
        """Whether it happens while it is heard."""
        return self.kind in (ProbeKind.RADIO, ProbeKind.HLS_LIVE)

    @property
    def sentence(self) -> str:
        """The finding in English."""
        return ", ".join(_say(part) for part in self.parts)


def unusable(error: MediaError) -> Probe:
    """The finding that ``error`` is."""
    text = f"Blocked: {_BLOCKED[error.code]}" if error.code in _BLOCKED else error.message
    if isinstance(error, BlockedUrl) and error.code not in _BLOCKED:
        text = f"Blocked: {error.message}"
    return Probe(ProbeKind.UNUSABLE, (Part(error.code, text=text),), error=error)


def numbers(*, size: int | None = None, seconds: float | None = None, kbps: int | None = None) -> tuple[Part, ...]:
    """The parts for what is known."""
    parts = []
    if size:
        parts.append(Part("size", {"bytes": size}))
    if seconds and seconds >= 1:
        parts.append(Part("duration", {"seconds": round(seconds)}))
    if kbps:
        parts.append(Part("bit_rate", {"kbps": kbps}))
    return tuple(parts)


def say_duration(seconds: int) -> str:
    """``8 min 3 s``, ``1 h 12 min``: two units at most."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    if minutes:
        return f"{minutes} min {left} s" if left else f"{minutes} min"
    return f"{left} s"


def say_size(size: int) -> str:
    """``12 MB``, in powers of ten as shops and download pages count."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= factor:
            amount = size / factor
            return f"{amount:.1f} {unit}" if amount < 10 else f"{amount:.0f} {unit}"
    return f"{size} bytes"


def _say(part: Part) -> str:
    return _ENGLISH[part.code](part.params) if part.code in _ENGLISH else part.text


def _episodes(params: Mapping[str, int]) -> str:
    return "1 episode" if params["count"] == 1 else f"{params['count']:,} episodes"


_BLOCKED = {"url_address": "private address", "url_self": "this service itself"}

_ENGLISH: dict[str, Callable[[Mapping[str, int]], str]] = {
    "audio_file": lambda _: "Audio file",
    "video": lambda _: "Video",
    "recording": lambda _: "Recording",
    "live_radio": lambda _: "Live radio",
    "live_stream": lambda _: "Live stream",
    "live_hls_radio": lambda _: "Live HLS radio",
    "live_hls": lambda _: "Live HLS stream",
    "hls_recording": lambda _: "HLS recording",
    "feed": lambda _: "Podcast feed",
    "encrypted": lambda _: "encrypted",
    "size": lambda params: say_size(params["bytes"]),
    "duration": lambda params: say_duration(params["seconds"]),
    "bit_rate": lambda params: f"{params['kbps']} kb/s",
    "episodes": _episodes,
}
