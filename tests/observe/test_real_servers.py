"""A server as people run it, scraped and read: its metrics after real work, and what its log says at its loudest."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.jobs.conftest import names, tape_wav
from tests.jobs.test_server import free_port
from tests.jobs.test_up import REPOSITORY, until_up
from tests.jobs.visitor import Visitor, text_of

KEY = "s" + "k_" + "0123456789abcdef" * 2
#: The first connection breaks after some seconds of audio; what was not answered must be sent again.
FAULTS = json.dumps(
    {"seed": 1, "rules": [{"fault": "error", "type": "transcriber_error", "at": 4, "connections": [1]}]}
)
LINE = re.compile(r"([a-z_]+)(?:\{([^}]*)\})? (\S+)")


def scraped(visitor: Visitor) -> dict[str, float]:
    """All samples by name and labels, without the labels that name a process or a worker."""
    read: dict[str, float] = {}
    for line in visitor.get("/metrics").splitlines():
        if not line.startswith("#"):
            found = LINE.fullmatch(line)
            assert found is not None, line
            labels = [label for label in (found[2] or "").split(",") if label and label[:6] not in ("proces", "worker")]
            read[f"{found[1]}{{{','.join(labels)}}}" if labels else found[1]] = float(found[3])
    return read


@contextmanager
def hosted_engine(var: Path) -> Iterator[str]:
    """The embedded engine in the role of the hosted service: it wants the key, and breaks as planned."""
    var.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(REPOSITORY / "manage.py"), "engine", "--port", "0", "--recognizer", "reader"],
        env={**os.environ, "STTWEB_VAR": str(var), "STTWEB_ENGINE_API_KEY": KEY, "STTWEB_ENGINE_FAULTS": FAULTS,
             "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=var,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"ws://\S+", said)
        assert found is not None, said
        yield f"ws://{urlsplit(found[0]).netloc}"
    finally:
        process.kill()
        process.communicate()


def large_body_of_a_stranger(visitor: Visitor) -> bytes:
    """The first line of the answer to 3 MB for the form of uploads, with a cookie that anybody can make up."""
    with socket.create_connection(("127.0.0.1", visitor.port), timeout=30) as client:
        head = f"POST /new HTTP/1.1\r\nHost: 127.0.0.1:{visitor.port}\r\nCookie: sessionid=madeup\r\n"
        client.sendall(f"{head}Content-Length: 3000000\r\n\r\n".encode())
        return client.recv(200).partition(b"\r\n")[0]


@pytest.fixture(scope="module")
def worked(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """One server at its loudest, one recording through a service with a key: its metrics and its log."""
    folder, port = tmp_path_factory.mktemp("worked"), free_port()
    with hosted_engine(folder / "engine") as url, (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, str(REPOSITORY / "manage.py"), "up"],
            env={**os.environ, "STTWEB_VAR": str(folder / "var"), "STTWEB_PORT": str(port), "PYTHONUNBUFFERED": "1",
                 "STTWEB_ENGINE_RECOGNIZER": "reader", "ELEVENLABS_API_KEY": KEY, "ELEVENLABS_BASE_URL": url,
                 "STTWEB_LOG_FORMAT": "json", "STTWEB_LOG_LEVEL": "DEBUG", "STTWEB_HEARTBEAT_SECONDS": "0.5"},
            stdout=subprocess.PIPE, stderr=log, text=True, cwd=folder,
        )  # fmt: skip
        try:
            found = re.search(r"Password\s+(\S+)", until_up(process))
            assert found is not None
            visitor = Visitor(port)
            refused = large_body_of_a_stranger(visitor)
            assert visitor.log_in("owner", found[1])
            transcript = visitor.submit("tape.wav", tape_wav(300, 40), engine="elevenlabs", pace="20")
            events = visitor.follow(transcript)
            again = visitor.follow(transcript)
            metrics = scraped(visitor)
            process.terminate()
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.communicate()
    lines = (folder / "log").read_text().splitlines()
    return {"transcript": transcript, "events": events, "again": again, "metrics": metrics, "lines": lines,
            "refused": refused, "password": found[1]}  # fmt: skip


def test_the_words_are_all_there(worked: dict[str, Any]) -> None:
    assert text_of(worked["events"]).split() == names(300)
    assert worked["again"] == worked["events"]


def test_what_the_issue_names_can_be_scraped(worked: dict[str, Any]) -> None:
    """Queue depth, lease ages, sessions by state, provider errors by code, event lag, deliveries, replays, drops."""
    read = worked["metrics"]
    assert read["sttweb_queue_depth"] == 0
    assert read["sttweb_lease_age_seconds_max"] == 0
    assert read['sttweb_transcripts{state="running"}'] == 0
    assert read['sttweb_transcripts_ended_last_hour{state="completed"}'] == 1
    assert read['sttweb_provider_errors_total{code="transcriber_error"}'] == 1
    assert read["sttweb_provider_connections_total"] >= 2
    assert read["sttweb_provider_replays_total"] == 1
    assert read["sttweb_commits_total"] >= 1
    assert read["sttweb_delivery_lag_seconds_count"] >= 1
    assert read['sttweb_delivery_lag_seconds_bucket{le="+Inf"}'] == read["sttweb_delivery_lag_seconds_count"]
    # Twice all of the log, and each time the word that this is all.
    assert read['sttweb_deliveries_total{kind="log"}'] >= 2 * len(worked["events"])
    assert read["sttweb_replays_total"] == 0
    assert read['sttweb_sockets_closed_total{code="4408"}'] == 0
    assert read['sttweb_doorbells_total{how="missed"}'] >= 0


def test_a_large_body_is_refused_before_anybody_logged_in(worked: dict[str, Any]) -> None:
    assert worked["refused"] == b"HTTP/1.1 403 Forbidden"


def test_every_line_of_a_session_names_its_transcript(worked: dict[str, Any]) -> None:
    lines = [json.loads(line) for line in worked["lines"]]
    said = [line for line in lines if line["logger"] in ("websockets.client", "transcripts.jobs.session")]
    assert len(said) > 50
    assert {line.get("transcript") for line in said} == {worked["transcript"]}
    about = [line for line in lines if worked["transcript"] in line["message"] and line["logger"].startswith("transcr")]
    assert [line for line in about if line.get("transcript") != worked["transcript"]] == []


def test_no_secret_is_in_the_log_even_at_its_loudest(worked: dict[str, Any]) -> None:
    text = "\n".join(worked["lines"])
    assert "xi-api-key" in text, "the handshake was not logged; this test looks at nothing"
    assert KEY not in text
    assert KEY[3:20] not in text
    assert worked["password"] not in text
