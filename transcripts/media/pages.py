"""Which recording a web page carries, by yt-dlp in a caged child whose only network is the guarded relay.

The child only names an address; what is behind it is fetched by our own client like any other link. It runs without
files, processes or sockets of its own, and without resource limits, seccomp and Landlock it does not run.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from .errors import BlockedUrl, FetchError, MediaError, NotMedia
from .fetch import Limits
from .guard import Policy
from .network import Resolver, system_resolver
from .relay import Relay, relay
from .sandbox import LAUNCH_FAILED, Cage, spawn, stop
from .sources import Kind, Source, open_source
from .titles import clean_line, clean_title

_CHILD = Path(__file__).with_name("pages_child.py")
# The real program: beside a virtual environment's link it would look for what it cannot read.
_CHILD_COMMAND = (os.path.realpath(sys.executable), "-I", "-S", "-B", str(_CHILD))
_ANSWER_BYTES = 256 * 1024
_MEMORY = 768 * 1024**2


@dataclass(frozen=True, slots=True)
class Pages:
    """The operator's word on page links: whether they are read at all, by which of yt-dlp's extractors (regular
    expressions of their names; none: all), and for how many seconds each."""

    enabled: bool = True
    extractors: tuple[str, ...] = ()
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Page:
    """What a page carries: the address of the recording (not judged yet), a cleaned title of a stranger, and when it
    came out, in seconds since 1970."""

    url: str
    title: str | None = None
    published: int | None = None

    @property
    def published_at(self) -> datetime | None:
        """When it came out."""
        return None if self.published is None else datetime.fromtimestamp(self.published, UTC)


def installed() -> str | None:
    """The folder of yt-dlp, or None where the extra ``pages`` is not installed. Imports nothing."""
    spec = importlib.util.find_spec("yt_dlp")
    places = spec.submodule_search_locations if spec else None
    return str(Path(places[0]).resolve()) if places else None


async def find_recording(url: str, *, pages: Pages, policy: Policy, resolver: Resolver = system_resolver) -> Page:
    """The one recording of the page at ``url``, within ``pages.seconds``.

    Raises ``NotMedia``: ``pages_off``, ``pages_not_installed``, ``page_no_media``, ``page_lists_many``,
    ``page_refused``, ``page_unreadable``, ``pages_unsafe``; ``FetchError``: ``page_timeout``, ``page_limits`` and what
    the relay met; ``BlockedUrl`` when the page leads to an address that must not be reached.
    """
    folder = _folder(pages)
    async with relay(policy, resolver) as (serving, theirs):
        child = await spawn(
            [*_CHILD_COMMAND, folder, url, *pages.extractors], stdin=theirs.fileno(), cage=_cage(folder, pages.seconds)
        )
        theirs.close()
        try:
            async with asyncio.timeout(pages.seconds):
                answer = await _answer(child)
        except TimeoutError:
            raise _met(serving) or FetchError(
                "page_timeout", "The page took too long to read.", next_step=_STEP, retryable=True
            ) from None
        finally:
            await stop(child, grace_s=0)
    return _page(answer, serving)


@asynccontextmanager
async def open_link(
    url: str,
    *,
    pages: Pages | None,
    policy: Policy,
    limits: Limits | None = None,
    resolver: Resolver = system_resolver,
    kind: Kind | None = None,
    on_page: Callable[[Page], None] | None = None,
    **rest: Any,
) -> AsyncIterator[Source]:
    """What ``sources.open_source`` opens, and where that is a web page, the recording that the page carries, which
    ``on_page`` hears of; ``pages`` None leaves pages alone. Raises also what ``find_recording`` raises."""
    opening: Callable[[str], Any] = partial(
        open_source, policy=policy, limits=limits, resolver=resolver, kind=kind, **rest
    )
    async with AsyncExitStack() as stack:
        try:
            source = await stack.enter_async_context(opening(url))
        except NotMedia as error:
            if error.code != "is_page" or pages is None:
                raise
            page = await find_recording(url, pages=pages, policy=policy, resolver=resolver)
            source = await stack.enter_async_context(opening(page.url))
            if on_page is not None:
                on_page(page)
            source.info = replace(source.info, title=page.title or source.info.title)
        yield source


_STEP = "Paste the address of the recording itself."


def _folder(pages: Pages) -> str:
    folder = installed()
    if not pages.enabled:
        step = "Paste the address of the recording itself. The operator has turned reading pages off (STTWEB_PAGES)."
        raise NotMedia("pages_off", "This is a web page, not a recording.", next_step=step)
    if folder is None:
        step = (
            "Paste the address of the recording itself. "
            "Recordings on pages are found once the operator has run “make pages”."
        )
        raise NotMedia("pages_not_installed", "This is a web page, not a recording.", next_step=step)
    return folder


def _cage(folder: str, seconds: float) -> Cage:
    """Readable: the interpreter, yt-dlp, and the machine's list of certificate authorities."""
    trust = ssl.get_default_verify_paths()
    certificates = [path for path in (trust.cafile, trust.capath, trust.openssl_cafile, trust.openssl_capath) if path]
    shared = ["/etc/ssl/certs", "/etc/pki/tls/certs", "/etc/pki/ca-trust/extracted", "/usr/share/ca-certificates"]
    library = os.path.join(os.path.realpath(sys.base_prefix), "lib")
    read = (library, str(_CHILD), folder, *shared, *map(os.path.realpath, certificates))
    return Cage(
        cpu_s=max(1, round(seconds)),
        memory_bytes=_MEMORY,
        open_files=64,
        read_paths=read,
        talking=True,
        required=("seccomp", "landlock"),
    )


