"""A small OpenID Connect provider on loopback: discovery, authorization, tokens, keys, people (OpenID Connect Core 1.0,
RFC 7636). It lets in whoever it is told to, at once, and signs with a key of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return _b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


@dataclass
class Provider:
    """Who logs in next is ``person`` (claims); what it was asked is kept."""

    client_id: str = "sttweb"
    client_secret: str = "between-us-only"
    person: dict[str, Any] = field(default_factory=dict)
    issuer: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    #: The issuer that its tokens name, if it lies.
    says: str = ""

    def __post_init__(self) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def discovery(self) -> dict[str, Any]:
        ways = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}
        about: dict[str, Any] = {f"{name}_endpoint": f"{self.issuer}/{path}" for name, path in ways.items()}
        about |= {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", "response_types_supported": ["code"]}
        about |= {"subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["RS256"]}
        return about | {"token_endpoint_auth_methods_supported": ["client_secret_post"]}

    def keys(self) -> dict[str, Any]:
        public = self._key.public_key().public_numbers()
        return {"keys": [{"kty": "RSA", "kid": "1", "alg": "RS256", "use": "sig", "n": _number(public.n),
                          "e": _number(public.e)}]}  # fmt: skip

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser goes next, with a code that is good once."""
        assert (query["client_id"], query["response_type"], query["code_challenge_method"]) == (
            self.client_id,
            "code",
            "S256",
        )
        code = secrets.token_urlsafe()
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str]) -> dict[str, Any] | None:
        """Tokens for a code, if it, the client's secret and the verifier are right."""
        query = self.codes.pop(form.get("code", ""), None)
        right = query is not None and form.get("client_secret") == self.client_secret
        right = right and query is not None and query["redirect_uri"] == form.get("redirect_uri")
        challenge = _b64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if query is None or not right or query["code_challenge"] != challenge:
            return None
        return {"access_token": "opens-userinfo", "token_type": "Bearer", "expires_in": 60, "id_token": self._signed()}

    def _signed(self) -> str:
        now = int(time.time())
        claims = {"iss": self.says or self.issuer, "aud": self.client_id, "iat": now, "exp": now + 60, **self.person}
        parts = [{"alg": "RS256", "kid": "1", "typ": "JWT"}, claims]
        text = ".".join(_b64(json.dumps(part).encode()) for part in parts)
        return f"{text}.{_b64(self._key.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


@contextmanager
def running(provider: Provider) -> Iterator[Provider]:
    """Serve it on a free port of loopback; ``issuer`` names it."""

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def answer(self, body: Any, status: int = 200) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            provider.asked.append(parts.path)
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", provider.authorize(query))
                self.send_header("Content-Length", "0")
                self.end_headers()
            elif parts.path == "/userinfo":
                known = self.headers.get("Authorization") == "Bearer opens-userinfo"
                self.answer(provider.person if known else {}, 200 if known else 401)
            else:
                pages = {"/.well-known/openid-configuration": provider.discovery, "/keys": provider.keys}
                self.answer(pages[parts.path]() if parts.path in pages else {}, 200 if parts.path in pages else 404)

        def do_POST(self) -> None:
            provider.asked.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made = provider.token({name: values[0] for name, values in parse_qs(body).items()})
            self.answer(made or {"error": "invalid_grant"}, 200 if made else 400)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
