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
from typing import Any

MAX_TEXT = 20_000
#: Largest JSON of one field of provider extras, in characters.
MAX_JSON = 100_000
MAX_DEPTH = 8
MAX_KEY = 200

# C0 and C1 controls except tab and newline, and DEL.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_SURROGATES = re.compile("[\ud800-\udfff]")


def clean_text(text: str, limit: int = MAX_TEXT) -> str:
    """``text`` without control characters and lone surrogates, in NFC, at most ``limit`` characters."""
    text = _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text[: limit * 2]))
    return unicodedata.normalize("NFC", text)[:limit]


def clean_json(value: Any) -> Any:
    """``value`` as JSON that any database takes: clean strings, finite numbers, bounded depth and size.

    What is too large as a whole is replaced by ``{"dropped": "too large"}``.
    """
    cleaned = _clean(value, MAX_DEPTH)
    if len(json.dumps(cleaned, ensure_ascii=False)) > MAX_JSON:
        return {"dropped": "too large"}
    return cleaned


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
