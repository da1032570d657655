"""A document for word processors (Office Open XML, ECMA-376): the smallest package that is one. Pure.

Title, facts and notes, then paragraphs as in plain text, each with its time and, where it changes, its speaker. What
people commented stands beside the paragraph, as word processors show it.
"""

from __future__ import annotations

import io
import zipfile
from bisect import bisect_right
from collections.abc import Sequence

from transcripts.exports.clock import brief
from transcripts.exports.cues import gap_text
from transcripts.exports.document import Document, Gap, Remark
from transcripts.exports.text import Paragraph, facts, paragraphs
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
<Override PartName="/word/styles.xml" ContentType="{_TYPE}.styles+xml"/>{{0}}
</Types>"""
_COMMENTS_TYPE = f'<Override PartName="/word/comments.xml" ContentType="{_TYPE}.comments+xml"/>'
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
    """The document as the bytes of a .docx file; with its comments where it has any."""
    title, *told = facts(document)
    body = [_paragraph(_run(title), "Title")]
    body += [_paragraph(_run(fact), "Facts") for fact in (*told, *map(clean, document.notes))]
    before = ""
    parts, remarks = list(paragraphs(document)), document.comments or ()
    beside = _beside(parts, remarks)
    for place, part in enumerate(parts):
        start = _start(part)
        runs = _run(f"{brief(start)}  ", "Time") if times else ""
        if isinstance(part, Gap):
            runs += _run(gap_text(part), "Time")
        else:
            named = speakers and part.speaker and part.speaker != before
            runs += (_run(f"{part.speaker}: ", "Speaker") if named else "") + _run(part.text)
            before = part.speaker
        body.append(_paragraph(_commented(runs, beside.get(place, []))))
    return _package(f"<w:document {_WORD}><w:body>{''.join(body)}</w:body></w:document>", remarks if parts else ())


def _start(part: Paragraph | Gap) -> int:
    return part.start_ms if isinstance(part, Gap) else part.lines[0].start_ms


def _beside(parts: list[Paragraph | Gap], remarks: Sequence[Remark]) -> dict[int, list[int]]:
    """Which comments (their numbers) stand beside which part: the last one that begins at or before their time."""
    starts = [_start(part) for part in parts]
    found: dict[int, list[int]] = {}
    for number, remark in enumerate(remarks):
        found.setdefault(max(bisect_right(starts, remark.start_ms) - 1, 0), []).append(number)
    return found


def _commented(runs: str, numbers: Sequence[int]) -> str:
    begin = "".join(f'<w:commentRangeStart w:id="{number}"/>' for number in numbers)
    end = "".join(
        f'<w:commentRangeEnd w:id="{number}"/><w:r><w:commentReference w:id="{number}"/></w:r>' for number in numbers
    )
    return f"{begin}{runs}{end}"


def _comments(remarks: Sequence[Remark]) -> str:
    made = []
    for number, remark in enumerate(remarks):
        about = f'w:id="{number}" w:author="{escape(clean(remark.by))}" w:date="{remark.at}"'
        said = "".join(_paragraph(_run(clean(line))) for line in remark.text.split("\n"))
        made.append(f"<w:comment {about}>{said}</w:comment>")
    return f"<w:comments {_WORD}>{''.join(made)}</w:comments>"


def _paragraph(runs: str, style: str = "") -> str:
    about = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{about}{runs}</w:p>"


def _run(text: str, style: str = "") -> str:
    about = f'<w:rPr><w:rStyle w:val="{style}"/></w:rPr>' if style else ""
    return f'<w:r>{about}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _relations(**parts: str) -> str:
    made = "".join(
        f'<Relationship Id="rId{number}" Type="{_RELATION}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(parts.items(), 1)
    )
    return f'<Relationships xmlns="{_OFFICE}/package/2006/relationships">{made}</Relationships>'


def _package(document: str, remarks: Sequence[Remark]) -> bytes:
    own = {"comments": "comments.xml"} if remarks else {}
    parts = {
        "[Content_Types].xml": _TYPES.format(_COMMENTS_TYPE if remarks else ""),
        "_rels/.rels": _relations(officeDocument="word/document.xml"),
        "word/_rels/document.xml.rels": _relations(styles="styles.xml", **own),
        "word/document.xml": document,
        "word/styles.xml": _STYLES,
    }
    if remarks:
        parts["word/comments.xml"] = _comments(remarks)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, xml in parts.items():
            package.writestr(zipfile.ZipInfo(name, _NO_TIME), f"{_XML}{xml}".encode(), zipfile.ZIP_DEFLATED)
    return file.getvalue()
