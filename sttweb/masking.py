"""Taking secrets out of text that is about to be logged. Pure.

Two belts: patterns of what secrets look like (headers, cookies, query tokens, passwords in URLs, keys with known
beginnings), and the exact values of the secrets that this installation was given. Every pattern reads its text once,
without nested repetition, so that a hostile line costs no more than a long one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

MASK = "***"
#: Shorter values are words, not secrets; masking them would make every log unreadable.
LEAST_SECRET_CHARS = 8
#: Longest text that is logged; what is behind it is cut.
MOST_CHARS = 20_000


class Rule(NamedTuple):
    """What to look for and what stands there afterwards."""

    pattern: re.Pattern[str]
    replacement: str


#: Between the name of a header or field and its value: ``name: v``, ``name=v``, ``"name": "v"``, ``(b'name', b'v')``.
_TO_VALUE = r"""["']?\s{0,4}[:=,]\s{0,4}(?:b?["'])?"""
_HEADERS = "authorization|proxy-authorization|xi-api-key|x-api-key|x-auth-token|x-csrftoken"
_FIELDS = (
    "api_?key|apikey|access_token|refresh_token|auth_token|csrfmiddlewaretoken|client_secret|secret_key|secret|"
    "passwo?r?d|token|sessionid|csrftoken"
)
_QUERY = (
    "key|token|sig|signature|auth|code|policy|password|secret|[a-z0-9_.-]{0,40}(?:token|key|secret|signature)|"
    "x-amz-credential|x-goog-credential|key-pair-id"
)

RULES = (
    # https://user:password@host
    Rule(re.compile(r"(://)[^\s/?#@'\"]{1,400}@"), rf"\1{MASK}@"),
    Rule(re.compile(rf"(?i)\b({_HEADERS})({_TO_VALUE})(?:(?:bearer|basic|token|digest)\s{{1,4}})?[^\s\"',;]+"),
         rf"\1\2{MASK}"),
    # A cookie header holds several pairs: to the end of its line or quote.
    Rule(re.compile(rf"(?i)\b((?:set-)?cookie)({_TO_VALUE})[^\"'\r\n]+"), rf"\1\2{MASK}"),
    Rule(re.compile(rf"(?i)([?&;](?:{_QUERY})=)[^&\s\"'#<>]+"), rf"\1{MASK}"),
    Rule(re.compile(rf"(?i)\b({_FIELDS})({_TO_VALUE})(?!\*)[^\s\"',;&)}}\]]+"), rf"\1\2{MASK}"),
    Rule(re.compile(r"(?i)\b(bearer|basic)(\s{1,4})[a-z0-9._~+/=-]{8,}"), rf"\1\2{MASK}"),
    # Keys with known beginnings, and signed tokens in three parts.
    Rule(re.compile(r"\b(?:sk[_-]|pk_|xi_|ghp_|gho_|xox[abp]-|AKIA|ASIA)[A-Za-z0-9_-]{12,}"), MASK),
    Rule(re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{4,}\.[A-Za-z0-9_-]*"), MASK),
)  # fmt: skip

#: C0 and C1 controls, line and paragraph separators, and what turns the direction of text around.
_CONTROLS = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r"}


def mask(text: str, known: Iterable[str] = ()) -> str:
    """``text`` without secrets: those in ``known`` by their value, all others by what they look like."""
    text = text if len(text) <= MOST_CHARS else f"{text[:MOST_CHARS]}… ({len(text)} characters)"
    for value in known:
        if len(value) >= LEAST_SECRET_CHARS:
            text = text.replace(value, MASK)
    for rule in RULES:
        text = rule.pattern.sub(rule.replacement, text)
    return text


def one_line(text: str) -> str:
    """``text`` with control characters spelled out, so that strangers cannot begin a line of their own."""
    return _CONTROLS.sub(lambda found: _SHORT.get(found[0], f"\\x{ord(found[0]):02x}"), text)
