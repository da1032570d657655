"""`manage.py transcribe`, as its own process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.jobs.conftest import names, tape_wav
from transcripts.management.terminal import Display
from transcripts.realtime.results import Committed, Gap, Interrupted, Partial

REPOSITORY = Path(__file__).resolve().parents[2]


def start(var: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-X", "dev", str(REPOSITORY / "manage.py"), "transcribe", *arguments],
        env={**os.environ, "STTWEB_VAR": str(var), "STTWEB_ENGINE_RECOGNIZER": "reader"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def transcribe(var: Path, *arguments: str) -> tuple[int, str, str]:
    process = start(var, *arguments)
    out, err = process.communicate(timeout=90)
    return process.returncode, out, err


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / "tape of mine.wav"
    path.write_bytes(tape_wav(400))
    return path


def test_the_text_goes_to_stdout_and_the_live_view_to_stderr(tmp_path: Path, tape: Path) -> None:
    code, out, err = transcribe(tmp_path, str(tape))
    assert code == 0, err
    assert out.split() == names(400)
    assert "\n[0:00:00] b000000 " in f"\n{err}"
    assert "\r" not in err


def test_any_format_goes_and_everything_is_saved(tmp_path: Path, tape: Path) -> None:
    code, out, err = transcribe(tmp_path, str(tape), "--format", "json", "--title", "Mine", "--language", "en")
    assert code == 0, err
    saved = json.loads(out)
    assert "Mine" in out
    assert "b000399" in json.dumps(saved)
    assert len([one for one in (tmp_path / "media").glob("??/*") if one.is_file()]) == 1
    assert (tmp_path / "sttweb.sqlite3").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["missing.wav"], 2, "There is no file"),
        (["http://127.0.0.1/a.mp3"], 1, "private or reserved"),
        ([__file__], 1, "not a recording"),
        (["x.wav", "--language", "en-US"], 2, "region tags are refused"),
        (["x.wav", "--team", "Nobody"], 2, "There is no team"),
        (["TAPE", "--engine", "elevenlabs"], 1, "no key for the hosted speech service"),
    ],
)
def test_a_failure_is_one_plain_sentence_and_an_exit_code(
    tmp_path: Path, arguments: list[str], code: int, sentence: str
) -> None:
    small = tmp_path / "small.wav"
    small.write_bytes(tape_wav(5))
    found, out, err = transcribe(tmp_path, *[str(small) if one == "TAPE" else one for one in arguments])
    assert (found, out) == (code, "")
    assert sentence in err
    assert "Traceback" not in err


def test_ctrl_c_finishes_the_words_that_were_heard(tmp_path: Path) -> None:
    tape = tmp_path / "long.wav"
    tape.write_bytes(tape_wav(36_000))
    process = start(tmp_path, str(tape))
    assert process.stderr is not None
    while not process.stderr.readline().startswith("["):  # asyncio's debug mode may have complained of a slow machine
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    words = out.split()
    assert process.returncode == 130, err
    assert words == names(36_000)[: len(words)] != []
    assert len(words) < 36_000
    assert "Finishing the last words" in err


class _Terminal:
    """Collects what is written, and says that it is a terminal."""

    def __init__(self) -> None:
        self.written = ""

    def write(self, text: str) -> int:
        self.written += text
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return True


def test_a_terminal_shows_the_guess_on_a_line_that_is_redrawn() -> None:
    terminal = _Terminal()
    display = Display(terminal)  # type: ignore[arg-type]
    display.length = 32_000
    display.observe(Partial("Hello \x1b[2Jthe", 0, 16_000))
    assert terminal.written.startswith("0:00:01 of 0:00:02 (50 %) ")
    assert terminal.written.endswith("Hello [2Jthe")
    time.sleep(0.15)
    display.observe(Committed("Hello there.", 0, 32_000))
    assert "\r\x1b[K[0:00:00] Hello there.\n" in terminal.written
    display.observe(Gap(32_000, 64_000, "source_dropped"))
    display.observe(Interrupted("connection_lost", "The connection ended.", 1, 1.0))
    display.close()
    assert "nothing could be heard until 0:00:04" in terminal.written
    assert terminal.written.endswith("(The connection ended.)\n")
