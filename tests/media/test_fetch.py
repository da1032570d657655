from __future__ import annotations

import asyncio
import gzip
import ipaddress
import ssl
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.figures import figure
from transcripts.media import fetch, network
from transcripts.media.errors import MediaError
from transcripts.media.fetch import Limits, open_url
from transcripts.media.guard import Address, Policy
from transcripts.media.network import Resolver, system_resolver

from .conftest import INSIDE, PUBLIC, Canary, Origin, names, raw

QUICK = Limits(max_bytes=1_000_000, connect_s=1.0, first_byte_s=0.5, dns_s=0.5, idle_s=0.4, total_s=5.0)


async def body_of(url: str, policy: Policy, limits: Limits = QUICK, resolver: Resolver = system_resolver) -> bytes:
    async with open_url(url, policy=policy, limits=limits, resolver=resolver) as response:
        return b"".join([piece async for piece in response.aiter_bytes()])


async def code_of(url: str, policy: Policy, limits: Limits = QUICK, resolver: Resolver = system_resolver) -> str:
    with pytest.raises(MediaError) as failed:
        await body_of(url, policy, limits, resolver)
    assert failed.value.message.endswith(".")
    return failed.value.code


async def test_a_body_arrives_raw_with_its_headers(origin: Origin, policy: Policy) -> None:
    url = origin.serve("/a", b"x" * 300_000, "Content-Type: audio/mpeg", "X-A: 1", "X-A: 2")
    async with open_url(url + "#part", policy=policy) as response:
        assert str(response.url) == url
        assert (response.status, response.content_length) == (200, 300_000)
        assert response.headers["content-type"] == "audio/mpeg"
        assert response.headers["x-a"] == "1, 2"
        assert sum([len(piece) async for piece in response.aiter_bytes()]) == 300_000


