"""A sender of uploads for tests: files, their hashes, and the exchange of a browser."""

from __future__ import annotations

import hashlib
import io
import wave
from typing import Any


def recording(seconds: float = 0.1, value: int = 0) -> bytes:
    """A WAV file of one and the same sample."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(value.to_bytes(2, "little") * int(seconds * 16_000))
    return buffer.getvalue()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Sender:
    """Speaks the exchange of docs/media.md over a Django test client."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def begin(self, content: bytes | int, name: str = "Council.wav", **options: Any) -> Any:
        """Announce a file, or only its size in bytes."""
        size = content if isinstance(content, int) else len(content)
        announced = {"name": name, "size": size, "options": options}
        return self.client.post("/uploads", announced, content_type="application/json")

    def put(self, url: str, offset: int | str, part: bytes, digest: str | None = None, **more: Any) -> Any:
        """Send a part; ``digest`` replaces its true hash."""
        headers = {"X-Part-SHA256": sha256(part) if digest is None else digest}
        path = f"{url}?offset={offset}"
        return self.client.put(path, part, content_type="application/octet-stream", headers=headers, **more)

    def complete(self, url: str, content: bytes = b"", **proof: str) -> Any:
        """Say that everything is there; with the hash of ``content`` or with another proof."""
        proof = proof or {"sha256": sha256(content)}
        return self.client.post(f"{url}/complete", proof, content_type="application/json")

    def send(self, content: bytes, name: str = "Council.wav", part: int = 1000) -> Any:
        """All of it; the answer to the last request."""
        url = self.begin(content, name).json()["url"]
        for offset in range(0, len(content), part):
            assert self.put(url, offset, content[offset : offset + part]).status_code == 200
        return self.complete(url, content)
