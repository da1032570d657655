"""Where the service is and who we are to it.

Pure. The base URL is the operator's word: it may be a private address, any scheme and path prefix that the official
SDKs take, and any region host (protocol.md section 2).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from urllib.parse import SplitResult, quote, urlencode, urlsplit, urlunsplit

from transcripts.realtime.options import SessionOptions

PATH = "/v1/speech-to-text/realtime"

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


class EndpointError(ValueError):
    """The base URL cannot be used."""

    code = "invalid_base_url"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Base URL and credentials. Neither credential is ever part of ``repr``."""

    base_url: str = "wss://api.elevenlabs.io"
    api_key: str = field(default="", repr=False)
    #: Single use; sent in the query, and then the key is not sent at all: the service would not fall back to it.
    token: str = field(default="", repr=False)
    #: Judges a host of a team's own and answers the addresses that may be connected to; none: the operator's word.
    addresses: Callable[[str], Awaitable[Sequence[str]]] | None = field(default=None, repr=False, compare=False)

    def url(self, options: SessionOptions) -> str:
        """The WebSocket URL of a session. Raises EndpointError for a base URL that is none."""
        parts = _split(self.base_url.strip())
        scheme = _SCHEMES.get(parts.scheme.lower())
        if scheme is None or not parts.hostname:
            raise _unusable()
        pairs = options.query() + ([("token", self.token)] if self.token else [])
        path = parts.path.rstrip("/").removesuffix(PATH) + PATH
        return urlunsplit((scheme, parts.netloc, path, urlencode(pairs, quote_via=quote), ""))

    def headers(self) -> dict[str, str]:
        """Headers of the handshake."""
        return {"xi-api-key": self.api_key} if self.api_key and not self.token else {}

    @property
    def account(self) -> tuple[str, str]:
        """What a breaker is shared by: provider and key."""
        return self.base_url, self.api_key


def _split(base_url: str) -> SplitResult:
    try:
        parts = urlsplit(base_url)
        _ = parts.port  # read only now: a port that is no number
    except ValueError:
        raise _unusable() from None
    return parts


def _unusable() -> EndpointError:
    return EndpointError("The base URL must begin with wss://, ws://, https:// or http:// and name a host.")
