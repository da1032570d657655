"""What strangers say, made safe to keep: spoken text, provider messages, anything that goes into the log.

Pure. PostgreSQL refuses NUL for ever, exports break on control characters, and a lone surrogate cannot be encoded
(security_reliability.md A8), so all of it is cleaned once, at the door.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

MAX_TEXT = 20_000
#: Largest JSON of one field of provider extras, in characters.
MAX_JSON = 100_000
MAX_DEPTH = 8
MAX_KEY = 200

# C0 and C1 controls except tab and newline, and DEL.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")
#: What must be looked at closely in JSON of ASCII escapes: controls other than tab and newline, and surrogates (those
#: of pairs too, so that text in rare scripts only takes the longer way).
_SUSPECT = re.compile(r"\\u00[0189]|\\u007f|\\u[dD][89a-fA-F]|\\[bfr]|\x7f|Infinity|NaN")
#: A string, or a key, that may be over its bound.
_LONG = re.compile(rf'"[^"]{{{MAX_KEY},}}"')
_NO_BRACKETS = re.compile(r"[^\[\]{}]+")
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """``text`` without control characters and lone surrogates, in NFC, at most ``limit`` characters."""
    text = _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text[: limit * 2]))
    return unicodedata.normalize("NFC", text)[:limit]


def clean_line(text: str, limit: int = MAX_TEXT) -> str:
    """`clean_text` on one line: white space between words is one space, and there is none at the ends."""
    return " ".join(clean_text(text).split())[:limit].rstrip()


def clean_json(value: Any) -> Any:
    """``value`` as JSON that any database takes: clean strings, finite numbers, bounded depth and size.

    What is too large as a whole is replaced by ``{"dropped": "too large"}``. A provider's extras are lists of thousands
    of numbers and short strings (the times of characters): they are judged as one text before any is touched.
    """
    if _is_plain(value):
        return value
    cleaned = _clean(value, MAX_DEPTH)
    if len(json.dumps(cleaned, ensure_ascii=False)) > MAX_JSON:
        return {"dropped": "too large"}
    return cleaned


def _is_plain(value: Any) -> bool:
    """Whether ``value`` can stay as it is: nothing in its JSON is suspect, long or deep."""
    try:
        text = json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return False
    if len(text) > MAX_JSON or _SUSPECT.search(text) or _LONG.search(text):
        return False
    steps = map(_STEPS.__getitem__, _NO_BRACKETS.sub("", text))
    if max(accumulate(steps), default=0) > MAX_DEPTH:
        return False
    return "\\u" not in text or unicodedata.is_normalized("NFC", json.dumps(value, ensure_ascii=False))


def _clean(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return clean_text(value)
    if depth == 0:
        return None
    if isinstance(value, Mapping):
        return {clean_text(str(key), MAX_KEY): _clean(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item, depth - 1) for item in value]
    return clean_text(str(value))
