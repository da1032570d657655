"""Taking a transcript away: a document in, the bytes of a file out. Pure; `transcripts.exporting` makes the documents.

render("srt", document) -> bytes
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, replace

from transcripts.exports import docx, srt, structured, table, text, ttml, vtt, xlsx
from transcripts.exports.cues import LINE_COLUMNS
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
    """What a reader may choose.

    ``times`` and ``header`` change plain text (``times`` the document as well), ``speakers`` whether they are named,
    ``columns`` the longest line of a subtitle (COLUMNS says between what). ``start_ms`` and ``end_ms`` (None: the end)
    are the part that is wanted; who makes the document leaves the rest out, and without ``comments`` those as well.
    """

    times: bool = False
    header: bool = False
    speakers: bool = True
    columns: int = LINE_COLUMNS
    start_ms: int = 0
    end_ms: int | None = None
    comments: bool = False


#: Shortest and longest line that a subtitle may be asked for.
COLUMNS = (20, 60)
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


_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

FORMATS: dict[str, Format] = {
    kind.name: kind
    for kind in (
        Format("txt", "Plain text", "txt", "text/plain; charset=utf-8"),
        Format("srt", "SubRip subtitles", "srt", "application/x-subrip; charset=utf-8"),
        Format("vtt", "WebVTT subtitles", "vtt", "text/vtt; charset=utf-8"),
        Format("ttml", "TTML subtitles", "ttml", "application/ttml+xml; charset=utf-8"),
        Format("docx", "Word document", "docx", _DOCX),
        Format("xlsx", "Spreadsheet", "xlsx", _XLSX),
        Format("csv", "Table (CSV)", "csv", "text/csv; charset=utf-8"),
        Format("json", "Data (JSON)", "json", "application/json", with_events=True),
    )
}

_RENDERERS: dict[str, Callable[[Document, Options], str | bytes]] = {
    "txt": lambda made, told: text.render(made, times=told.times, header=told.header, speakers=told.speakers),
    "srt": lambda made, told: srt.render(made, speakers=told.speakers, columns=told.columns),
    "vtt": lambda made, told: vtt.render(made, speakers=told.speakers, columns=told.columns),
    "ttml": lambda made, told: ttml.render(made, speakers=told.speakers, columns=told.columns),
    "docx": lambda made, told: docx.render(made, times=told.times, speakers=told.speakers),
    "xlsx": lambda made, told: xlsx.render(made, speakers=told.speakers),
    "csv": lambda made, told: table.render(made, speakers=told.speakers),
    "json": lambda made, _: structured.render(made),
}


def render(name: str, document: Document, options: Options = DEFAULT) -> bytes:
    """The bytes of a document in a format (UTF-8 where it is text). Raises UnknownFormat."""
    if name not in FORMATS:
        raise UnknownFormat(name)
    made = _RENDERERS[name](document, options)
    # A lone surrogate can only come through JSON's own escapes; written as one again it keeps JSON valid.
    return made if isinstance(made, bytes) else made.encode("utf-8", "backslashreplace")


def preview(name: str, document: Document, options: Options = DEFAULT, count: int = 5) -> str:
    """What a file of this format begins with: ``count`` cues, paragraphs or rows. Raises UnknownFormat.

    Of a document that is cut (`exporting.beginning_of`) the last ones may end earlier than in the file.
    """
    if name == "docx":
        options = replace(options, header=True)
    name = {"xlsx": "csv"}.get(name, name)
    cut = _first(document, count) if name in {"csv", "json"} else document
    shown = render({"docx": "txt"}.get(name, name), cut, options).decode("utf-8", "replace").lstrip(table.MARK)
    if name == "ttml":
        *rest, _ = shown.split("</p>\n")[: count + 1] if shown.count("</p>\n") > count else [shown, ""]
        return "</p>\n".join(rest)
    blocks = shown.split("\n\n")
    head = options.header + (options.header and bool(document.notes))
    extra = {"vtt": sum(block.startswith(("WEBVTT", "NOTE")) for block in blocks), "docx": head, "txt": head}
    return shown if name in {"csv", "json"} else "\n\n".join(blocks[: count + extra.get(name, 0)])


def _first(document: Document, count: int) -> Document:
    return replace(document, segments=document.segments[:count], gaps=document.gaps[:count], events=None)


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
