"""What a playlist says, as data, and the one exception for playlists that say too much or nothing usable.

URIs are absolute (resolved against the playlist's own address) but not judged: the guard does that at each fetch.
"""

from __future__ import annotations

from dataclasses import dataclass

from transcripts.media.errors import MediaError

#: Largest playlist (bytes, lines, bytes a line, variants) that is read.
MAX_BYTES = 1024**2
MAX_LINES = 20_000
MAX_LINE_BYTES = 8 * 1024
MAX_VARIANTS = 200

#: Largest segment, or part of a file that is one, in bytes.
MAX_SEGMENT_BYTES = 64 * 1024**2


class HlsError(MediaError):
    """A playlist that cannot be followed: ``hls_limits``, ``hls_invalid``, ``hls_bad_range``, ``hls_bad_key``,
    ``hls_unsupported``, ``hls_drm_unsupported``, ``hls_too_deep``; and of the reader ``source_bad_segments``."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """``length`` bytes from offset ``start`` of a resource."""

    start: int
    length: int

    @property
    def end(self) -> int:
        """Offset of the first byte after the range."""
        return self.start + self.length


@dataclass(frozen=True, slots=True)
class Key:
    """AES-128 in CBC mode: address of the 16-byte key, and the 16-byte IV or None (the sequence number is the IV)."""

    uri: str
    iv: bytes | None = None


@dataclass(frozen=True, slots=True)
class Map:
    """The initialisation section that fragmented MP4 needs before any of its segments."""

    uri: str
    byte_range: ByteRange | None = None
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of media. ``sequence`` is its number in the playlist, ``duration`` in seconds, ``program_time`` the
    wall clock of its first sample in seconds since 1970 (given or counted on) or None. ``gap`` says that the server
    has no media for it, ``discontinuity`` that format or timestamps may differ from the segment before."""

    sequence: int
    uri: str
    duration: float
    byte_range: ByteRange | None = None
    key: Key | None = None
    map: Map | None = None
    discontinuity: bool = False
    gap: bool = False
    program_time: float | None = None


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """``target`` is the announced target duration in seconds, unclamped, 0 when absent; ``ended`` says that nothing
    will be added; ``kind`` is ``VOD``, ``EVENT`` or empty."""

    target: float
    sequence: int
    segments: tuple[Segment, ...]
    ended: bool = False
    kind: str = ""
    discontinuity_sequence: int = 0

    @property
    def live(self) -> bool:
        """Whether reloading it can bring more."""
        return not self.ended and self.kind != "VOD"

    @property
    def seconds(self) -> float:
        """Sum of the segments' durations."""
        return sum(segment.duration for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Variant:
    """One stream of a master playlist. ``bandwidth`` is its peak in bits a second (0: not said); ``codecs`` as given;
    ``picture`` whether it claims to have one; ``audio`` the group of its separate audio renditions."""

    uri: str
    bandwidth: int = 0
    codecs: tuple[str, ...] = ()
    picture: bool = False
    audio: str = ""


@dataclass(frozen=True, slots=True)
class Rendition:
    """A separate audio track. Without ``uri`` its sound is inside the variants. ``described`` marks a track in which
    somebody describes the picture."""

    group: str
    name: str
    uri: str | None = None
    language: str = ""
    default: bool = False
    autoselect: bool = False
    described: bool = False


@dataclass(frozen=True, slots=True)
class MasterPlaylist:
    """The variants and audio renditions to choose from, in the playlist's order."""

    variants: tuple[Variant, ...]
    renditions: tuple[Rendition, ...] = ()


def invalid(what: str) -> HlsError:
    """The error for a playlist that breaks the format; ``what`` completes "The HLS playlist ..."."""
    return HlsError("hls_invalid", f"The HLS playlist {what}.")
