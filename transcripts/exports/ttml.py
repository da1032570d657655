"""TTML subtitles (W3C TTML 2, the part that IMSC 1.1 Text allows). Pure: a document in, text out."""

from __future__ import annotations

from transcripts.exports.clock import stamp
from transcripts.exports.cues import LINE_COLUMNS, Cue, build
from transcripts.exports.document import Document
from transcripts.exports.tokens import clean
from transcripts.exports.xml import escape

_HEAD = """<?xml version="1.0" encoding="UTF-8"?>
<tt xmlns="http://www.w3.org/ns/ttml" xmlns:ttm="http://www.w3.org/ns/ttml#metadata"
    xmlns:ttp="http://www.w3.org/ns/ttml#parameter" xmlns:tts="http://www.w3.org/ns/ttml#styling"
    ttp:timeBase="media" ttp:cellResolution="40 24"
    ttp:contentProfiles="http://www.w3.org/ns/ttml/profile/imsc1.1/text" xml:lang="{language}">
  <head>
    <metadata>
      <ttm:title>{title}</ttm:title>
      <ttm:desc>{about}</ttm:desc>{agents}
    </metadata>
    <styling>
      <style xml:id="text" tts:fontFamily="proportionalSansSerif" tts:fontSize="100%" tts:textAlign="center"
             tts:color="#ffffff" tts:backgroundColor="#000000c0"/>
    </styling>
    <layout>
      <region xml:id="bottom" tts:origin="10% 70%" tts:extent="80% 22%" tts:displayAlign="after"/>
    </layout>
  </head>
  <body style="text" region="bottom">
    <div>
"""
_END = "    </div>\n  </body>\n</tt>\n"


def render(document: Document, *, speakers: bool = True, columns: int = LINE_COLUMNS) -> str:
    """The document as TTML; speakers as agents that the cues refer to."""
    cues = build(document, columns=columns)
    names = list(dict.fromkeys(clean(cue.speaker) for cue in cues if clean(cue.speaker))) if speakers else []
    ids = {name: f"speaker{number}" for number, name in enumerate(names, 1)}
    head = _HEAD.format(
        language=escape(clean(document.language)),
        title=escape(clean(document.title)),
        about=escape(" ".join(map(clean, document.notes))),
        agents="".join(map(_agent, ids.items())),
    )
    return head + "".join(_paragraph(cue, ids) for cue in cues) + _END


def _agent(agent: tuple[str, str]) -> str:
    name, key = agent
    named = f'<ttm:name type="full">{escape(name)}</ttm:name>'
    return f'\n      <ttm:agent xml:id="{key}" type="person">{named}</ttm:agent>'


def _paragraph(cue: Cue, ids: dict[str, str]) -> str:
    key = ids.get(clean(cue.speaker))
    agent = f' ttm:agent="{key}"' if key else ""
    text = "<br/>".join(map(escape, cue.lines))
    return f'      <p begin="{stamp(cue.start_ms, ".")}" end="{stamp(cue.end_ms, ".")}"{agent}>{text}</p>\n'
