"""WebVTT subtitles, the web's own format (W3C). Pure: a document in, text out."""

from __future__ import annotations

from transcripts.exports.clock import stamp
from transcripts.exports.cues import LINE_COLUMNS, Cue, build
from transcripts.exports.document import Document
from transcripts.exports.tokens import clean


def escape(text: str) -> str:
    """Text that cannot be markup, an entity or a time line."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def render(document: Document, *, speakers: bool = True, columns: int = LINE_COLUMNS) -> str:
    """The document as WebVTT: notes about where it comes from, then the cues; speakers as voice tags."""
    about = [document.title, *(note for note in document.notes)]
    notes = [f"NOTE {escape(clean(text))}\n" for text in about if clean(text)]
    return "\n".join(["WEBVTT\n", *notes, *(_block(cue, speakers) for cue in build(document, columns=columns))])


def _block(cue: Cue, speakers: bool) -> str:
    times = f"{stamp(cue.start_ms, '.')} --> {stamp(cue.end_ms, '.')}"
    text = "\n".join(map(escape, cue.lines))
    speaker = escape(clean(cue.speaker)) if speakers else ""
    return f"{times}\n<v {speaker}>{text}</v>\n" if speaker else f"{times}\n{text}\n"
