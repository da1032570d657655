"""What the faults are played with: processes of ours on the machine's own services, and wires that can be cut."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect
from websockets.typing import Origin

from tests.figures import LONG, figure
from tests.jobs.conftest import names, tape_wav
from tests.jobs.test_server import free_port
from tests.jobs.visitor import FINAL, Visitor
from tests.scale.conftest import PASSWORD, Cluster, Postgres, Redis, until_listening

__all__ = ["LONG", "Land", "Watcher", "Wire", "children", "figure", "free_bytes", "freeze", "rss", "thaw"]


@dataclass
class Land(Cluster):
    """One installation for many faults: PostgreSQL, Redis, a web process with somebody logged in, workers on demand."""

    postgres: Postgres = field(kw_only=True)
    redis: Redis = field(kw_only=True)
    visitor: Visitor = field(init=False)

    def open(self) -> None:
        """Start the web process and log in."""
        port = free_port()
        self.web_process = self.manage("web", STTWEB_PORT=str(port))
        until_listening(port, self.web_process)
        self.visitor = Visitor(port)
        assert self.visitor.log_in("owner", PASSWORD)

    def tape(self, blocks: int, pace: float | None = None, **fields: str) -> str:
        """Submit a tape and return the transcript's id."""
        chosen = {} if pace is None else {"pace": str(pace)}
        return self.visitor.submit("tape.wav", tape_wav(blocks), **chosen, **fields)

    def row(self, transcript: str, columns: str = "state, code, epoch, worker, committed_samples, crash_claims") -> Any:
        """Columns of a transcript's row."""
        return self.ask(f"select {columns} from transcripts_transcript where id = %s", UUID(transcript))[0]

    def until(self, transcript: str, reached: Callable[[Any], bool], seconds: float = 90.0) -> Any:
        """Wait until the row (state, code, epoch, worker, committed_samples, crash_claims) is as wanted."""
        end = time.monotonic() + seconds
        while True:
            with suppress(psycopg.OperationalError):
                row = self.row(transcript)
                if reached(row):
                    return row
            assert time.monotonic() < end, f"{row}\n{self.logs()}"
            time.sleep(0.05)

    def until_done(self, transcript: str, seconds: float = 90.0) -> str:
        """Wait for a final state and return it."""
        return str(self.until(transcript, lambda row: row[0] in FINAL, seconds)[0])

    def words(self, transcript: str) -> list[str]:
        """All words of a transcript in their order."""
        query = "select text from transcripts_segment where transcript_id = %s order by index"
        return [word for (text,) in self.ask(query, UUID(transcript)) for word in text.split()]

    def events(self, transcript: str) -> list[tuple[int, int, str, dict[str, Any], Any]]:
        """(seq, epoch, kind, payload, at) of the log."""
        query = "select seq, epoch, kind, payload, at from transcripts_event where transcript_id = %s order by seq"
        return self.ask(query, UUID(transcript))

    def check(self, transcript: str, blocks: int) -> None:
        """Nothing lost, nothing doubled, all in order; the log has no holes and no zombie wrote to it."""
        heard = self.words(transcript)
        lost = sorted(set(names(blocks)) - set(heard))
        assert not lost, f"lost {lost[:5]}…\n{self.logs()}"
        assert heard == names(blocks), f"{len(heard) - blocks} doubled or out of order"
        log = self.events(transcript)
        assert [event[0] for event in log] == list(range(1, len(log) + 1))
        epochs = [event[1] for event in log if event[1]]
        assert epochs == sorted(epochs), "an older claim wrote after a newer one"

    def forget_workers(self) -> None:
        """Kill what a test left running and empty the table, for the next one."""
        for process in [one for one in self.processes if one is not self.web_process]:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
                process.kill()
            process.wait(60)
        self.ask_nothing("delete from transcripts_worker")
        self.ask_nothing("update transcripts_transcript set state = 'cancelled' where state not in "
                         "('completed', 'completed_with_gaps', 'failed', 'cancelled')")  # fmt: skip

    def ask_nothing(self, query: str) -> None:
        """Run a statement without an answer."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            connection.execute(query)


class Watcher:
    """A browser that follows a transcript, comes back when its socket ends, and keeps what it was told and when."""

    def __init__(self, visitor: Visitor, transcript: str) -> None:
        self._cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in visitor.jar)
        self._url = f"ws://127.0.0.1:{visitor.port}/ws/t/{transcript}/"
        self._origin = visitor.origin
        self.told: list[dict[str, Any]] = []
        self.told_at: dict[int, float] = {}
        self.done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self.done.is_set():
            with suppress(OSError, WebSocketException, TimeoutError):
                self._follow()
            time.sleep(0.1)

    def _follow(self) -> None:
        headers = {"Cookie": self._cookies}
        with connect(self._url, origin=Origin(self._origin), additional_headers=headers) as ws:
            ws.send(json.dumps({"type": "hello", "after": len(self.told)}))
            while not self.done.is_set():
                message = json.loads(ws.recv(timeout=120))
                if "seq" in message and message["type"] != "caught_up":
                    self.told.append(message)
                    self.told_at[message["seq"]] = time.time()
                    if message["type"] == "state" and message["data"]["state"] in FINAL:
                        self.done.set()

    def check(self, land: Land, transcript: str, seconds: float = 30.0) -> float:
        """Everything in the table was told once and in order; return the longest delay in seconds."""
        assert self.done.wait(seconds), f"told {len(self.told)} events\n{land.logs()}"
        # Behind the end the scanner may still flag what it found.
        log = [event for event in land.events(transcript) if event[0] <= self.told[-1]["seq"]]
        assert [event["seq"] for event in self.told] == [event[0] for event in log]
        return max(self.told_at[event[0]] - event[4].timestamp() for event in log if event[2] == "commit")


class Wire:
    """A TCP wire to ``port`` that can be cut without either side hearing of it (``hold``), or broken (``refuse``)."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.passing = threading.Event()
        self.passing.set()
        self.refusing = False
        self.connections = 0
        #: When bytes came from the client, and how many.
        self.sent: list[tuple[float, int]] = []
        self._pairs: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @contextmanager
    def held(self) -> Iterator[None]:
        """A black hole meanwhile: no bytes, no FIN, no RST."""
        self.passing.clear()
        try:
            yield
        finally:
            self.passing.set()

    @contextmanager
    def refused(self) -> Iterator[None]:
        """Every connection is reset, and new ones are, meanwhile."""
        self.refusing = True
        self.reset()
        try:
            yield
        finally:
            self.refusing = False

    def reset(self) -> None:
        """Reset what is open."""
        for one in list(self._pairs):
            _reset(one)

    def close(self) -> None:
        self._server.close()
        self.passing.set()
        self.reset()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                self.connections += 1
                if self.refusing:
                    _reset(client)
                    client.close()
                    continue
                try:
                    server = socket.create_connection(("127.0.0.1", self._to), timeout=5)
                    server.settimeout(None)
                except OSError:
                    _reset(client)
                    client.close()
                    continue
                self._pairs |= {client, server}
                threading.Thread(target=self._pump, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pump, args=(server, client, False), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, outward: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if outward:
                    self.sent.append((time.monotonic(), len(data)))
                self.passing.wait()
                sink.sendall(data)
        for one in (source, sink):
            self._pairs.discard(one)
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def _reset(one: socket.socket) -> None:
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        one.shutdown(socket.SHUT_RDWR)


def children(pid: int, name: str = "") -> list[int]:
    """Processes below ``pid``, with ``name`` in their command line."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, IndexError, ValueError):
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            command = (folder / "cmdline").read_bytes()
            if parent == pid:
                below = children(int(folder.name), name)
                found += ([int(folder.name)] if name.encode() in command else []) + below
    return found


def rss(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def freeze(process: subprocess.Popen[Any]) -> None:
    """Stop a process as a suspended laptop does."""
    process.send_signal(signal.SIGSTOP)


def thaw(process: subprocess.Popen[Any]) -> None:
    """Let it go on."""
    process.send_signal(signal.SIGCONT)


def free_bytes(folder: Path) -> int:
    """Bytes that a file may still take on the disk of ``folder``."""
    usage = os.statvfs(folder)
    return usage.f_bavail * usage.f_frsize
