"""The zip that office formats are (Open Packaging, ECMA-376 part 2): XML parts and how they relate. Pure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OFFICE = "http://schemas.openxmlformats.org"
RELATION = f"{OFFICE}/officeDocument/2006/relationships"
#: Zip files hold a time for each part; the same document is the same bytes.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def types(parts: Mapping[str, str]) -> str:
    """``[Content_Types].xml``: the content type of each part by its name."""
    named = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in parts.items())
    return (
        f'<Types xmlns="{OFFICE}/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{named}</Types>'
    )


def relations(parts: Mapping[str, str]) -> str:
    """A ``.rels`` part: kinds (short ones are those of the office formats) and their targets, as rId1, rId2 …"""
    made = "".join(
        f'<Relationship Id="rId{number}" Type="{kind if ":" in kind else f"{RELATION}/{kind}"}" Target="{target}"/>'
        for number, (kind, target) in enumerate(parts.items(), 1)
    )
    return f'<Relationships xmlns="{OFFICE}/package/2006/relationships">{made}</Relationships>'


def packed(parts: Mapping[str, str]) -> bytes:
    """The parts by their names as one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
        for name, xml in parts.items():
            package.writestr(zipfile.ZipInfo(name, _NO_TIME), f"{XML}{xml}".encode(), zipfile.ZIP_DEFLATED)
    return file.getvalue()
