"""A document for word processors (Office Open XML, ECMA-376): the smallest package that is one. Pure.

Title, facts and notes, then paragraphs as in plain text, each with its time and, where it changes, its speaker.
"""

from __future__ import annotations

import io
import zipfile

from transcripts.exports.clock import brief
from transcripts.exports.cues import gap_text
from transcripts.exports.document import Document, Gap
from transcripts.exports.text import facts, paragraphs
from transcripts.exports.tokens import clean
from transcripts.exports.xml import escape

_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org"
_WORD = f'xmlns:w="{_OFFICE}/wordprocessingml/2006/main"'
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
_RELATION = f"{_OFFICE}/officeDocument/2006/relationships"
#: Zip files hold a time for each part; the same document is the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)

_TYPES = f"""<Types xmlns="{_OFFICE}/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/word/document.xml" ContentType="{_TYPE}.document.main+xml"/>
<Override PartName="/word/styles.xml" ContentType="{_TYPE}.styles+xml"/>
</Types>"""
_RELATIONS = f"""<Relationships xmlns="{_OFFICE}/package/2006/relationships">
<Relationship Id="rId1" Type="{_RELATION}/{{0}}" Target="{{1}}"/>
</Relationships>"""
_STYLES = f"""<w:styles {_WORD}>
<w:docDefaults><w:rPrDefault><w:rPr><w:sz w:val="22"/></w:rPr></w:rPrDefault>
<w:pPrDefault><w:pPr><w:spacing w:after="160" w:line="276" w:lineRule="auto"/></w:pPr></w:pPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="Title"><w:name w:val="Title"/><w:basedOn w:val="Normal"/>
<w:rPr><w:b/><w:sz w:val="36"/></w:rPr></w:style>
<w:style w:type="paragraph" w:styleId="Facts"><w:name w:val="Facts"/><w:basedOn w:val="Normal"/>
<w:rPr><w:color w:val="606060"/><w:sz w:val="18"/></w:rPr></w:style>
<w:style w:type="character" w:styleId="Time"><w:name w:val="Time"/><w:rPr><w:color w:val="606060"/></w:rPr></w:style>
<w:style w:type="character" w:styleId="Speaker"><w:name w:val="Speaker"/><w:rPr><w:b/></w:rPr></w:style>
</w:styles>"""


def render(document: Document, *, times: bool = True, speakers: bool = True) -> bytes:
    """The document as the bytes of a .docx file."""
    title, *told = facts(document)
    body = [_paragraph(_run(title), "Title")]
    body += [_paragraph(_run(fact), "Facts") for fact in (*told, *map(clean, document.notes))]
    before = ""
    for part in paragraphs(document):
        start = part.start_ms if isinstance(part, Gap) else part.lines[0].start_ms
        runs = _run(f"{brief(start)}  ", "Time") if times else ""
        if isinstance(part, Gap):
            runs += _run(gap_text(part), "Time")
        else:
            named = speakers and part.speaker and part.speaker != before
            runs += (_run(f"{part.speaker}: ", "Speaker") if named else "") + _run(part.text)
            before = part.speaker
        body.append(_paragraph(runs))
    return _package(f"<w:document {_WORD}><w:body>{''.join(body)}</w:body></w:document>")


def _paragraph(runs: str, style: str = "") -> str:
    about = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{about}{runs}</w:p>"


def _run(text: str, style: str = "") -> str:
    about = f'<w:rPr><w:rStyle w:val="{style}"/></w:rPr>' if style else ""
    return f'<w:r>{about}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _package(document: str) -> bytes:
    parts = {
        "[Content_Types].xml": _TYPES,
        "_rels/.rels": _RELATIONS.format("officeDocument", "word/document.xml"),
        "word/_rels/document.xml.rels": _RELATIONS.format("styles", "styles.xml"),
        "word/document.xml": document,
        "word/styles.xml": _STYLES,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, xml in parts.items():
            package.writestr(zipfile.ZipInfo(name, _NO_TIME), f"{_XML}{xml}".encode(), zipfile.ZIP_DEFLATED)
    return file.getvalue()
