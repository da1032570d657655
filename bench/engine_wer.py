"""Word errors and processor time of the embedded engine over its own socket.

    python -m bench.engine_wer [FOLDER] [--modes end pauses vad] [--verbose]

FOLDER (default ../shared/speech/dev) holds recordings and a ``manifest.jsonl``. Modes: one commit at the end of each
file, commits at pauses that the client finds, commits of the server's own VAD. Audio is sent as fast as it is accepted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jiwer
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedOK
from whisper_normalizer.english import EnglishTextNormalizer

from bench.engine_common import ROOT, Recording, processor_seconds, receive, recordings, running_engine, send_audio
from transcripts.engine.profile import PRODUCT
from transcripts.realtime.pauses import PauseDetector

STEP = 8000
VAD = "&commit_strategy=vad&vad_silence_threshold_secs=0.6"


def commit_points(pcm: bytes) -> Iterator[bool]:
    """For each step of audio: whether a client that commits at pauses (0.5 s, after 1 s of voice) commits after it."""
    detector = PauseDetector(0)
    last = 0
    for at in range(0, len(pcm), STEP):
        end = (at + len(pcm[at : at + STEP])) // 2
        detector.feed(at // 2, pcm[at : at + STEP])
        pause = detector.pause_at(end) >= 8000 and detector.voice_in(last, end) >= 16_000
        last = end if pause else last
        yield pause


async def transcribe(url: str, recording: Recording, mode: str) -> str:
    """The committed text of one recording."""
    pcm = recording.pcm + (bytes(2 * 16_000) if mode == "vad" else b"")
    points = list(commit_points(pcm)) if mode == "pauses" else [False] * (len(pcm) // STEP + 1)
    texts: list[str] = []
    async with connect(url + (VAD if mode == "vad" else ""), compression=None) as socket:
        await receive(socket)
        reader = asyncio.create_task(_collect(socket, texts))
        since = 0
        for index, at in enumerate(range(0, len(pcm), STEP)):
            await send_audio(socket, pcm[at : at + STEP], commit=points[index])
            since = 0 if points[index] else since + len(pcm[at : at + STEP])
        await send_audio(socket, bytes(max(0, 9600 - since)), commit=True)
        await reader
    return " ".join(texts)


async def _collect(socket: ClientConnection, texts: list[str]) -> None:
    """Reads until the server closes: it does so 2 s after the last audio, but never before the last answer."""
    with contextlib.suppress(ConnectionClosedOK):
        while True:
            message = await receive(socket)
            if message["message_type"] == "committed_transcript":
                texts.append(message["text"])
            elif "error" in message:
                raise RuntimeError(message)


async def measure(files: list[Recording], mode: str, *, verbose: bool) -> None:
    """Transcribes all files, four at a time, and prints the error rate and the cost."""
    normalise = EnglishTextNormalizer()
    async with running_engine(replace(PRODUCT, idle=2.0)) as (url, pid):
        before = processor_seconds(pid)
        gate = asyncio.Semaphore(4)

        async def one(recording: Recording) -> str:
            async with gate:
                return await transcribe(url, recording, mode)

        texts = await asyncio.gather(*map(one, files))
        spent = processor_seconds(pid) - before
    references, hypotheses = [normalise(file.text) for file in files], [normalise(text) for text in texts]
    seconds = sum(file.seconds for file in files)
    if verbose:
        for file, reference, hypothesis in zip(files, references, hypotheses, strict=True):
            rate = jiwer.wer(reference, hypothesis)
            if rate > 0.1:
                print(f"  {file.name} {100 * rate:.0f} %\n    {reference}\n    {hypothesis}")
    errors = 100 * jiwer.wer(references, hypotheses)
    size = f"{len(files)} files, {seconds / 60:.1f} min"
    print(f"{mode:7s} {size}: {errors:.2f} % word errors, {spent / seconds:.3f} CPU s per audio s", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Word errors of the embedded engine over its socket.")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "../shared/speech/dev")
    parser.add_argument("--modes", nargs="*", default=["end", "pauses", "vad"])
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    files = list(recordings(options.folder))
    for mode in options.modes:
        asyncio.run(measure(files, mode, verbose=options.verbose))


if __name__ == "__main__":
    main()
