"""Text that may stand in XML 1.0, whatever it holds. Pure."""

from __future__ import annotations

import re

#: What XML 1.0 has no way to write: control characters, halves of pairs and the two that are no characters.
_IMPOSSIBLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord('"'): "&quot;"}


def escape(text: str) -> str:
    """For an element or a quoted attribute."""
    return _IMPOSSIBLE.sub("", text).translate(_MARKUP)
