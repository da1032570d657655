from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import aclosing
from pathlib import Path

import pytest

from transcripts.media.decode import decode_file
from transcripts.media.errors import DecodeError
from transcripts.media.ffmpeg import find_program
from transcripts.media.sandbox import Cage, sandbox_report, spawn, stop
from transcripts.media.seccomp import build_filter

from .conftest import Canary, Recordings
from .doubles import children, double

linux = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")


async def run(folder: Path, body: str, **limits: int) -> tuple[int, str]:
    """Exit code and output of ``body`` in the cage."""
    program, cage = double(folder, body, **limits)
    process = await spawn([program], stdin=asyncio.subprocess.DEVNULL, cage=cage)
    output, errors = await process.communicate()
    assert process.returncode is not None
    return process.returncode, output.decode() + errors.decode()


@linux
async def test_every_way_out_is_closed_on_this_machine() -> None:
    report = await sandbox_report()
    assert {"rlimits", "seccomp"} <= report.layers
    assert report.denies_network
    assert report.possible <= (set() if "landlock" in report.layers else {"read", "environment"})


@linux
async def test_a_missing_layer_that_is_required_keeps_the_program_from_starting(tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match="moat not available"):
        await sandbox_report(Cage(required=("moat",)))
    _, cage = double(tmp_path, "print('started')")
    cage = Cage(read_paths=cage.read_paths, required=("moat",))
    process = await spawn([str(tmp_path / "double")], stdin=asyncio.subprocess.DEVNULL, cage=cage)
    output, _ = await process.communicate()
    assert (process.returncode, output) == (125, b"")


async def test_the_child_has_no_secrets_and_no_descriptors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ELEVENLABS_API_KEY", "secret")
    leaked = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(leaked, True)
    body = """
print(sorted(os.environ))
for number in range(3, 64):
    try: os.fstat(number); print("open", number)
    except OSError: pass
print(os.getcwd(), os.getsid(0) == os.getpid())
"""
    code, output = await run(tmp_path, body, open_files=64)
    os.close(leaked)
    lines = output.splitlines()
    assert code == 0
    # The interpreter may add its own LC_CTYPE, and holds its script open while it runs.
    assert set(eval(lines[0])) <= {"LC_ALL", "LC_CTYPE", "MALLOC_ARENA_MAX", "PATH"}
    assert [line for line in lines[1:-1] if line != "open 3"] == []
    assert lines[-1] == "/ True"


@linux
async def test_calls_of_another_architecture_do_not_step_round_the_filter(tmp_path: Path) -> None:
    body = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print(libc.syscall(0x40000000 + 39), ctypes.get_errno(), libc.syscall(425, 1, None), ctypes.get_errno())
"""
    code, output = await run(tmp_path, body)
    assert (code, output.split()) == (0, ["-1", "1", "-1", "38"])


@linux
async def test_the_decoder_itself_reads_no_file_and_reaches_nobody(
    recordings: Recordings, canary: Canary, tmp_path: Path
) -> None:
    report = await sandbox_report()
    sources = [f"http://127.0.0.1:{canary.port}/a.mp3", f"tcp://127.0.0.1:{canary.port}"]
    if "landlock" in report.layers:
        sources.append(str(recordings / "a.wav"))
    for source in sources:
        command = [find_program(), "-v", "error", "-nostdin", "-i", source, "-f", "s16le", "pipe:1"]
        process = await spawn(command, stdin=asyncio.subprocess.DEVNULL, cage=Cage())
        output, errors = await process.communicate()
        assert (process.returncode != 0, output) == (True, b"")
        assert b"ermi" in errors  # "Operation not permitted" or "Permission denied"
    assert canary.connections == 0


async def test_processor_time_is_bounded(tmp_path: Path) -> None:
    code, _ = await run(tmp_path, "while True: pass", cpu_s=1)
    assert code == -signal.SIGXCPU or code == -signal.SIGKILL


@linux
async def test_memory_is_bounded(tmp_path: Path) -> None:
    code, output = await run(tmp_path, "x = bytearray(1 << 30)", memory_bytes=256 * 1024**2)
    assert code == 1
    assert "MemoryError" in output


@linux
async def test_a_real_decoder_stays_far_below_its_limit_of_address_space(recordings: Recordings) -> None:
    """Near the limit, which thread reserved how much decides by chance whether a good recording is "damaged"."""
    before = children()
    async with aclosing(decode_file(recordings / "a.aac")) as chunks:
        await anext(chunks)
        (child,) = children() - before
        status = Path(f"/proc/{child}/status").read_text()
    peak = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmPeak"))
    assert peak < Cage().memory_bytes * 0.6


@linux
async def test_threads_may_be_started_and_processes_not(tmp_path: Path) -> None:
    body = """
import _thread
done = _thread.allocate_lock(); done.acquire()
_thread.start_new_thread(done.release, ())
print(done.acquire(timeout=60))
try: os.fork(); print("forked")
except OSError as error: print(error.errno)
"""
    code, output = await run(tmp_path, body)
    assert (code, output.split()) == (0, ["True", "1"])


async def test_a_child_that_ignores_the_polite_signal_is_killed_and_reaped(tmp_path: Path) -> None:
    program, cage = double(tmp_path, "signal.signal(15, signal.SIG_IGN); os.write(1, b'x'); time.sleep(60)")
    before = children()
    process = await spawn([program], stdin=asyncio.subprocess.DEVNULL, cage=cage)
    assert process.stdout is not None
    await process.stdout.readexactly(1)
    assert await stop(process, grace_s=0.2) == -signal.SIGKILL
    assert children() == before


async def test_a_polite_child_may_finish_what_it_is_writing(tmp_path: Path) -> None:
    body = "signal.signal(15, lambda *_: sys.exit(3)); os.write(1, b'x')\nwhile True: os.write(1, bytes(65536))"
    program, cage = double(tmp_path, body)
    process = await spawn([program], stdin=asyncio.subprocess.DEVNULL, cage=cage)
    assert process.stdout is not None
    await process.stdout.readexactly(1)
    assert await stop(process) == 3


@linux
def test_the_child_dies_with_its_worker(tmp_path: Path) -> None:
    program, cage = double(tmp_path, "os.write(1, b'x'); time.sleep(60)")
    worker = f"""
import asyncio, time
from transcripts.media.ffmpeg import find_program
from transcripts.media.sandbox import Cage, spawn
async def main():
    process = await spawn([{program!r}], stdin=asyncio.subprocess.DEVNULL, cage=Cage(read_paths={cage.read_paths!r}))
    await process.stdout.readexactly(1)
    print(process.pid, flush=True)
    time.sleep(60)
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", worker], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}").exists() and _state(child) != "Z" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{child}").exists() or _state(child) == "Z"


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_jump_of_the_filter_lands_inside_it(machine: str) -> None:
    code = build_filter(machine, 4711)
    assert code is not None
    lines = [code[at : at + 8] for at in range(0, len(code), 8)]
    assert len(lines) < 4096
    for number, line in enumerate(lines):
        if line[0] & 0x07 == 0x05:
            assert number + 1 + max(line[2], line[3]) < len(lines)
    assert lines[-1][0] == 0x06


def test_an_unknown_machine_gets_no_filter_rather_than_a_wrong_one() -> None:
    assert build_filter("riscv64", 1) is None
