"""Radio wrappers: small files (.pls, .m3u, .asx, .xspf) that name the stream that is meant.

Bytes in, addresses out: nothing is fetched, and each address is for the guard to judge. A wrapper may name a stream,
not another wrapper: whoever follows an entry calls this once.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urljoin

from .errors import MediaError
from .titles import clean_title

#: Largest wrapper that is read, in bytes, longest line in characters, and most entries that are taken.
MAX_BYTES = 256 * 1024
MAX_LINE = 4096
MAX_ENTRIES = 200

_PLS_LINE = re.compile(r"(file|title)([0-9]{1,4})\s*=(.*)", re.IGNORECASE)
_TAG = re.compile(r"<(/?[a-zA-Z]{1,16})([^<>]*)>")
_ROOT = re.compile(rb"<(asx|playlist)[\s>]")
_HREF = re.compile(r"""href\s*=\s*(?:"([^"]*)"|'([^']*)')""", re.IGNORECASE)
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")


class WrapperError(MediaError):
    """A wrapper that names no stream (``wrapper_empty``) or is too large (``wrapper_limits``)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One stream: absolute address, and its cleaned title or None."""

    url: str
    title: str | None = None


def wrapper_kind(head: bytes, content_type: str = "") -> str | None:
    """``hls``, ``pls``, ``m3u``, ``asx`` or ``xspf`` by the first bytes of a document, or None. ``content_type`` only
    decides about a plain list of addresses, which has no mark of its own."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(b"#extm3u"):
        return "hls" if b"#ext-x-" in text else "m3u"
    if text.startswith(b"[playlist]"):
        return "pls"
    if text.startswith(b"<") and (root := _ROOT.search(text[:2048])):
        return "asx" if root[1] == b"asx" else "xspf"
    return "m3u" if "mpegurl" in content_type.lower() and text.startswith((b"http://", b"https://", b"#")) else None


def read_wrapper(data: bytes, kind: str, base_url: str) -> list[Entry]:
    """The entries of a wrapper of ``kind`` (see ``wrapper_kind``) fetched from ``base_url``, in its order, without
    repeats. Raises ``WrapperError``."""
    if len(data) > MAX_BYTES:
        raise WrapperError("wrapper_limits", "The playlist is too large.")
    text = _decode(data)
    found: dict[str, Entry] = {}
    for url, title in _READERS[kind](text):
        address = _resolve(base_url, url)
        if address and address not in found:
            found[address] = Entry(address, clean_title(title))
        if len(found) == MAX_ENTRIES:
            break
    if not found:
        raise WrapperError("wrapper_empty", "The playlist names no stream.")
    return list(found.values())


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _resolve(base: str, url: str) -> str | None:
    """Absolute address, or None for what cannot be one. Strange schemes stay as they are, for the guard to refuse."""
    try:
        return url if _SCHEME.match(url) else urljoin(base, url)
    except ValueError:
        return None


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        stripped = line[:MAX_LINE].strip()
        if stripped:
            yield stripped


def _read_pls(text: str) -> Iterator[tuple[str, str]]:
    values = {(m[1].lower(), int(m[2])): m[3].strip() for line in _lines(text) if (m := _PLS_LINE.fullmatch(line))}
    for name, number in sorted(values):
        if name == "file" and values[name, number]:
            yield values[name, number], values.get(("title", number), "")


def _read_m3u(text: str) -> Iterator[tuple[str, str]]:
    title = ""
    for line in _lines(text):
        if line.upper().startswith("#EXTINF:"):
            title = line.partition(",")[2]
        elif not line.startswith("#"):
            yield line, title
            title = ""


def _read_asx(text: str) -> Iterator[tuple[str, str]]:
    """ASX looks like XML but is written without its rules: any case, bare ampersands, tags left open."""
    title = ""
    for name, attributes, following in _tags(text):
        if name == "entry":
            title = ""
        elif name == "title":
            title = following
        elif name in ("ref", "entryref") and (href := _HREF.search(attributes)):
            yield html.unescape(href[1] or href[2] or "").strip(), title


def _read_xspf(text: str) -> Iterator[tuple[str, str]]:
    """Title and location of a track come in either order."""
    title = location = ""
    for name, _, following in _tags(text):
        if name == "track":
            title = location = ""
        elif name == "title":
            title = following
        elif name == "location":
            location = following
        elif name == "/track" and location:
            yield location, title


def _tags(text: str) -> Iterator[tuple[str, str, str]]:
    """Each tag's lower-case name, its attributes, and the text after it."""
    for match in _TAG.finditer(text):
        end = text.find("<", match.end(), match.end() + MAX_LINE)
        yield match[1].lower(), match[2], html.unescape(text[match.end() : max(end, match.end())]).strip()


_READERS: dict[str, Callable[[str], Iterator[tuple[str, str]]]] = {
    "pls": _read_pls,
    "m3u": _read_m3u,
    "asx": _read_asx,
    "xspf": _read_xspf,
}
