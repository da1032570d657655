"""A large upload through the product: megabytes a second, memory of the server, beside sha256sum and cp of the file.

    .venv/bin/python bench/uploads.py [--mb 300] [--mb 2048]

Starts `manage.py up` on a folder of its own, sends a generated recording in parts as the page does, and samples the
resident memory of the server's process every 50 ms. What is written stays in the page cache; the disk is not measured.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import http.cookies
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
PART = 8 * 1024**2


class Visitor:
    """A logged-in person with one connection."""

    def __init__(self, port: int, password: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._cookies = http.cookies.SimpleCookie()
        self._ask("GET", "/login")
        form = {"username": "owner", "login": "owner", "password": password, "csrfmiddlewaretoken": self._csrf()}
        self._ask("POST", "/login", urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded")

    def _csrf(self) -> str:
        return self._cookies["csrftoken"].value if "csrftoken" in self._cookies else ""

    def _ask(self, method: str, path: str, body: bytes = b"", kind: str = "application/json",
             **headers: str) -> tuple[int, bytes]:  # fmt: skip
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in self._cookies.items())
        sent = {"Cookie": cookies, "X-CSRFToken": self._csrf(), "Content-Type": kind, **headers}
        self._connection.request(method, path, body, sent)
        response = self._connection.getresponse()
        text = response.read()
        for value in response.headers.get_all("Set-Cookie") or []:
            self._cookies.load(value)
        return response.status, text

    def json(self, method: str, path: str, data: object) -> dict[str, object]:
        """Ask for JSON; anything but success ends the run."""
        status, text = self._ask(method, path, json.dumps(data).encode())
        if status >= 300:
            sys.exit(f"{method} {path}: {status} {text[:300]!r}")
        return dict(json.loads(text))

    def put(self, path: str, part: bytes, digest: str) -> None:
        """Send a part."""
        status, text = self._ask("PUT", path, part, "application/octet-stream", **{"X-Part-SHA256": digest})
        if status != 200:
            sys.exit(f"PUT {path}: {status} {text[:300]!r}")


@contextmanager
def product(folder: Path) -> Iterator[tuple[int, int, str]]:
    """``(process id, port, password)`` of a running product."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "STTWEB_VAR": str(folder), "STTWEB_PORT": str(port), "STTWEB_ENGINE_RECOGNIZER": "reader",
        "STTWEB_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    command = [sys.executable, "manage.py", "up"]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    printed = ""
    assert process.stdout is not None
    while not (found := re.search(r"Password\s+(\S+)", printed)) or not _listens(port):
        printed += process.stdout.readline() if not found else ""
        time.sleep(0.05)
    try:
        yield process.pid, port, found[1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def resident(pid: int) -> float:
    """Resident memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


@contextmanager
def watched(pid: int) -> Iterator[list[float]]:
    """The resident memory of a process, sampled every 50 ms until the end of the block."""
    seen, over = [resident(pid)], threading.Event()

    def sample() -> None:
        while not over.wait(0.05):
            seen.append(resident(pid))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def recording(path: Path, mb: int) -> Path:
    """A WAV file of ``mb`` MB whose blocks differ."""
    with path.open("wb") as file:
        file.write(
            b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xff\xff\xff\xff"
        )
        block = os.urandom(1024**2)
        for number in range(mb):
            file.write(number.to_bytes(8, "little") + block[8:])
    return path


def send(visitor: Visitor, file: Path) -> tuple[float, float]:
    """Seconds for the parts and for the end."""
    began = time.monotonic()
    size = file.stat().st_size
    url = str(visitor.json("POST", "/uploads", {"name": file.name, "size": size, "options": {}})["url"])
    blocks = hashlib.sha256()
    with file.open("rb") as opened:
        for offset in range(0, size, PART):
            part = opened.read(PART)
            digest = hashlib.sha256(part)
            blocks.update(digest.digest())
            visitor.put(f"{url}?offset={offset}", part, digest.hexdigest())
    sent = time.monotonic()
    visitor.json("POST", f"{url}/complete", {"blocks_sha256": blocks.hexdigest()})
    return sent - began, time.monotonic() - sent


def timed(*command: str) -> float:
    """Seconds that a command takes."""
    began = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mb", type=int, action="append", help="size of a file in MB; may be given again")
    for mb in parser.parse_args().mb or [300]:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            file = recording(folder / "large.wav", mb)
            cp = timed("cp", str(file), str(folder / "copy"))
            (folder / "copy").unlink()
            digest = timed("sha256sum", str(file))
            with product(folder / "var") as (pid, port, password):
                visitor = Visitor(port, password)
                with watched(pid) as seen:
                    parts, end = send(visitor, file)
            shutil.rmtree(folder / "var", ignore_errors=True)
        print(f"{mb} MB: parts {parts:.1f} s ({mb / parts:.0f} MB/s), end {end:.1f} s")
        print(f"memory {seen[0]:.0f} MB before, {max(seen):.0f} MB at most (+{max(seen) - seen[0]:.0f})")
        print(f"cp {cp:.1f} s, sha256sum {digest:.1f} s")


if __name__ == "__main__":
    main()
