"""A document for word processors (Office Open XML, ECMA-376): the smallest package that is one. Pure.

Title, facts and notes, then paragraphs as in plain text, each with its time and, where it changes, its speaker. What
people commented stands beside the paragraph, answers under what they answer, as word processors show it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from transcripts.exports.clock import brief
from transcripts.exports.cues import gap_text
from transcripts.exports.document import Document, Gap, Remark
from transcripts.exports.package import OFFICE, packed, relations, types
from transcripts.exports.text import Paragraph, facts, paragraphs
from transcripts.exports.tokens import clean
from transcripts.exports.xml import escape

_WORD = f'xmlns:w="{OFFICE}/wordprocessingml/2006/main"'
_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"
#: Of Word 2010 and 2012 ([MS-DOCX]): ids of paragraphs, and which comment answers which. Other programs pass them over.
_W14 = 'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
_W15 = 'xmlns:w15="http://schemas.microsoft.com/office/word/2012/wordml"'
_NEWER = f'xmlns:mc="{OFFICE}/markup-compatibility/2006" mc:Ignorable="w14 w15" {_W14} {_W15}'
_EXTENDED = "http://schemas.microsoft.com/office/2011/relationships/commentsExtended"
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
        *earlier, last = remark.text.split("\n")
        said = "".join(_paragraph(_run(clean(line))) for line in earlier)
        made.append(f"<w:comment {about}>{said}{_paragraph(_run(clean(last)), mark=_mark(number))}</w:comment>")
    return f"<w:comments {_WORD} {_NEWER}>{''.join(made)}</w:comments>"


def _mark(number: int) -> str:
    """The id of a comment's last paragraph, by which the comment is known: eight hex digits below 0x80000000."""
    return f"{number + 1:08X}"


def _threads(remarks: Sequence[Remark]) -> str:
    """Which comment answers which, and what is resolved. Without their question, answers answer the first of them."""
    first: dict[int, int] = {}
    made = []
    for number, remark in enumerate(remarks):
        above = first.setdefault(remark.thread or -number, number)
        parent = "" if above == number else f'w15:paraIdParent="{_mark(above)}" '
        made.append(f'<w15:commentEx w15:paraId="{_mark(number)}" {parent}w15:done="{int(remark.resolved)}"/>')
    return f"<w15:commentsEx {_NEWER}>{''.join(made)}</w15:commentsEx>"


def _paragraph(runs: str, style: str = "", mark: str = "") -> str:
    about = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f'<w:p w14:paraId="{mark}">{runs}</w:p>' if mark else f"<w:p>{about}{runs}</w:p>"


def _run(text: str, style: str = "") -> str:
    about = f'<w:rPr><w:rStyle w:val="{style}"/></w:rPr>' if style else ""
    return f'<w:r>{about}<w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def _package(document: str, remarks: Sequence[Remark]) -> bytes:
    kinds = {"document": "document.main", "styles": "styles"}
    parts = {"word/document.xml": document, "word/styles.xml": _STYLES}
    own = {"styles": "styles.xml"}
    if remarks:
        kinds |= {"comments": "comments", "commentsExtended": "commentsExtended"}
        own |= {"comments": "comments.xml", _EXTENDED: "commentsExtended.xml"}
        parts |= {"word/comments.xml": _comments(remarks), "word/commentsExtended.xml": _threads(remarks)}
    return packed(
        {
            "[Content_Types].xml": types({f"word/{name}.xml": f"{_TYPE}.{kind}+xml" for name, kind in kinds.items()}),
            "_rels/.rels": relations({"officeDocument": "word/document.xml"}),
            "word/_rels/document.xml.rels": relations(own),
            **parts,
        }
    )
