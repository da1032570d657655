"""Fetch and decode beside FFmpeg alone, on the same file: wall time, CPU time, memory, and their ratios.

    .venv/bin/python bench/decode.py [--minutes 60] [--runs 3] [--format mp3] [FILE]

Without FILE the sample recording is repeated to the length asked for. The file is served by a process of its own on
loopback; our side fetches it through the guarded client, spools and hashes it, decodes it in the cage and takes every
chunk; then also keeps its waveform, or waveform and sound. FFmpeg alone reads the file from disk and writes its samples
to nowhere. The best of the runs counts. At last one more fetch and decode is watched for memory: resident bytes of our
process at the start and at most, and of the decoder (Linux only).
"""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from transcripts.media.decode import DecodeLimits
from transcripts.media.ffmpeg import find_program
from transcripts.media.guard import Policy
from transcripts.media.keep import Keeper
from transcripts.media.open import AudioRequest, open_audio
from transcripts.media.pcm import SAMPLE_RATE
from transcripts.media.sample import find_sample

_LIMITS = DecodeLimits(max_samples=24 * 3600 * SAMPLE_RATE)


@dataclass(frozen=True)
class Cost:
    """One run: wall and CPU seconds (own and children's), samples that came out."""

    wall: float
    own_cpu: float
    child_cpu: float
    samples: int

    @property
    def cpu(self) -> float:
        return self.own_cpu + self.child_cpu


def main() -> None:
    options = _arguments()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = options.file or _long_recording(folder, options.minutes, options.format)
        with _served(file) as port:
            ways: dict[str, Callable[[int], int]] = {
                "ffmpeg alone": lambda _: _ffmpeg_alone(file),
                "decode": lambda _: asyncio.run(_heard(file)),
                "fetch + decode": lambda run: asyncio.run(_fetched(folder / f"spool{run}", file.name, port)),
                "decode + waveform": lambda run: asyncio.run(_kept(file, None, folder / f"peaks{run}")),
                "decode + keep": lambda run: asyncio.run(_kept(file, folder / f"kept{run}.mp3", folder / f"p{run}")),
            }
            # Taking turns: what else the machine does hits all of them alike.
            costs = [{title: _measured(way, run) for title, way in ways.items()} for run in range(options.runs)]
            memory = _watched(lambda: asyncio.run(_fetched(folder / "watched", file.name, port)))
    _report(file.name, {title: min((cost[title] for cost in costs), key=lambda cost: cost.cpu) for title in ways})
    print(memory)


def _report(name: str, costs: dict[str, Cost]) -> None:
    seconds = costs["decode"].samples / SAMPLE_RATE
    print(f"{name}: {seconds / 60:.1f} minutes of sound")
    for title, cost in costs.items():
        _line(title, cost, seconds, costs["ffmpeg alone"])
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


def _watched(work: Callable[[], int]) -> str:
    """Resident memory while ``work`` runs, looked at ten times a second."""
    if sys.platform != "linux":
        return "memory: only looked at on Linux"
    before, own, decoder = _resident("self"), [0.0], [0.0]
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            own.append(_resident("self"))
            decoder.extend(_resident(pid) for pid in _decoders())

    watching = threading.Thread(target=look)
    watching.start()
    samples = work()
    done.set()
    watching.join()
    half = own[len(own) // 2 :]
    return (
        f"memory over {samples / SAMPLE_RATE / 3600:.1f} h of sound: this process {before:.1f} MB at the start, "
        f"{max(own):.1f} MB at most, {max(half):.1f} MB at most in the second half; "
        f"decoder {max(decoder):.1f} MB at most"
    )


def _decoders() -> Iterator[str]:
    """Our children that have become the decoder's program."""
    for task in Path("/proc/self/task").iterdir():
        for pid in (task / "children").read_text().split():
            with suppress(OSError):
                if Path(f"/proc/{pid}/exe").resolve() == Path(find_program()).resolve():
                    yield pid


def _resident(process: str) -> float:
    """Megabytes in memory, 0 when the process is gone."""
    with suppress(OSError):
        for line in Path(f"/proc/{process}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _line(title: str, cost: Cost, seconds: float, alone: Cost) -> None:
    hour = 3600 / seconds
    print(
        f"{title:>17}: {seconds / cost.wall:6.0f} x real time ({cost.wall / alone.wall:4.2f} of ffmpeg's wall time), "
        f"{cost.cpu * hour:5.2f} CPU s per hour of sound ({cost.cpu / alone.cpu:4.2f} of ffmpeg's; own part "
        f"{cost.own_cpu * hour:.2f})"
    )


def _measured(way: Callable[[int], int], run: int) -> Cost:
    own, child, wall = _cpu(resource.RUSAGE_SELF), _cpu(resource.RUSAGE_CHILDREN), time.perf_counter()
    samples = way(run)
    return Cost(
        time.perf_counter() - wall, _cpu(resource.RUSAGE_SELF) - own, _cpu(resource.RUSAGE_CHILDREN) - child, samples
    )


def _cpu(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _ffmpeg_alone(file: Path) -> int:
    command = [find_program(), "-v", "error", "-nostdin", "-threads", "1", "-i", str(file), "-map", "0:a:0", "-ac", "1"]
    subprocess.run([*command, "-ar", str(SAMPLE_RATE), "-f", "s16le", "-y", "/dev/null"], check=True)
    return 0


async def _heard(file: Path) -> int:
    return await _ours(AudioRequest(path=file, decode_limits=_LIMITS))


async def _fetched(folder: Path, name: str, port: int) -> int:
    policy = Policy(allow_networks=(ipaddress.ip_network("127.0.0.1/32"),), allow_ports=frozenset({port}))
    url = f"http://127.0.0.1:{port}/{name}"
    return await _ours(AudioRequest(url=url, spool_dir=folder, policy=policy, decode_limits=_LIMITS))


async def _kept(file: Path, sound: Path | None, peaks: Path) -> int:
    keeper = Keeper(sound, peaks)
    samples = 0
    async with open_audio(AudioRequest(path=file, decode_limits=_LIMITS)) as audio, aclosing(audio.chunks()) as chunks:
        async for chunk in chunks:
            await keeper.feed(chunk)
            samples += chunk.samples
    kept = await keeper.close()
    if kept.failure is not None:
        raise kept.failure
    return samples


async def _ours(request: AudioRequest) -> int:
    async with open_audio(request) as audio, aclosing(audio.chunks()) as chunks:
        return sum([chunk.samples async for chunk in chunks])


def _long_recording(folder: Path, minutes: float, extension: str) -> Path:
    sample = find_sample()
    if sample is None:
        raise SystemExit("No sample recording is installed: name a FILE.")
    path = folder / f"long.{extension}"
    command = [find_program(), "-v", "error", "-nostdin", "-stream_loop", "-1", "-i", str(sample.path), "-t"]
    subprocess.run([*command, str(minutes * 60), str(path)], check=True)
    return path


@contextmanager
def _served(file: Path) -> Iterator[int]:
    command = [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(file.parent)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().split(" port ")[1].split()[0])
        try:
            yield port
        finally:
            server.kill()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--format", default="mp3")
    return parser.parse_args()


if __name__ == "__main__":
    main()
