"""A person at a browser, as far as a test needs one: logs in, submits, follows the socket. Standard library and
websockets only, against a server in another process."""

from __future__ import annotations

import json
import re
import time
import urllib.request
import uuid
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

from websockets.sync.client import connect
from websockets.typing import Origin


class Visitor:
    """Everything over HTTP and WebSocket at ``http://127.0.0.1:PORT``; ``jar`` may be shared between servers."""

    def __init__(self, port: int, jar: CookieJar | None = None) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.port = port
        self.jar = CookieJar() if jar is None else jar
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def get(self, path: str) -> str:
        with self._opener.open(self.origin + path, timeout=30) as answer:
            return str(answer.read().decode())

    def post(self, path: str, fields: dict[str, str], files: dict[str, tuple[str, bytes]] | None = None) -> str:
        """Post a form and return where it led."""
        boundary = uuid.uuid4().hex
        fields = {"csrfmiddlewaretoken": self._cookie("csrftoken"), **fields}
        headers = {"Referer": self.origin + path, "Origin": self.origin}
        if files is None:
            body = urlencode(fields).encode()
        else:
            body = _multipart(boundary, fields, files)
            headers["Content-Type"] = f"multipart/form-data; boundary={boundary}"
        request = urllib.request.Request(self.origin + path, body, headers)
        with self._opener.open(request, timeout=60) as answer:
            return str(answer.geturl())

    def log_in(self, username: str, password: str) -> bool:
        self.get("/login")
        return "/login" not in self.post("/login", {"login": username, "password": password})

    def submit(self, name: str, content: bytes, **fields: str) -> str:
        """Upload a recording and return its transcript's id."""
        try:
            where = self.post("/new", {"engine": "embedded", **fields}, {"uploads": (name, content)})
        except HTTPError as error:
            with error:
                raise AssertionError(re.sub(r"<[^>]+>", " ", error.read().decode())) from error
        return where.rstrip("/").rsplit("/", 1)[-1]

    def follow(self, transcript_id: str, *, seconds: float = 90.0) -> list[dict[str, Any]]:
        """The stored events that the transcript's socket tells, until a final state."""
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.jar)
        url = f"ws://127.0.0.1:{self.port}/ws/t/{transcript_id}/"
        told: list[dict[str, Any]] = []
        end = time.monotonic() + seconds
        with connect(url, origin=Origin(self.origin), additional_headers={"Cookie": cookies}) as socket:
            socket.send(json.dumps({"type": "hello", "after": 0}))
            while time.monotonic() < end:
                message = json.loads(socket.recv(timeout=seconds))
                if "seq" in message and message["type"] != "caught_up":
                    told.append(message)
                if message["type"] == "state" and message["data"]["state"] in FINAL:
                    return told
        raise AssertionError(f"no end within {seconds} s: {told[-3:]}")

    def _cookie(self, name: str) -> str:
        return next((cookie.value or "" for cookie in self.jar if cookie.name == name), "")


FINAL = {"completed", "completed_with_gaps", "failed", "cancelled", "paused"}


def text_of(events: list[dict[str, Any]]) -> str:
    """All committed text that was told, which must be numbered without holes."""
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    return " ".join(event["data"]["text"] for event in events if event["type"] == "commit")


def _multipart(boundary: str, fields: dict[str, str], files: dict[str, tuple[str, bytes]]) -> bytes:
    lines = []
    for name, value in fields.items():
        lines += [f"--{boundary}", f'Content-Disposition: form-data; name="{name}"', "", value]
    head = "\r\n".join(lines).encode()
    for name, (filename, content) in files.items():
        part = f'\r\n--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{filename}"'
        head += f"{part}\r\nContent-Type: application/octet-stream\r\n\r\n".encode() + content
    return head + f"\r\n--{boundary}--\r\n".encode()
