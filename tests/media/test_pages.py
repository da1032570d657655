"""A page's recording is found by a caged child that reaches nothing but the guarded relay, or it is said why not."""

from __future__ import annotations

import asyncio
import ipaddress
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.media.conftest import INSIDE, Recordings, names
from tests.media.doubles import children, gone
from tests.media.origins import PUBLIC, Origin, Request, running
from transcripts.media import pages as module
from transcripts.media.errors import BlockedUrl, FetchError, MediaError, NotMedia
from transcripts.media.guard import Policy
from transcripts.media.open import AudioRequest, open_audio
from transcripts.media.pages import Page, Pages, find_recording
from transcripts.media.probe import probe
from transcripts.media.relay import relay
from transcripts.media.sandbox import Cage, sandbox_report, spawn, stop

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="pages are read on Linux only")

TITLE = "My page &amp; more"


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with running(Origin()) as site:
        yield site


@pytest.fixture
async def inside() -> AsyncIterator[Origin]:
    """A server at the address that nobody may reach."""
    site = Origin()
    server = await asyncio.start_server(site.handle, INSIDE, 0)
    site.port = server.sockets[0].getsockname()[1]
    yield site
    server.close()
    await server.wait_closed()


@pytest.fixture
def policy(origin: Origin, inside: Origin) -> Policy:
    ports = frozenset({origin.port, inside.port})
    return Policy(allow_networks=(ipaddress.ip_network(f"{PUBLIC}/32"),), allow_ports=ports)


def page_with(origin: Origin, recording: str, path: str = "/watch") -> str:
    body = f"<html><head><title>{TITLE}</title></head><body><video src='{recording}'></video></body></html>"
    return origin.serve(path, body, kind="text/html; charset=utf-8")


async def refused(url: str, policy: Policy, seconds: float = 60.0) -> MediaError:
    with pytest.raises(MediaError) as caught:
        await find_recording(url, pages=Pages(seconds=seconds), policy=policy)
    return caught.value


async def test_the_recording_of_a_page_is_found_told_and_heard(
    origin: Origin, policy: Policy, recordings: Recordings, tmp_path: Path
) -> None:
    origin.serve("/talk.mp3", (recordings / "a.mp3").read_bytes(), kind="audio/mpeg")
    url = page_with(origin, "/talk.mp3")
    before = children()
    found = await probe(url, policy=policy, pages=Pages())
    assert (found.sentence, found.title, found.error) == ("Audio file, 193 kB, 12 s", "My page & more", None)
    request = AudioRequest(url=url, policy=policy, spool_dir=tmp_path, pages=Pages())
    async with open_audio(request) as audio:
        samples = sum([chunk.samples async for chunk in audio.chunks()])
    assert 11.9 < samples / 16_000 < 12.2
    assert (await probe(url, policy=policy)).error is not None, "without pages it stays a page"
    assert await gone(children() - before)


async def test_a_page_that_leads_inside_is_blocked_at_the_relay(origin: Origin, inside: Origin, policy: Policy) -> None:
    url = origin.redirect("/watch", f"http://{INSIDE}:{inside.port}/secret")
    found = await refused(url, policy)
    assert isinstance(found, BlockedUrl)
    assert (origin.paths(), inside.requests) == (["/watch"], [])


async def test_a_recording_inside_is_named_by_the_page_and_refused_by_the_guard(
    origin: Origin, inside: Origin, policy: Policy
) -> None:
    url = page_with(origin, f"http://{INSIDE}:{inside.port}/secret.mp3")
    found = await probe(url, policy=policy, pages=Pages())
    assert found.sentence == "Blocked: private address"
    assert inside.requests == []


