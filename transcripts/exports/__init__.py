"""Taking a transcript away: a document in, the bytes of a file out. Pure; `transcripts.exporting` makes the documents.

render("srt", document) -> bytes
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from transcripts.exports import srt, structured, text, vtt
from transcripts.exports.document import Document

#: Names that Windows keeps for devices, whatever the extension.
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
FILENAME_BYTES = 180


class UnknownFormat(Exception):
    """There is no export format of that name."""

    code = "unknown_format"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no export format {name!r}; choose one of {', '.join(FORMATS)}.")


@dataclass(frozen=True, slots=True)
class Options:
    """What a reader may choose. ``times`` and ``header`` change plain text only."""

    times: bool = False
    header: bool = False


DEFAULT = Options()


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file: its name in URLs, what people call it, and how it is served.

    ``with_events``: it holds the event log, so the document needs it.
    """

    name: str
    label: str
    extension: str
    content_type: str
    with_events: bool = False


FORMATS: dict[str, Format] = {
    kind.name: kind
    for kind in (
        Format("txt", "Plain text", "txt", "text/plain; charset=utf-8"),
        Format("srt", "SubRip subtitles", "srt", "application/x-subrip; charset=utf-8"),
        Format("vtt", "WebVTT subtitles", "vtt", "text/vtt; charset=utf-8"),
        Format("json", "JSON with words and events", "json", "application/json", with_events=True),
    )
}

_RENDERERS: dict[str, Callable[[Document, Options], str]] = {
    "txt": lambda document, options: text.render(document, times=options.times, header=options.header),
    "srt": lambda document, _: srt.render(document),
    "vtt": lambda document, _: vtt.render(document),
    "json": lambda document, _: structured.render(document),
}


def render(name: str, document: Document, options: Options = DEFAULT) -> bytes:
    """The bytes (UTF-8) of a document in a format. Raises UnknownFormat."""
    if name not in FORMATS:
        raise UnknownFormat(name)
    # A lone surrogate can only come through JSON's own escapes; written as one again it keeps JSON valid.
    return _RENDERERS[name](document, options).encode("utf-8", "backslashreplace")


def filename(title: str, extension: str) -> str:
    """A file name for any title: one component, no hidden or device name, at most 180 bytes before the extension."""
    kept = "".join(" " if _is_unsafe(char) else char for char in unicodedata.normalize("NFC", title))
    stem = " ".join(kept.split()).encode("utf-8", "ignore")[:FILENAME_BYTES].decode("utf-8", "ignore").strip(" .")
    if stem.split(".")[0].casefold() in RESERVED:
        stem = f"_{stem}"
    return f"{stem or 'transcript'}.{extension}"


def _is_unsafe(char: str) -> bool:
    """Separators, characters that some file system refuses, and invisible ones that could make a name lie."""
    return char in '/\\:*?"<>|' or unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
