"""Names and titles that strangers wrote, as text that can be shown. Pure."""

from __future__ import annotations

import html
import re

MAX_TITLE = 300
MAX_ABOUT = 400

_INVISIBLE = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")

_TAG = re.compile(r"<[^<>]{0,2000}>")


def clean_title(text: str) -> str | None:
    """Text from strangers as one visible line of at most 300 characters, or None when nothing is left."""
    return clean_line(text)[:MAX_TITLE].strip() or None


def clean_line(text: str) -> str:
    """``text`` as one line without invisible characters."""
    return " ".join(_INVISIBLE.sub(" ", text).split())


def plain_text(text: str) -> str | None:
    """A description that may be written in HTML as one line of plain text, at most 400 characters, or None.

    What is left is text, not HTML: whoever shows it escapes it like any other.
    """
    words = clean_line(html.unescape(_TAG.sub(" ", text)))
    if len(words) > MAX_ABOUT:
        words = words[: MAX_ABOUT - 1].rpartition(" ")[0].rstrip(" ,;:") + "…"
    return words or None
