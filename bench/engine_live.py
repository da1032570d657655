"""How long words take when people speak live: 1, 4 and more streams of real speech at its own pace.

    python -m bench.engine_live [FOLDER] [--streams 1 4] [--seconds 60]

*Word lag* is from the end of a spoken word to the first partial that shows it, *commit lag* from a commit (sent at a
pause of 0.5 s) to its answer. Every stream talks nearly without pause, which is the worst case.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from bench.engine_common import (
    RATE,
    ROOT,
    processor_seconds,
    receive,
    recordings,
    resident_mb,
    running_engine,
    send_audio,
)
from transcripts.engine.profile import PRODUCT
from transcripts.realtime.pauses import PauseDetector

STEP = 3200
FILES = ("sonnet1.flac", "ls-1272-128104-long.flac", "two-cities.flac", "mfa-acoustic.flac")


@dataclass
class Lags:
    """What one or more streams measured, in seconds."""

    words: list[float] = field(default_factory=list)
    commits: list[float] = field(default_factory=list)
    partials: int = 0


class Speaker:
    """One stream: sends in real time, notes when each word was first shown."""

    def __init__(self, socket: ClientConnection, pcm: bytes, lags: Lags) -> None:
        self._socket, self._pcm, self._lags = socket, pcm, lags
        self._began = 0.0
        self._sent: list[float] = []
        self._shown: list[float] = []
        self._done = asyncio.Event()

    async def run(self) -> None:
        """Speaks to the end and waits for the last answer."""
        await receive(self._socket)
        reader = asyncio.create_task(self._read())
        self._began = time.monotonic()
        detector, last = PauseDetector(0), 0
        for at in range(0, len(self._pcm), STEP):
            end = (at + STEP) // 2
            await asyncio.sleep(self._began + end / RATE - time.monotonic())
            piece = self._pcm[at : at + STEP]
            detector.feed(at // 2, piece)
            voice = detector.voice_in(last, end)
            commit = end - last >= 30 * RATE or (detector.pause_at(end) >= 8000 and voice >= RATE)
            await self._send(piece, commit=commit)
            last = end if commit else last
        await self._send(bytes(9600), commit=True)
        await asyncio.wait_for(self._done.wait(), 60)
        reader.cancel()

    async def _send(self, piece: bytes, *, commit: bool) -> None:
        if commit:
            self._sent.append(time.monotonic())
        await send_audio(self._socket, piece, commit=commit)

    async def _read(self) -> None:
        while True:
            message = await receive(self._socket)
            now = time.monotonic()
            if message["message_type"] == "partial_transcript":
                self._lags.partials += 1
                missing = len(message["text"].split()) - len(self._shown)
                self._shown += [now] * missing
            elif message["message_type"] == "committed_transcript_with_timestamps":
                self._commit(message, now)

    def _commit(self, message: dict[str, Any], now: float) -> None:
        words = [word for word in message["words"] if word["type"] == "word"]
        self._shown += [now] * (len(words) - len(self._shown))
        pairs = zip(words, self._shown, strict=False)
        self._lags.words += [shown - self._began - word["end"] for word, shown in pairs]
        self._shown.clear()
        self._lags.commits.append(now - self._sent.pop(0))
        if not self._sent and now - self._began > len(self._pcm) / 2 / RATE:
            self._done.set()


def percentile(values: list[float], part: float) -> float:
    """Nearest-rank percentile."""
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


async def measure(speech: list[bytes], streams: int, seconds: int) -> None:
    """Runs so many streams for so long and prints the lags and the cost."""
    lags = Lags()
    async with running_engine(PRODUCT) as (url, pid):
        before, began = processor_seconds(pid), time.monotonic()

        async def one(number: int) -> None:
            looped = b"".join(speech[(number + turn) % len(speech)] for turn in range(4))
            async with connect(url + "&include_timestamps=true", compression=None) as socket:
                await Speaker(socket, looped[: seconds * RATE * 2], lags).run()

        await asyncio.gather(*(one(number) for number in range(streams)))
        cores = (processor_seconds(pid) - before) / (time.monotonic() - began)
        memory = resident_mb(pid)
    pairs = " / ".join(f"{percentile(lags.words, part):.2f}" for part in (0.5, 0.95))
    commits = " / ".join(f"{percentile(lags.commits, part):.2f}" for part in (0.5, 0.95))
    rate = lags.partials / streams / seconds
    print(
        f"{streams:2d} streams: {cores:.2f} cores, {rate:.1f} partials/s a stream, word lag p50/p95 {pairs} s, "
        f"commit lag p50/p95 {commits} s, {memory:.0f} MB",
        flush=True,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Lags of the embedded engine with live streams.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "../shared/speech/dev")
    parser.add_argument("--streams", nargs="*", type=int, default=[1, 4])
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    speech = [recording.pcm for recording in recordings(options.folder) if recording.name in FILES]
    for streams in options.streams:
        asyncio.run(measure(speech, streams, options.seconds))


if __name__ == "__main__":
    main()