async def test_the_request_says_nothing_but_what_it_must(
    origin: Origin, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{INSIDE}:1")
    await body_of(origin.serve("/a", b"x", "Set-Cookie: a=b"), policy)
    await body_of(origin.url("/a"), policy)
    names_sent = [line.partition(":")[0].lower() for line in origin.requests[1].split("\r\n")[1:] if line]
    assert sorted(names_sent) == ["accept", "accept-encoding", "connection", "host", "user-agent"]
    assert "Accept-Encoding: identity" in origin.requests[1]


@pytest.mark.parametrize("answers", [[[INSIDE]], [["::1", PUBLIC]], [[PUBLIC, INSIDE]], [[PUBLIC, "10.0.0.1"]]])
async def test_one_refused_address_spoils_the_whole_answer(
    origin: Origin, policy: Policy, canary: Canary, answers: list[list[str]]
) -> None:
    url = origin.url("/a", "media.example.com")
    assert await code_of(url, policy, resolver=names({"media.example.com": answers})) == "url_address"
    assert (canary.connections, len(origin.requests)) == (0, 0)


async def test_a_public_address_that_is_our_own_is_refused(
    origin: Origin, policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network, "is_own_address", lambda address: str(address) == "93.184.216.34")
    resolver = names({"media.example.com": [["93.184.216.34"]]})
    assert await code_of(origin.url("/a", "media.example.com"), policy, resolver=resolver) == "url_address"


def test_the_machine_knows_its_own_addresses() -> None:
    assert network.is_own_address(ipaddress.ip_address(INSIDE))
    assert not network.is_own_address(ipaddress.ip_address("198.51.100.77"))


async def test_a_name_that_is_rebound_between_two_requests_is_refused(
    origin: Origin, policy: Policy, canary: Canary
) -> None:
    origin.serve("/a", b"fine")
    resolver = names({"media.example.com": [[PUBLIC], [INSIDE]]})
    url = origin.url("/a", "media.example.com")
    assert await body_of(url, policy, resolver=resolver) == b"fine"
    assert f"Host: media.example.com:{origin.port}" in origin.requests[0]
    assert await code_of(url, policy, resolver=resolver) == "url_address"
    assert canary.connections == 0


async def test_a_name_of_the_hosts_file_gets_no_special_treatment(
    origin: Origin, policy: Policy, canary: Canary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("socket.getaddrinfo", lambda *_a, **_k: [(2, 1, 6, "", (INSIDE, 0))])
    assert await code_of(origin.url("/a", "media.example.com"), policy) == "url_address"
    assert canary.connections == 0


@pytest.mark.parametrize(
    ("location", "code"),
    [
        ("http://127.0.0.1:{port}/secret", "url_address"),
        ("//127.0.0.1:{port}/secret", "url_address"),
        ("http://inside.example.com:{port}/secret", "url_address"),
        ("http://[::ffff:127.0.0.1]:{port}/", "url_address"),
        ("file:///etc/passwd", "url_scheme"),
        ("concat:/etc/passwd", "url_scheme"),
        ("http://127.0.0.2:6379/", "url_port"),
        ("http://u:p@127.0.0.2:{port}/", "url_userinfo"),
        ("http://127.0.0.2:{port}/\x01", "url_chars"),
        ("/" + "a" * 9000, "url_length"),
    ],
)
async def test_a_redirect_is_judged_like_the_first_link(
    origin: Origin, policy: Policy, canary: Canary, location: str, code: str
) -> None:
    url = origin.redirect("/go", location.format(port=origin.port))
    resolver = names({"inside.example.com": [[INSIDE]]})
    # The HTTP parser itself refuses control characters in a header.
    expected = {code, "source_bad_response"} if "\x01" in location else {code}
    assert await code_of(url, policy, resolver=resolver) in expected
    assert (canary.connections, len(origin.requests)) == (0, 1)


async def test_a_redirect_to_a_name_that_was_rebound_meanwhile_is_refused(
    origin: Origin, policy: Policy, canary: Canary
) -> None:
    origin.redirect("/go", "/again")
    resolver = names({"media.example.com": [[PUBLIC], [INSIDE]]})
    assert await code_of(origin.url("/go", "media.example.com"), policy, resolver=resolver) == "url_address"
    assert canary.connections == 0


async def test_five_redirects_are_followed_and_a_sixth_is_not(origin: Origin, policy: Policy) -> None:
    for hop in range(6):
        origin.redirect(f"/{hop}", f"/{hop + 1}")
    origin.serve("/6", b"there at last")
    assert await body_of(origin.url("/1"), policy) == b"there at last"
    origin.requests.clear()
    assert await code_of(origin.url("/0"), policy) == "too_many_redirects"
    assert len(origin.requests) == 6


async def test_a_redirect_with_a_bare_space_is_understood(origin: Origin, policy: Policy) -> None:
    origin.serve("/a%20b", b"found")
    assert await body_of(origin.redirect("/go", "/a b"), policy) == b"found"


async def test_a_compressed_answer_is_refused_unread(origin: Origin, policy: Policy) -> None:
    bomb = gzip.compress(bytes(10_000_000))
    assert await code_of(origin.serve("/a", bomb, "Content-Encoding: gzip"), policy) == "source_encoding"


async def test_an_announced_size_over_the_limit_is_refused_before_the_body(origin: Origin, policy: Policy) -> None:
    origin.routes["/a"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
    assert await code_of(origin.url("/a"), policy) == "source_too_large"


async def endless(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"8000\r\n" + bytes(0x8000) + b"\r\n")
        await writer.drain()


async def test_an_endless_body_stops_at_the_limit(origin: Origin, policy: Policy) -> None:
    origin.routes["/a"] = endless
    assert await code_of(origin.url("/a"), policy) == "source_too_large"


async def test_an_endless_body_without_a_size_limit_stops_at_the_time_limit(origin: Origin, policy: Policy) -> None:
    origin.routes["/a"] = endless
    limits = Limits(max_bytes=None, total_s=0.3, min_rate=0)
    assert await code_of(origin.url("/a"), policy, limits) == "source_too_slow"


async def drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def test_f32_a_dripping_body_is_given_up_as_slow(origin: Origin, policy: Policy) -> None:
    origin.routes["/a"] = drip
    limits = Limits(idle_s=1.0, min_rate=1024, min_rate_window_s=0.2)
    began = time.monotonic()
    assert await code_of(origin.url("/a"), policy, limits) == "source_slow"
    took = time.monotonic() - began
    figure("F32", f"50 bytes/s where 1,024 are asked for: `source_slow` after {took:.1f} s (window of 0.2 s)")


async def test_a_body_that_stops_coming_is_given_up(origin: Origin, policy: Policy) -> None:
    async def stall(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
        await asyncio.sleep(3)

    origin.routes["/a"] = stall
    assert await code_of(origin.url("/a"), policy) == "source_stalled"


async def test_a_body_shorter_than_announced_is_no_success(origin: Origin, policy: Policy) -> None:
    origin.routes["/a"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nabc")
    assert await code_of(origin.url("/a"), policy) == "source_dropped"


async def test_a_body_longer_than_announced_ends_where_it_was_announced(origin: Origin, policy: Policy) -> None:
    origin.routes["/a"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdefgh")
    assert await body_of(origin.url("/a"), policy) == b"abc"


async def test_a_server_that_never_answers_is_given_up(origin: Origin, policy: Policy) -> None:
    async def silence(_writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3)

    origin.routes["/a"] = silence
    assert await code_of(origin.url("/a"), policy) == "source_timeout"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 8192) for n in range(100)) + b"\r\n",
        b"HTTP/1.1 200 " + b"O" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabcdef",
        b"",
    ],
    ids=["no http", "header flood", "long status", "two lengths", "odd transfer encoding", "hung up"],
)
async def test_an_answer_that_is_no_http_is_a_clean_failure(origin: Origin, policy: Policy, answer: bytes) -> None:
    origin.routes["/a"] = raw(answer)
    assert await code_of(origin.url("/a"), policy) == "source_bad_response"


async def test_endless_interim_answers_end_with_the_time(origin: Origin, policy: Policy) -> None:
    async def interim(writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 50)
            await writer.drain()
            await asyncio.sleep(0.01)

    origin.routes["/a"] = interim
    limits = Limits(connect_s=0.2, first_byte_s=0.2, dns_s=0.2, total_s=0.7)
    assert await code_of(origin.url("/a"), policy, limits) == "source_timeout"


async def test_a_first_generation_shoutcast_server_is_understood(origin: Origin, policy: Policy) -> None:
    origin.routes["/a"] = raw(b"ICY 200 OK\r\nicy-name: Radio\r\n\r\nsound")
    async with open_url(origin.url("/a"), policy=policy, limits=QUICK) as response:
        assert response.headers["icy-name"] == "Radio"
        assert b"".join([piece async for piece in response.aiter_bytes()]) == b"sound"
    assert "icy-metadata" not in origin.requests[0].lower()


async def test_its_status_line_may_come_in_pieces(origin: Origin, policy: Policy) -> None:
    async def dribble(writer: asyncio.StreamWriter) -> None:
        for piece in (b"I", b"CY", b" 200 OK\r\nicy-name: Radio\r\n\r\nsound"):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)

    origin.routes["/a"] = dribble
    async with open_url(origin.url("/a"), policy=policy, limits=QUICK) as response:
        assert response.headers["icy-name"] == "Radio"
        assert b"".join([piece async for piece in response.aiter_bytes()]) == b"sound"


async def test_an_announced_length_beyond_all_numbers_is_a_clean_failure(origin: Origin, policy: Policy) -> None:
    origin.routes["/a"] = raw(b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\nabcdef")
    assert await code_of(origin.url("/a"), policy) in {"source_bad_response", "source_too_large"}


@pytest.mark.parametrize(
    ("status", "code", "retryable"),
    [("404 Not Found", "source_not_found", False), ("403 Forbidden", "source_forbidden", False),
     ("401 Unauthorized", "source_forbidden", False), ("503 Busy", "source_unavailable", True),
     ("429 Slow down", "source_unavailable", True), ("418 Teapot", "source_bad_response", False)],
)  # fmt: skip
async def test_a_refusing_status_says_whether_trying_again_helps(
    origin: Origin, policy: Policy, status: str, code: str, retryable: bool
) -> None:
    async with open_url(origin.serve("/a", b"no", status=status), policy=policy) as response:
        with pytest.raises(MediaError) as failed:
            response.raise_for_status()
    assert (failed.value.code, failed.value.retryable) == (code, retryable)


async def test_a_host_that_refuses_connections_may_be_tried_again(origin: Origin, policy: Policy) -> None:
    unused = Policy(allow_networks=policy.allow_networks, allow_ports=frozenset({1}))
    assert await code_of(f"http://{PUBLIC}:1/", unused) == "source_unreachable"


async def test_the_next_address_is_tried_when_one_does_not_answer(origin: Origin, canary: Canary) -> None:
    origin.serve("/a", b"second try")
    policy = Policy(allow_networks=(ipaddress.ip_network("127.0.0.0/30"),), allow_ports=frozenset({origin.port}))
    resolver = names({"media.example.com": [["127.0.0.3", PUBLIC]]})
    assert await body_of(origin.url("/a", "media.example.com"), policy, resolver=resolver) == b"second try"


async def test_at_most_eight_addresses_of_an_answer_are_tried(origin: Origin, policy: Policy) -> None:
    wide = Policy(allow_networks=(ipaddress.ip_network("127.0.0.0/8"),), allow_ports=policy.allow_ports)
    answer = [f"127.0.1.{n}" for n in range(1, 9)] + [PUBLIC]
    resolver = names({"media.example.com": [answer]})
    assert await code_of(origin.url("/a", "media.example.com"), wide, resolver=resolver) == "source_unreachable"
    assert not origin.requests


async def test_a_resolver_that_never_answers_is_given_up(origin: Origin, policy: Policy) -> None:
    async def silent(_host: str) -> list[Address]:
        await asyncio.sleep(10)
        return []

    assert await code_of(origin.url("/a", "media.example.com"), policy, resolver=silent) == "dns_timeout"


async def test_the_machines_resolver_says_what_does_not_exist() -> None:
    with pytest.raises(MediaError) as failed:
        await system_resolver("no-such-host.invalid")
    assert failed.value.code in {"source_not_found", "dns_failed"}


@asynccontextmanager
async def tls_origin(folder: Path, name: str) -> AsyncIterator[int]:
    """An HTTPS server on the public address whose certificate nobody vouches for."""
    key, certificate = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "1",
         "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=30,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecure")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, PUBLIC, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


async def test_tls_is_verified_against_the_name_and_never_logged(
    policy: Policy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if subprocess.run(["which", "openssl"], capture_output=True, check=False).returncode:
        pytest.skip("needs the openssl program")
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys.log"))
    resolver = names({"good.example.com": [[PUBLIC]], "other.example.com": [[PUBLIC]]})
    async with tls_origin(tmp_path, "good.example.com") as port:
        allowed = Policy(allow_networks=policy.allow_networks, allow_ports=frozenset({port}))
        url = f"https://good.example.com:{port}/"
        fetch._tls.cache_clear()
        assert await code_of(url, allowed, resolver=resolver) == "source_tls"
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
        fetch._tls.cache_clear()
        assert await body_of(url, allowed, resolver=resolver) == b"secure"
        assert await code_of(url.replace("good", "other"), allowed, resolver=resolver) == "source_tls"
    fetch._tls.cache_clear()
    log = tmp_path / "keys.log"
    assert not log.exists() or b"CLIENT" not in log.read_bytes()


async def test_leaving_early_closes_the_connection(origin: Origin, policy: Policy) -> None:
    gone = asyncio.Event()

    async def until_gone(writer: asyncio.StreamWriter) -> None:
        try:
            await endless(writer)
        except ConnectionError:
            gone.set()
            raise

    origin.routes["/a"] = until_gone
    async with open_url(origin.url("/a"), policy=policy, limits=QUICK) as response:
        async for _ in response.aiter_bytes():
            break
    async with asyncio.timeout(60):
        await gone.wait()
