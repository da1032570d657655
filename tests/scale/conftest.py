"""The machine's own PostgreSQL and Redis on free ports, and processes of ours on them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.jobs.test_server import free_port
from tests.jobs.visitor import Visitor

REPOSITORY = Path(__file__).resolve().parents[2]
PASSWORD = "horse battery staple"

_PEOPLE = f"""
from django.contrib.auth.models import User
from transcripts.models import Membership, Role, Team
owner = User.objects.create_superuser("owner", password={PASSWORD!r})
Membership.objects.create(team=Team.objects.create(name="Scale"), user=owner, role=Role.OWNER)
"""


def binary(name: str) -> str:
    """A program of the machine; the test skips without it, or fails where nothing may be skipped."""
    places = [*sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True), os.environ.get("PATH", "")]
    found = shutil.which(name, path=os.pathsep.join(places))
    if found is None:
        reason = f"{name} is not installed"
        if os.environ.get("STTWEB_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return found


def until_listening(port: int, process: subprocess.Popen[Any], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert process.poll() is None, f"{process.args!r} ended with {process.returncode}"
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"nothing listens on {port}")


class Postgres:
    """A PostgreSQL cluster in a folder of its own, which can be stopped, killed, frozen and started again."""

    def __init__(self) -> None:
        initdb, self._server = binary("initdb"), binary("postgres")
        self.port = free_port()
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self._folder = Path(tempfile.mkdtemp(prefix="sttweb-pg-"))
        self._data = self._folder / "data"
        # PostgreSQL refuses to run as root.
        self._demote = [binary("runuser"), "-u", "postgres", "--"] if os.getuid() == 0 else []
        if self._demote:
            shutil.chown(self._folder, "postgres")
        options = ["-D", str(self._data), "-A", "trust", "-U", "postgres", "--no-sync"]
        subprocess.run([*self._demote, initdb, *options], check=True, capture_output=True, cwd="/")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["-p", str(self.port), "-k", str(self._folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        command = [*self._demote, self._server, "-D", str(self._data), *options]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdout=quiet, stderr=quiet, cwd="/")
        until_listening(self.port, self._process)
        self.until_ready()

    def until_ready(self, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                assert time.monotonic() < end, "PostgreSQL does not answer"
                time.sleep(0.1)

    @property
    def pid(self) -> int:
        """The server itself, not the program that changed the user for it."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def stop(self, number: int = signal.SIGINT) -> None:
        """SIGINT disconnects everyone in order, SIGQUIT is "immediate"."""
        if self._process is not None:
            os.kill(self.pid, number)
            # runuser stops itself when its child was stopped (F36), and nobody else wakes it.
            self._process.send_signal(signal.SIGCONT)
            self._process.wait(30)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL cluster."""
    server = Postgres()
    server.start()
    yield server.url
    server.remove()


class Redis:
    """A Redis that can be stopped and started again on its port."""

    def __init__(self) -> None:
        self._program, self.port = binary("redis-server"), free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen([self._program, *options], stdout=quiet, stderr=quiet, cwd="/")
        until_listening(self.port, self._process)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(60)
            self._process = None


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    server = Redis()
    server.start()
    yield server
    server.stop()


@dataclass
class Cluster:
    """Processes of ours on one database, one Redis and one media folder."""

    folder: Path
    database_url: str
    environment: dict[str, str]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    def manage(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a management command in a process of its own."""
        log = (self.folder / f"log-{len(self.processes)}-{arguments[0]}.txt").open("w")
        with log:
            process = subprocess.Popen(
                [sys.executable, str(REPOSITORY / "manage.py"), *arguments],
                env={**os.environ, **self.environment, **environment},
                stdout=log,
                stderr=log,
                text=True,
                cwd=self.folder,
            )
        self.processes.append(process)
        return process

    def run(self, *arguments: str) -> None:
        """Run a management command to its end."""
        assert self.manage(*arguments).wait(120) == 0, self.logs()

    def web(self) -> Visitor:
        """Start a web process; a visitor who is not logged in yet."""
        port = free_port()
        # Cookies and origins know the host only; a proxy would give both processes one origin.
        process = self.manage("web", STTWEB_PORT=str(port))
        until_listening(port, process)
        return Visitor(port)

    def worker(self, **environment: str) -> subprocess.Popen[str]:
        """Start a worker and wait until it reports itself."""
        before = self.count("worker")
        process = self.manage("worker", **environment)
        end = time.monotonic() + 60
        while self.count("worker") == before:
            assert process.poll() is None, self.logs()
            assert time.monotonic() < end, self.logs()
            time.sleep(0.1)
        return process

    def count(self, table: str) -> int:
        return int(self.ask(f"select count(*) from transcripts_{table}")[0][0])

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows straight from the database."""
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()

    def working(self) -> set[str]:
        """The workers that hold a transcript now."""
        return {name for (name,) in self.ask("select worker from transcripts_transcript where worker <> ''")}

    def logs(self) -> str:
        """What all processes have said."""
        return "\n".join(f"--- {path.name}\n{path.read_text()}" for path in sorted(self.folder.glob("log-*.txt")))

    def stop(self) -> None:
        """End what still runs, hard."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait(60)


@pytest.fixture
def cluster(postgres: str, redis: Redis, tmp_path: Path) -> Iterator[Cluster]:
    """An empty installation on PostgreSQL and Redis with one person in one team."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    environment = {
        "DATABASE_URL": postgres,
        "REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
        "STTWEB_REDIS_PREFIX": tmp_path.name,
        "STTWEB_VAR": str(tmp_path),
        "STTWEB_ENGINE_RECOGNIZER": "reader",
        "STTWEB_SESSIONS": "2",
        "PYTHONUNBUFFERED": "1",
    }
    made = Cluster(tmp_path, postgres, environment)
    try:
        made.run("migrate", "--verbosity", "0")
        made.run("shell", "--command", _PEOPLE)
        yield made
    finally:
        made.stop()
