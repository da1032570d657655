"""A download that breaks anywhere is carried on byte for byte, and never with the bytes of something else."""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import random
from collections.abc import AsyncIterator, Callable

import pytest

from tests.media.origins import PUBLIC, Origin, Request, head, running
from transcripts.media import resuming
from transcripts.media.errors import FetchError
from transcripts.media.guard import Policy
from transcripts.media.sources import Kind, open_source

#: A file that the sniffer takes for sound.
DATA = b"ID3\x04" + random.Random(7).randbytes(3_000_000)
DATE = "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resuming, "FIRST_REST_S", 0.01)


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with running(Origin()) as site:
        yield site


@pytest.fixture
def policy(origin: Origin) -> Policy:
    return Policy(allow_networks=(ipaddress.ip_network(f"{PUBLIC}/32"),), allow_ports=frozenset({origin.port}))


class Breaking:
    """Serves DATA and lets go of the connection after ``lengths`` bytes of its answers, one after the other, then never
    again; ``change`` alters the lines of answers to ranges, ``validators`` are its own."""

    def __init__(
        self,
        lengths: list[int],
        *validators: str,
        change: Callable[[int, list[str]], tuple[str, list[str]]] | None = None,
    ) -> None:
        self.lengths, self.validators, self.change = lengths, validators, change
        self.asked: list[tuple[int, str]] = []

    async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
        start = int(request.headers.get("range", "bytes=0-")[6:-1])
        self.asked.append((start, request.headers.get("if-range", "")))
        lines = [f"Content-Length: {len(DATA) - start}", *self.validators]
        status = "200 OK"
        if "range" in request.headers:
            status = "206 Partial Content"
            lines.append(f"Content-Range: bytes {start}-{len(DATA) - 1}/{len(DATA)}")
            if self.change is not None:
                status, lines = self.change(start, lines)
        stop = start + self.lengths.pop(0) if self.lengths else len(DATA)
        writer.write(head(status, *lines) + DATA[start:stop])
        await writer.drain()


async def fetched(origin: Origin, policy: Policy, handler: Breaking) -> bytes:
    origin.routes["/a.mp3"] = handler
    async with open_source(origin.url("/a.mp3"), policy=policy, kind=Kind.FILE) as source:
        return b"".join([piece async for piece in source.aiter_bytes()])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("validator", ['ETag: "one"', DATE], ids=["etag", "date"])
async def test_breaks_at_random_places_cost_no_byte_and_no_second_fetch(
    origin: Origin, policy: Policy, seed: int, validator: str
) -> None:
    chance = random.Random(seed)
    handler = Breaking([chance.randrange(70_000, 700_000) for _ in range(chance.randrange(1, 12))], validator)
    data = await fetched(origin, policy, handler)
    assert hashlib.sha256(data).hexdigest() == hashlib.sha256(DATA).hexdigest()
    starts = [start for start, _ in handler.asked]
    assert starts == sorted(set(starts))
    assert starts[0] == 0
    assert {condition for _, condition in handler.asked[1:]} <= {validator.partition(": ")[2]}


def redirected(status: str, edit: Callable[[int, list[str]], list[str]]) -> Callable[..., tuple[str, list[str]]]:
    return lambda start, lines: (status, edit(start, lines))


WHOLE = redirected("200 OK", lambda _start, _lines: [f"Content-Length: {len(DATA)}", 'ETag: "two"'])
OFFSET = redirected(
    "206 Partial Content",
    lambda start, lines: [*lines[:-1], f"Content-Range: bytes {start - 9}-{len(DATA) - 1}/{len(DATA)}"],
)
SHORTER = redirected(
    "206 Partial Content",
    lambda start, lines: [*lines[:-1], f"Content-Range: bytes {start}-{len(DATA) - 9}/{len(DATA)}"],
)
OTHER = redirected(
    "206 Partial Content",
    lambda start, lines: [*lines[:-1], f"Content-Range: bytes {start}-{len(DATA)}/{len(DATA) + 1}"],
)
NAMELESS = redirected("206 Partial Content", lambda _start, lines: lines[:-1])
LONGER = redirected(
    "206 Partial Content", lambda start, lines: [f"Content-Length: {len(DATA) - start + 9}", *lines[1:]]
)
ENDLESS = redirected("206 Partial Content", lambda _start, lines: lines[1:])
SEVERAL = redirected(
    "206 Partial Content", lambda _start, lines: [*lines[:-1], "Content-Type: multipart/byteranges; boundary=x"]
)
UNSATISFIED = redirected(
    "416 Range Not Satisfiable", lambda _start, _lines: [f"Content-Range: bytes */{len(DATA) - 1}"]
)
GONE = redirected("404 Not Found", lambda _start, _lines: [])


@pytest.mark.parametrize(
    "change",
    [WHOLE, OFFSET, SHORTER, OTHER, NAMELESS, LONGER, SEVERAL, UNSATISFIED, GONE],
    ids=["changed", "offset", "shorter", "other", "nameless", "longer", "multipart", "416", "404"],
)
async def test_an_answer_that_is_not_exactly_the_missing_part_is_refused_at_once(
    origin: Origin, policy: Policy, change: Callable[..., tuple[str, list[str]]]
) -> None:
    handler = Breaking([900_000], 'ETag: "one"', change=change)
    with pytest.raises(FetchError) as failed:
        await fetched(origin, policy, handler)
    assert (failed.value.code, failed.value.retryable) == ("source_truncated", True)
    assert len(handler.asked) == 2


async def test_a_part_without_a_length_ends_where_the_file_ends(origin: Origin, policy: Policy) -> None:
    class More(Breaking):
        async def __call__(self, request: Request, writer: asyncio.StreamWriter) -> None:
            await super().__call__(request, writer)
            if "range" in request.headers:
                writer.write(b"more than there is")

    with pytest.raises(FetchError) as failed:
        await fetched(origin, policy, More([900_000], 'ETag: "one"', change=ENDLESS))
    assert failed.value.code == "source_truncated"


async def test_a_part_without_a_length_that_ends_early_is_carried_on_again(origin: Origin, policy: Policy) -> None:
    handler = Breaking([900_000, 800_000], 'ETag: "one"', change=ENDLESS)
    assert await fetched(origin, policy, handler) == DATA
    assert len(handler.asked) == 3


async def test_a_server_that_restarts_is_waited_for(origin: Origin, policy: Policy) -> None:
    answers = iter(["503 Service Unavailable", "429 Too Many Requests"])

    def busy(_start: int, lines: list[str]) -> tuple[str, list[str]]:
        status = next(answers, "206 Partial Content")
        return status, lines if status.startswith("206") else ["Content-Length: 0"]

    handler = Breaking([900_000, 0, 0], 'ETag: "one"', change=busy)
    assert await fetched(origin, policy, handler) == DATA


@pytest.mark.parametrize("validators", [(), ('ETag: W/"weak"',)], ids=["none", "weak"])
async def test_without_a_strong_validator_nothing_is_carried_on(
    origin: Origin, policy: Policy, validators: tuple[str, ...]
) -> None:
    handler = Breaking([900_000], *validators)
    with pytest.raises(FetchError) as failed:
        await fetched(origin, policy, handler)
    assert failed.value.code == "source_dropped"
    assert len(handler.asked) == 1


async def test_who_gets_no_further_is_given_up(origin: Origin, policy: Policy) -> None:
    handler = Breaking([900_000] + [1000] * 50, 'ETag: "one"')
    with pytest.raises(FetchError) as failed:
        await fetched(origin, policy, handler)
    assert failed.value.code == "source_dropped"
    assert len(handler.asked) == resuming.MAX_RESUMES + 1
