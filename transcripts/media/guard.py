"""Which URLs and which network addresses may be reached. Pure judgement: no resolving, no connecting, no framework.

``judge_url`` looks at the text, ``judge_address`` at a number. The second one is the fence: ``media.fetch`` asks it
about the address of every connection just before connecting, because a name may resolve differently each time.

The address space is an allow list. The standard library's ``is_global`` is no substitute: it calls IPv4-compatible,
NAT64, site-local and multicast addresses global, and its answer differs between patch releases of Python. The ranges
are the IANA special-purpose registries of IPv4 and IPv6, plus 168.63.129.16 (a cloud's host agent).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import quote, urlsplit

import idna

from .errors import BlockedUrl

Address = IPv4Address | IPv6Address
#: Hears a host and the address that it is reached at.
OnAllowed = Callable[[str, Address], None]
Network = IPv4Network | IPv6Network

#: Longest URL that is looked at, in characters.
MAX_URL_LENGTH = 2048

#: Ports on which media is served; anything else on a strange host is more likely a database than a recording.
DEFAULT_PORTS = frozenset({80, 443, 8000, 8080, 8443})

_SCHEME_PORTS = {"http": 80, "https": 443}

_REFUSED_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
        "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
        "240.0.0.0/4",
    )
)  # fmt: skip

_ALLOWED_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)

#: Last labels that never name a host of the public internet (RFC 6761, RFC 6762, RFC 8375, and what home routers use).
_SPECIAL_LABELS = frozenset(
    {"localhost", "local", "localdomain", "internal", "intranet", "private", "corp", "home", "lan", "host", "onion",
     "arpa", "test", "invalid", "example", "alt"}
)  # fmt: skip

_BAD_CHARACTERS = re.compile(r"[\x00-\x20\x7f-\xa0\\\u2028\u2029\ud800-\udfff]")
_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.,-]*):")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DOTTED_QUAD = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")

_PATH_SAFE = "/%:@!$&'()*+,;=-._~[]|"
_QUERY_SAFE = _PATH_SAFE + "?"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the operator allows on top of, or forbids below, the public internet.

    ``allow_networks`` re-opens address ranges and ``allow_ports`` adds to ``DEFAULT_PORTS`` (environment only, never
    a user's choice); ``own_hosts`` are our own public host names and ``own_addresses`` our interfaces' addresses,
    both refused; ``allow_plain_http`` permits http beside https. ``on_allowed`` hears each host and address that was
    let through by ``allow_networks`` alone, before it is connected to; it must not raise.
    """

    allow_networks: tuple[Network, ...] = ()
    allow_ports: frozenset[int] = frozenset()
    own_hosts: frozenset[str] = frozenset()
    own_addresses: frozenset[Address] = field(default_factory=frozenset)
    allow_plain_http: bool = True
    on_allowed: OnAllowed | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Url:
    """A judged URL, normalised: ``host`` is lower-case A-labels without a trailing dot, or a literal address without
    brackets; ``target`` is the percent-encoded path and query; the fragment is gone. ``str()`` gives the URL."""

    scheme: str
    host: str
    port: int
    target: str
    literal: Address | None = None

    @property
    def authority(self) -> str:
        """Host, with brackets and a non-default port where they belong."""
        host = f"[{self.host}]" if isinstance(self.literal, IPv6Address) else self.host
        return host if self.port == _SCHEME_PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}{self.target}"


def judge_url(text: str, policy: Policy) -> Url:
    """Parse ``text`` and refuse whatever must not be fetched. Raises ``BlockedUrl`` with code ``url_length``,
    ``url_chars``, ``url_scheme``, ``url_userinfo``, ``url_host``, ``url_port``, ``url_self`` or ``url_address``."""
    _judge_text(text)
    scheme = _judge_scheme(text, policy)
    try:
        parts = urlsplit(text)
    except ValueError:  # unbalanced brackets, characters that change meaning under NFKC
        raise _bad_host() from None
    if not text[len(scheme) + 1 :].startswith("//") or not parts.netloc:
        raise _bad_host()
    if "@" in parts.netloc:
        raise BlockedUrl("url_userinfo", "Links with a user name or password in front of the host are not accepted.")
    raw_host, raw_port = _split_authority(parts.netloc)
    host, literal = _judge_host(raw_host, policy)
    return Url(scheme, host, _judge_port(raw_port, scheme, policy), _target(parts.path, parts.query), literal)


def judge_address(address: str | Address, policy: Policy) -> None:
    """Raise ``BlockedUrl`` (``url_address``) unless connections to ``address`` are allowed."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        raise _bad_address() from None
    if any(parsed in network for network in policy.allow_networks if network.version == parsed.version):
        return
    if parsed in policy.own_addresses or not _is_public(parsed):
        raise _bad_address()


def is_opened(address: Address, policy: Policy) -> bool:
    """Whether an address that was judged is reached by the operator's word alone."""
    return address in policy.own_addresses or not _is_public(address)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in block for block in _REFUSED_V4)
    if address.scope_id is not None or address not in _ALLOWED_V6:
        return False
    return not any(address in block for block in _REFUSED_V6)


