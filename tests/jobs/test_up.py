"""`manage.py up` as people start it: its own process, an empty folder, a browser's requests."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.jobs.conftest import names, tape_wav
from tests.jobs.test_server import free_port
from tests.jobs.visitor import Visitor, text_of

REPOSITORY = Path(__file__).resolve().parents[2]


@contextmanager
def up(var: Path, port: int, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The command in a process of its own; killed if a test leaves it running."""
    variables = {
        **os.environ,
        "STTWEB_VAR": str(var),
        "STTWEB_PORT": str(port),
        "STTWEB_ENGINE_RECOGNIZER": "reader",
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    process = subprocess.Popen(
        [sys.executable, "-W", "error::ResourceWarning", str(REPOSITORY / "manage.py"), "up"],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=var,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until_up(process: subprocess.Popen[str]) -> str:
    """What the first start prints."""
    assert process.stdout is not None
    printed = ""
    for line in process.stdout:
        printed += line
        if "Next step" in line:
            return printed
    assert process.stderr is not None
    raise AssertionError(printed + process.stderr.read())


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[int, str, str]:
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def test_a_database_that_is_away_is_said_in_a_sentence_without_its_password(tmp_path: Path) -> None:
    away = f"postgres://somebody:hidden@127.0.0.1:{free_port()}/name"
    with up(tmp_path, free_port(), DATABASE_URL=away) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The database does not answer" in err
    assert "DATABASE_URL" in err
    assert "Traceback" not in err
    assert "hidden" not in out + err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_from_an_empty_folder_to_text_and_a_second_start_finds_everything(tmp_path: Path, number: int) -> None:
    port = free_port()
    with up(tmp_path, port) as process:
        printed = until_up(process)
        assert f"http://127.0.0.1:{port}" in printed
        found = re.search(r"Password\s+(\S+)", printed)
        assert found is not None
        visitor = Visitor(port)
        assert not visitor.log_in("owner", "a guess")
        assert visitor.log_in("owner", found[1])
        transcript = visitor.submit("tape.wav", tape_wav(300))
        events = visitor.follow(transcript)
        assert text_of(events).split() == names(300)
        code, out, err = stop(process, number)
    assert (code, err) == (0, "")
    assert "Stopped." in out
    with up(tmp_path, port) as process:
        assert process.stdout is not None
        assert "is running at" in process.stdout.readline()
        assert visitor.follow(transcript) == events
        code, out, _ = stop(process)
    assert code == 0
    assert "Password" not in out


def test_a_recording_that_was_not_finished_goes_on_at_the_next_start(tmp_path: Path) -> None:
    port = free_port()
    with up(tmp_path, port, STTWEB_LEASE_SECONDS="8") as process:
        found = re.search(r"Password\s+(\S+)", until_up(process))
        assert found is not None
        visitor = Visitor(port)
        assert visitor.log_in("owner", found[1])
        transcript = visitor.submit("tape.wav", tape_wav(900), pace="10")
        while "b000100" not in visitor.get(f"/s/{transcript}/export/txt"):
            assert process.poll() is None
        # No goodbye: the lease has to pass first.
        process.kill()
        process.communicate()
    with up(tmp_path, port, STTWEB_LEASE_SECONDS="8") as process:
        assert process.stdout is not None
        process.stdout.readline()
        events = visitor.follow(transcript)
        assert text_of(events).split() == names(900), events[-4:]
        assert stop(process)[0] == 0


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with up(tmp_path, port) as process:
            out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"Port {port} is already in use" in err
    assert "Traceback" not in err
    assert "Password" not in out
