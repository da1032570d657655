"""What the first bytes of a source say it is: recordings go on, everything else is named in a sentence and refused.

The decoder never sees bytes that this table does not know, and the declared type of an upload or a server is no
evidence. Pure: bytes in, judgement out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .errors import NotMedia

#: As much of a file's beginning as is looked at, in bytes.
SNIFF_BYTES = 64 * 1024

#: Enough of a live stream to tell; waiting for more would cost seconds at radio rates.
LIVE_SNIFF_BYTES = 4 * 1024

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (8, b"WAVE", "wav"),
    (8, b"AVI ", "avi"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    (4, b"ftyp", "mov"),
    (4, b"moov", "mov"),
    (4, b"moof", "mov"),
    (4, b"styp", "mov"),
    (4, b"mdat", "mov"),
    (4, b"wide", "mov"),
    (4, b"free", "mov"),
    (4, b"skip", "mov"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"ID3", "mp3"),
    (0, b"RF64", "wav"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (0, b"caff\x00\x01", "caf"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "asf"),
    (0, b"#!AMR", "amr"),
    (0, b"FLV\x01", "flv"),
    (0, b".snd", "au"),
    (0, b"wvpk", "wv"),
    (0, b"MAC ", "ape"),
    (0, b"TTA1", "tta"),
    (0, b"\x0bw", "ac3"),
    (0, b"\x00\x00\x01\xba", "mpeg"),
)

_PLAYLISTS = (b"#extm3u", b"[playlist]", b"<asx", b"ffconcat version")
_ROOTS: dict[bytes, tuple[str, str, str]] = {
    b"mpd": ("unsupported_dash", "a DASH manifest", "Paste a direct link to the audio or video file."),
    b"smoothstreamingmedia": ("unsupported_dash", "a streaming manifest", "Paste a direct link to the file."),
    b"rss": ("unsupported_feed", "a podcast feed", "Paste the link of one episode."),
    b"feed": ("unsupported_feed", "a podcast feed", "Paste the link of one episode."),
    b"html": ("is_page", "a web page", "Paste the address of the recording itself."),
    b"!doctype": ("is_page", "a web page", "Paste the address of the recording itself."),
    b"svg": ("not_media", "a picture", ""),
}
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x1f\x8b", "a compressed archive"),
    (b"7z\xbc\xaf", "a compressed archive"),
    (b"Rar!", "a compressed archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF8", "a picture"),
)

_TAG = re.compile(rb"<(!doctype|[a-z][a-z0-9]*)[\s>]", re.IGNORECASE)
_FRAME_SYNC = re.compile(rb"\xff[\xe0-\xff]")
_MPEG_BIT_RATES = {
    (3, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (3, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (3, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_SYNC_TRIES = 512


def judge_content(head: bytes) -> str:
    """The container's short name (``wav``, ``mp3``, ``mov`` ...) for the first bytes of a source.

    Raises ``NotMedia``: ``unsupported_hls``, ``unsupported_dash``, ``unsupported_playlist``, ``unsupported_feed``,
    ``empty_source``, ``is_page`` or ``not_media``, with a sentence that says what was found.
    """
    if not head:
        raise NotMedia("empty_source", "The source is empty.")
    for offset, magic, name in _MAGIC:
        if head.startswith(magic, offset):
            return name
    _refuse_text(head.removeprefix(b"\xef\xbb\xbf").lstrip()[:4096])
    _refuse_others(head)
    found = _transport_stream(head) or _frames(head)
    if found:
        return found
    what = "a text" if _is_text(head) else "data of an unknown kind"
    raise NotMedia("not_media", f"This is {what}, not a recording.")


def _refuse_text(text: bytes) -> None:
    lowered = text.lower()
    if lowered.startswith(b"#extm3u") and b"#ext-x-" in lowered:
        step = "Paste the address of the playlist instead."
        raise NotMedia("unsupported_hls", "This is an HLS playlist, not a recording.", next_step=step)
    if lowered.startswith(_PLAYLISTS):
        step = "Paste the address of the stream that it names."
        raise NotMedia("unsupported_playlist", "This is a playlist, not a recording.", next_step=step)
    if not lowered.startswith(b"<"):
        return
    for tag in _TAG.finditer(lowered):
        if tag[1] in _ROOTS:
            code, what, step = _ROOTS[tag[1]]
            raise NotMedia(code, f"This is {what}, not a recording.", next_step=step)


def _refuse_others(head: bytes) -> None:
    for magic, what in _OTHERS:
        if head.startswith(magic):
            raise NotMedia("not_media", f"This is {what}, not a recording.")


def _transport_stream(head: bytes) -> str | None:
    """MPEG transport streams repeat 0x47 every 188 bytes, perhaps not from the first byte on."""
    for start in range(min(188, len(head))):
        syncs = head[start : start + 188 * 8 : 188]
        if len(syncs) >= 4 and syncs == b"G" * len(syncs):
            return "mpegts"
    return None


def _frames(head: bytes) -> str | None:
    """MPEG audio or ADTS: frame headers that follow each other at the distance each one states, three in a row."""
    for tries, match in enumerate(_FRAME_SYNC.finditer(head)):
        if tries == _SYNC_TRIES:
            return None
        for name, length in (("aac", _adts_length), ("mp3", _mpeg_length)):
            if _chain(head, match.start(), length):
                return name
    return None


def _chain(head: bytes, position: int, length: Callable[[bytes], int]) -> bool:
    for _ in range(3):
        step = length(head[position : position + 6])
        if not step:
            return False
        position += step
    return True


def _adts_length(header: bytes) -> int:
    """Bytes from one ADTS header to the next (ISO/IEC 13818-7), 0 when this is none."""
    if len(header) < 6 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length >= 7 else 0


def _mpeg_length(header: bytes) -> int:
    """Bytes from one MPEG audio header to the next (ISO/IEC 11172-3, 13818-3), 0 when this is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = header[1] >> 3 & 3, 4 - (header[1] >> 1 & 3)
    index, rate, padding = header[2] >> 4, header[2] >> 2 & 3, header[2] >> 1 & 1
    if version == 1 or layer == 4 or rate == 3 or not 1 <= index <= 14:
        return 0
    bits = _MPEG_BIT_RATES[3 if version == 3 else 2, layer][index - 1] * 1000
    hertz = (44100, 48000, 32000)[rate] >> (0 if version == 3 else 1 if version == 2 else 2)
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def _is_text(head: bytes) -> bool:
    return not any(byte < 9 or 13 < byte < 32 or byte == 0xFF for byte in head[:4096])
