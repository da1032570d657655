"""What a look at a link found, said in the reader's language. The media package gives codes and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from transcripts.media.findings import Part, Probe, say_size
from transcripts.phrases import say

Numbers = Mapping[str, int]


def sentence(found: Probe) -> str:
    """The finding, its parts joined by commas."""
    return ", ".join(_say(part) for part in found.parts)


def duration(seconds: int) -> str:
    """``8 min 3 s``, ``1 h 12 min``: two units at most."""
    hours, rest = divmod(seconds, 3600)
    minutes, left = divmod(rest, 60)
    values = {"hours": hours, "minutes": minutes, "seconds": left}
    if hours:
        return (_("%(hours)s h %(minutes)s min") if minutes else _("%(hours)s h")) % values
    if minutes:
        return (_("%(minutes)s min %(seconds)s s") if left else _("%(minutes)s min")) % values
    return _("%(seconds)s s") % values


def _say(part: Part) -> str:
    if part.code in _SAID:
        return _SAID[part.code](part.params)
    return _("Blocked: private address") if part.code == "url_address" else say(part.text)


def _episodes(numbers: Numbers) -> str:
    return ngettext("%(count)s episode", "%(count)s episodes", numbers["count"]) % {"count": f"{numbers['count']:,}"}


_SAID: dict[str, Callable[[Numbers], str]] = {
    "audio_file": lambda _numbers: _("Audio file"),
    "video": lambda _numbers: _("Video"),
    "recording": lambda _numbers: _("Recording"),
    "live_radio": lambda _numbers: _("Live radio"),
    "live_stream": lambda _numbers: _("Live stream"),
    "live_hls_radio": lambda _numbers: _("Live HLS radio"),
    "live_hls": lambda _numbers: _("Live HLS stream"),
    "hls_recording": lambda _numbers: _("HLS recording"),
    "feed": lambda _numbers: _("Podcast feed"),
    "encrypted": lambda _numbers: _("encrypted"),
    "size": lambda numbers: say_size(numbers["bytes"]),
    "duration": lambda numbers: duration(numbers["seconds"]),
    "bit_rate": lambda numbers: _("%(number)s kb/s") % {"number": numbers["kbps"]},
    "episodes": _episodes,
}