async def _answer(child: asyncio.subprocess.Process) -> dict[str, Any]:
    """The child's line. Raises ``NotMedia`` when there is none."""
    assert child.stdout is not None
    assert child.stderr is not None
    drain = asyncio.create_task(child.stderr.read())
    try:
        data = await child.stdout.read(_ANSWER_BYTES)
        while data and not data.endswith(b"\n") and len(data) < _ANSWER_BYTES:
            more = await child.stdout.read(_ANSWER_BYTES)
            if not more:
                break
            data += more
        if not data and await child.wait() == LAUNCH_FAILED:
            raise NotMedia("pages_unsafe", "Pages are not read here: the sandbox does not hold.", next_step=_STEP)
    finally:
        drain.cancel()
        await asyncio.wait([drain])
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"code": "page_unreadable"}


def _page(answer: dict[str, Any], serving: Relay) -> Page:
    url, title, published = answer.get("url"), answer.get("title"), answer.get("published")
    if not isinstance(url, str):
        code = str(answer.get("code"))
        met = _met(serving) if code in ("page_refused", "page_unreadable") else None
        raise met or _refusal(code, str(answer.get("message", "")))
    return Page(
        url=url,
        title=clean_title(title) if isinstance(title, str) else None,
        published=int(published) if isinstance(published, int | float) and 0 < published < 1e11 else None,
    )


def _met(serving: Relay) -> MediaError | None:
    """What the relay refused: the guard's word first."""
    blocked = [error for error in serving.refusals if isinstance(error, BlockedUrl)]
    return next(iter([*blocked, *serving.refusals]), None)


def _refusal(code: str, message: str) -> NotMedia:
    sentence = _SENTENCES.get(code, _SENTENCES["page_unreadable"])
    reason = clean_line(message.removeprefix("ERROR:"))[:200]
    told = f"{sentence} ({reason})" if code == "page_refused" and reason else sentence
    return NotMedia(code if code in _SENTENCES else "page_unreadable", told, next_step=_STEP)


_SENTENCES = {
    "page_no_media": "No recording was found on this page.",
    "page_lists_many": "This page lists several recordings.",
    "page_refused": "The page does not give its recording.",
    "page_region": "The page does not give its recording in this region.",
    "page_unreadable": "This page could not be understood.",
}
