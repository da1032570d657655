"""Names and titles that strangers wrote, as text that can be shown. Pure."""

from __future__ import annotations

import re

MAX_TITLE = 300

_INVISIBLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def clean_title(text: str) -> str | None:
    """Text from strangers as one visible line of at most 300 characters, or None when nothing is left."""
    return " ".join(_INVISIBLE.sub(" ", text).split())[:MAX_TITLE].strip() or None
