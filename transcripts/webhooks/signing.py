"""The Standard Webhooks scheme: secrets and signatures. Pure but for the random source.

``webhook-signature`` is ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``; several, for several
secrets, are separated by spaces. A secret is ``whsec_`` and the base64 of its bytes.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable

PREFIX = "whsec_"
#: Bytes of a secret; the scheme asks for 24 to 64.
SECRET_BYTES = 32


def new_secret() -> str:
    """A random secret; 50 characters."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")


def signature(secret: str, event_id: str, timestamp: int, body: bytes) -> str:
    """One signature, ``v1,…``. ``timestamp`` in seconds since 1970."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{event_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode("ascii")


def headers(own: Iterable[str], event_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers, with a signature by each of ``own`` secrets."""
    return {
        "webhook-id": event_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, event_id, timestamp, body) for secret in own),
    }
