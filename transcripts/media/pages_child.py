"""Asks yt-dlp what recording a page carries. Run by path in a bare, caged interpreter, never imported by the product.

``python -I -S pages_child.py FOLDER-OF-YT-DLP URL EXTRACTOR ...``. Descriptor 0 is a socket to the product: a byte sent
there is answered with the descriptor of a connection to the guarded relay, which is all the network there is; no call
that opens a socket is allowed in here. Prints one line of JSON: ``{"url", "title", "published"}`` or
``{"code", "message"}``.
"""

from __future__ import annotations

import importlib.util
import json
import socket
import sys
from typing import Any

#: A proxy at an address that is never connected to: connections come from descriptor 0.
_PROXY = "http://relay.invalid:3128"
#: Single files first, then playlists of HLS; sound alone before films. Everything else our own client cannot fetch.
_FORMATS = "/".join(
    f"{what}[protocol{protocol}]" for protocol in ("~='^https?$'", "^=m3u8") for what in ("ba", "b[acodec!=none]", "b")
)


class _Relayed(socket.socket):
    """A connection through the relay: no TCP at this end, so none of its options."""

    def setsockopt(self, level: int, *rest: Any) -> None:
        if level != socket.IPPROTO_TCP:
            super().setsockopt(level, *rest)


class _Quiet:
    def debug(self, message: str) -> None:
        """Nothing."""

    warning = error = debug


def main(folder: str, url: str, extractors: list[str]) -> dict[str, Any]:
    """What is to be printed."""
    control = socket.socket(fileno=0)
    socket.getaddrinfo = _no_names
    socket.create_connection = lambda *_args, **_more: _connection(control)
    yt_dlp = _load(folder)
    vars(sys.modules["yt_dlp.networking._urllib"])["create_connection"] = socket.create_connection
    options = {
        "quiet": True, "no_warnings": True, "logger": _Quiet(), "proxy": _PROXY, "cachedir": False,
        "noplaylist": True, "playlist_items": "1:2", "format": _FORMATS, "js_runtimes": {}, "socket_timeout": 15,
        "skip_download": True,
        "retries": 1, "extractor_retries": 1, "check_formats": False, "noprogress": True, "color": "never",
        "allowed_extractors": extractors or ["default"], "enable_file_urls": False, "ignoreconfig": True,
    }  # fmt: skip
    try:
        with yt_dlp.YoutubeDL(options) as downloader:
            return _found(downloader.sanitize_info(downloader.extract_info(url, download=False)))
    except yt_dlp.utils.DownloadError as error:
        return {"code": _code(yt_dlp, error), "message": str(error)}


def _load(folder: str) -> Any:
    """The package from its own folder: nothing else that is installed can be read."""
    spec = importlib.util.spec_from_file_location(
        "yt_dlp", f"{folder}/__init__.py", submodule_search_locations=[folder]
    )
    assert spec
    assert spec.loader
    module = sys.modules["yt_dlp"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    sys.modules["yt_dlp.globals"].plugin_dirs.value = []
    return module


def _connection(control: socket.socket) -> socket.socket:
    control.sendall(b"c")
    _data, descriptors, _flags, _address = socket.recv_fds(control, 1, 1)
    if not descriptors:
        raise ConnectionRefusedError("the relay gives no more connections")
    found = _Relayed(fileno=descriptors[0])
    found.settimeout(20)
    return found


def _no_names(*_args: object, **_more: object) -> Any:
    raise socket.gaierror("names are looked up outside")


def _found(info: dict[str, Any]) -> dict[str, Any]:
    page, entries = info, info.get("entries")
    if entries is not None:
        if len(entries) != 1:
            return {"code": "page_lists_many" if entries else "page_no_media"}
        info = entries[0]
    title = page.get("title") or info.get("title") or ""
    return {
        "url": info["url"],
        # What stands in the page itself is numbered, also when it is the only one.
        "title": title.removesuffix(" (1)") if page.get("extractor_key") in ("Generic", "HTML5MediaEmbed") else title,
        "published": info.get("timestamp") or info.get("release_timestamp"),
    }


def _code(yt_dlp: Any, error: Exception) -> str:
    causes = getattr(error, "exc_info", None) or (None, None, None)
    cause = causes[1]
    if isinstance(cause, yt_dlp.utils.UnsupportedError):
        return "page_no_media"
    if isinstance(cause, yt_dlp.utils.GeoRestrictedError):
        return "page_region"
    if isinstance(cause, yt_dlp.utils.ExtractorError) and not cause.expected:
        return "page_unreadable"
    return "page_refused"


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(sys.argv[1], sys.argv[2], sys.argv[3:])) + "\n")
