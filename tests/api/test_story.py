"""docs/api.md, walked with curl and Python as people would, against the product as they start it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.test_docs import PAGE
from tests.faults.machines import Wire
from tests.jobs.conftest import names, tape_wav
from tests.jobs.test_server import free_port
from tests.jobs.test_up import until_up, up
from tests.scale.conftest import binary
from tests.upkeep.installations import Installation

WALK = re.findall(r"```sh\n(# .*?)\n```", PAGE, re.DOTALL)
PROGRAMS = dict(re.findall(r"```python\n(?=# (\w+))(.*?)\n```", PAGE, re.DOTALL))
BLOCKS = 600
_TOKEN = """
from django.contrib.auth.models import User
from transcripts import tokens
from transcripts.access import Scope
from transcripts.models import Team
print(tokens.make(Team.objects.get(), User.objects.get(), "walk", list(Scope), 1)[1])
"""


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of somebody's shell beside a running product: API, TOKEN, and talk.wav in ``HERE``."""
    home, here = tmp_path_factory.mktemp("product"), tmp_path_factory.mktemp("here")
    port = free_port()
    (here / "talk.wav").write_bytes(tape_wav(BLOCKS))
    with up(home, port) as process:
        until_up(process)
        token = Installation(home).shell(_TOKEN).strip()
        plain = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
        yield {**plain, "API": f"http://127.0.0.1:{port}/api/v1", "TOKEN": token, "HERE": str(here)}
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def shell(around: dict[str, str], script: str) -> list[str]:
    """What a script says, line by line; it may not fail anywhere."""
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script], env=around, cwd=around["HERE"], capture_output=True, text=True,
        timeout=120,
    )  # fmt: skip
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout.splitlines()


def test_the_walk_leads_from_a_recording_to_approved_subtitles(around: dict[str, str]) -> None:
    binary("curl")
    assert len(WALK) == 4
    said = shell(around, "\n".join(WALK) + '\necho "$ID"')
    assert said[:-1] == ["completed", "Good evening from the harbour.", "owner", "approved", "open"]
    subtitles = (Path(around["HERE"]) / "talk.srt").read_text()
    assert "harbour." in subtitles
    assert names(BLOCKS)[-1] in subtitles
    again = shell(around, f'{WALK[0]}\necho "$ID"')
    assert again == said[-1:], "the same key made another transcript"


def test_a_program_follows_a_transcript_while_it_is_written(around: dict[str, str]) -> None:
    assert set(PROGRAMS) == {"follow", "stream"}
    (key,) = shell(around, WALK[0].replace("walk-1", "follow-1") + '\necho "$ID"')
    running = {
        name: subprocess.Popen(
            [sys.executable, "-c", text], env={**around, "ID": key}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )
        for name, text in PROGRAMS.items()
    }  # fmt: skip
    told = {name: process.communicate(timeout=120) for name, process in running.items()}
    assert [process.returncode for process in running.values()] == [0, 0], told
    assert told["follow"][0].split() == names(BLOCKS)
    settled = [line.removeprefix("commit ") for line in told["stream"][0].splitlines() if line.startswith("commit ")]
    assert " ".join(settled).split() == names(BLOCKS)


def test_the_stream_goes_on_where_a_broken_line_ended(around: dict[str, str]) -> None:
    (key,) = shell(around, WALK[0].replace("walk-1", "wire-1") + '\necho "$ID"')
    port = int(around["API"].split(":")[2].split("/")[0])
    wire, lines = Wire(port), []
    address = around["API"].replace(f":{port}/", f":{wire.port}/")
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", PROGRAMS["stream"]], env={**around, "API": address, "ID": key},
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        for line in process.stdout:
            lines.append(line.rstrip())
            if sum(one.startswith("commit ") for one in lines) == 1:
                wire.reset()
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.communicate()
        wire.close()
    settled = [line.removeprefix("commit ") for line in lines if line.startswith("commit ")]
    assert " ".join(settled).split() == names(BLOCKS)
    assert wire.connections >= 2