async def test_a_page_that_hangs_is_given_up_and_its_child_is_gone(origin: Origin, policy: Policy) -> None:
    async def never(_: Request, _writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    origin.routes["/watch"] = never
    before, began = children(), time.monotonic()
    found = await refused(origin.url("/watch"), policy, seconds=2.0)
    assert (found.code, found.retryable) == ("page_timeout", True)
    assert time.monotonic() - began < 60
    assert await gone(children() - before)


async def test_a_page_without_a_recording_says_so(origin: Origin, policy: Policy) -> None:
    found = await refused(origin.serve("/watch", "<html><body>Only words.</body></html>", kind="text/html"), policy)
    assert (found.code, bool(found.next_step)) == ("page_no_media", True)


async def test_the_child_reaches_nothing_without_the_relay(inside: Origin, origin: Origin, policy: Policy) -> None:
    """The child's own cage, with a program in it that tries every way out instead of yt-dlp."""
    script = (
        "import os, socket, sys\n"
        "def tried(name, attempt):\n"
        "    try: attempt()\n"
        "    except OSError: print(name, 'refused')\n"
        "    else: print(name, 'possible')\n"
        f"there = ('{INSIDE}', {inside.port})\n"
        "tried('tcp', lambda: socket.create_connection(there, 5))\n"
        "tried('udp', lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', there))\n"
        "given = socket.socket(fileno=0)\n"
        "tried('given', lambda: given.connect('/run/other.sock'))\n"
        "tried('aimed', lambda: given.sendto(b'x', '/run/other.sock'))\n"
        "tried('listen', lambda: given.listen())\n"
        "tried('fork', os.fork)\n"
        "tried('write', lambda: open('/tmp/pages-child', 'w'))\n"
        f"tried('read', lambda: open({__file__!r}))\n"
        "tried('home', lambda: os.listdir(os.path.expanduser('~')))\n"
        "print('keys', sorted(os.environ))\n"
    )
    folder = module.installed()
    assert folder is not None
    async with relay(policy, names({})) as (serving, theirs):
        command = [os.path.realpath(sys.executable), "-I", "-S", "-c", script]
        child = await spawn(command, stdin=theirs.fileno(), cage=module._cage(folder, 30))
        try:
            output, errors = await child.communicate()
        finally:
            await stop(child)
    lines = dict(line.split(" ", 1) for line in output.decode().splitlines())
    names_seen = lines.pop("keys", errors.decode())
    assert set(lines.values()) == {"refused"}, lines
    assert len(lines) == 9, errors.decode()
    assert names_seen == "['LC_ALL', 'MALLOC_ARENA_MAX', 'PATH']"
    assert inside.requests == []
    assert serving.moved == 0


async def test_the_cage_that_may_talk_still_opens_nothing() -> None:
    report = await sandbox_report(Cage(talking=True))
    assert report.holds


async def test_where_the_cage_does_not_hold_no_page_is_read(
    origin: Origin, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_cage", lambda folder, seconds: Cage(required=("a layer that no machine has",)))
    assert (await refused(page_with(origin, "/a.mp3"), policy)).code == "pages_unsafe"
    assert origin.requests == []


@pytest.mark.parametrize(
    ("pages", "folder", "code"),
    [(Pages(enabled=False), "/x", "pages_off"), (Pages(), None, "pages_not_installed")],
    ids=["off", "missing"],
)
async def test_without_the_extra_or_the_operators_word_pages_are_refused_with_a_next_step(
    origin: Origin, policy: Policy, monkeypatch: pytest.MonkeyPatch, pages: Pages, folder: str | None, code: str
) -> None:
    monkeypatch.setattr(module, "installed", lambda: folder)
    found = await probe(page_with(origin, "/a.mp3"), policy=policy, pages=pages)
    assert found.error is not None
    assert (found.error.code, found.sentence) == (code, "This is a web page, not a recording.")
    assert "operator" in found.error.next_step
    assert origin.paths() == ["/watch"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b'{"url": "https://a.sttweb.org/x", "title": "A\\u202e\\nb", "published": 1.7e9}', Page("https://a.sttweb.org/x", "A b", 1_700_000_000)),  # noqa: E501
        (b'{"url": "file:///etc/passwd", "title": 3, "published": "x"}', Page("file:///etc/passwd")),
        (b'{"url": 5}', "page_unreadable"),
        (b"[]", "page_unreadable"),
        (b"no json", "page_unreadable"),
        (b"", "page_unreadable"),
        (b'{"code": "page_lists_many"}', "page_lists_many"),
        (b'{"code": "<script>"}', "page_unreadable"),
        (b"x" * 400_000, "page_unreadable"),
    ],
    ids=["good", "odd", "number", "list", "text", "nothing", "many", "code", "huge"],
)  # fmt: skip
async def test_whatever_the_child_says_is_a_page_or_a_named_refusal(
    policy: Policy, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, answer: bytes, expected: Page | str
) -> None:
    said = tmp_path / "said"
    said.write_bytes(answer)
    monkeypatch.setattr(module, "_CHILD_COMMAND", ("/bin/sh", "-c", f"exec cat {said}"))
    monkeypatch.setattr(module, "_cage", lambda folder, seconds: Cage(read_paths=("/bin", "/usr/bin", str(tmp_path))))
    if isinstance(expected, Page):
        assert await find_recording("http://a.sttweb.org/", pages=Pages(), policy=policy) == expected
    else:
        found = await refused("http://a.sttweb.org/", policy)
        assert (found.code, isinstance(found, NotMedia)) == (expected, True)


async def test_a_relay_that_met_trouble_says_which(origin: Origin, policy: Policy) -> None:
    found = await refused(origin.redirect("/watch", f"http://missing.sttweb.org:{origin.port}/x"), policy)
    assert isinstance(found, FetchError | NotMedia)
    assert found.code in ("source_not_found", "dns_failed", "dns_timeout")