def _judge_text(text: str) -> None:
    if len(text) > MAX_URL_LENGTH:
        raise BlockedUrl("url_length", f"The link is longer than {MAX_URL_LENGTH} characters.")
    if not text or _BAD_CHARACTERS.search(text):
        raise BlockedUrl("url_chars", "The link is empty or contains spaces, backslashes or control characters.")


def _judge_scheme(text: str, policy: Policy) -> str:
    found = _SCHEME.match(text)
    if found is None and text.startswith("//"):
        raise _bad_host()
    scheme = found[1].lower() if found else ""
    allowed = ("https", "http") if policy.allow_plain_http else ("https",)
    if scheme not in allowed:
        names = " and ".join(f"{name}://" for name in allowed)
        raise BlockedUrl("url_scheme", f"Only {names} links can be fetched.", next_step="Paste the full web address.")
    return scheme


def _split_authority(netloc: str) -> tuple[str, str | None]:
    if netloc.startswith("["):
        host, bracket, rest = netloc.partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise _bad_host()
        return host + bracket, rest[1:] if rest else None
    host, colon, port = netloc.partition(":")
    return host, port if colon else None


def _judge_port(text: str | None, scheme: str, policy: Policy) -> int:
    if text is None:
        return _SCHEME_PORTS[scheme]
    port = int(text) if re.fullmatch(r"[0-9]{1,5}", text) else 0
    if port not in DEFAULT_PORTS | policy.allow_ports:
        raise BlockedUrl("url_port", "The link uses a port that is not open for media.")
    return port


def _judge_host(raw: str, policy: Policy) -> tuple[str, Address | None]:
    if raw.startswith("["):
        return _judge_literal(raw[1:-1], policy)
    host = _to_a_labels(raw).removesuffix(".")
    if len(host) > 253 or any(len(label) > 63 for label in host.split(".")):
        raise BlockedUrl("url_length", "The link's host name is too long.")
    if _NUMERIC_LABEL.fullmatch(host.rsplit(".", 1)[-1]):
        return _judge_numeric(host, policy)
    _judge_name(host, policy)
    return host, None


def _judge_literal(text: str, policy: Policy) -> tuple[str, Address]:
    judge_address(text, policy)
    address = ipaddress.ip_address(text)
    return str(address), address


def _judge_numeric(host: str, policy: Policy) -> tuple[str, Address]:
    """A host that ends in a number is a dotted quad or nothing: C resolvers also take octal, hex and short forms."""
    if _DOTTED_QUAD.fullmatch(host) and all(int(part) < 256 for part in host.split(".")):
        return _judge_literal(host, policy)
    number = _legacy_number(host)
    if number is not None:
        judge_address(IPv4Address(number), policy)
    raise _bad_host()


def _legacy_number(host: str) -> int | None:
    """What inet_aton makes of ``host``, or None: up to four parts, each decimal, octal or hex, the last one filling."""
    values = []
    for part in host.split("."):
        base = 16 if part.startswith("0x") else 8 if part.startswith("0") and len(part) > 1 else 10
        try:
            values.append(int(part, base))
        except ValueError:
            return None
    if len(values) > 4 or any(value > 255 for value in values[:-1]) or values[-1] >= 256 ** (5 - len(values)):
        return None
    return sum(value << (24 - 8 * index) for index, value in enumerate(values[:-1])) + values[-1]


def _judge_name(host: str, policy: Policy) -> None:
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise _bad_host()
    if len(labels) < 2 or labels[-1] in _SPECIAL_LABELS:
        raise BlockedUrl("url_host", "The link names a host of a private network.")
    if host in policy.own_hosts:
        raise BlockedUrl("url_self", "The link points back at this service.")


def _to_a_labels(host: str) -> str:
    if host.isascii():
        return host.lower()
    try:
        # Strict IDNA 2008: compatibility mapping would turn enclosed digits and full-width dots into a number.
        return idna.encode(host.lower(), strict=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        raise _bad_host() from None


def _target(path: str, query: str) -> str:
    encoded = quote(path or "/", safe=_PATH_SAFE)
    return f"{encoded}?{quote(query, safe=_QUERY_SAFE)}" if query else encoded


def _bad_host() -> BlockedUrl:
    return BlockedUrl("url_host", "The link has no valid host name.", next_step="Check the address for typing errors.")


def _bad_address() -> BlockedUrl:
    return BlockedUrl(
        "url_address",
        "The link leads to a private or reserved network address.",
        next_step="Upload the file instead, or ask the operator to allow that network.",
    )
