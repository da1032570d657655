"""SubRip subtitles. Pure: a document in, text out."""

from __future__ import annotations

import re

from transcripts.exports.clock import stamp
from transcripts.exports.cues import LINE_COLUMNS, build
from transcripts.exports.document import Document

#: SubRip has no escapes. An invisible joiner keeps players from reading speech as a tag (``<i>``), an override
#: (``{\an8}``), an entity (``&lt;``) or a time line, and shows nothing on the screen.
JOINER = "\u2060"
SPECIAL = re.compile(r"[<{&]|--(?=>)")


def neutral(line: str) -> str:
    """A line of speech that no player takes for markup; without U+2060 it is the line itself."""
    return SPECIAL.sub(lambda found: found[0] + JOINER, line)


def render(document: Document, *, speakers: bool = True, columns: int = LINE_COLUMNS) -> str:
    """The document as SubRip: numbered cues, a blank line after each; speakers named where they change."""
    blocks = []
    for number, cue in enumerate(build(document, name_speakers=speakers, columns=columns), 1):
        times = f"{stamp(cue.start_ms, ',')} --> {stamp(cue.end_ms, ',')}"
        blocks.append("\n".join([str(number), times, *map(neutral, cue.lines)]) + "\n")
    return "\n".join(blocks)
