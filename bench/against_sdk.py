"""Processor time for an hour of audio: the whole product beside the official Python SDK, on one server in one run.

    python -m bench.against_sdk [--minutes 30] [--rate 150]

The server is `manage.py engine` with the tape reader, in a process of its own whose time counts for nobody. The
official SDK streams the recording from a file in its URL mode (it starts ffmpeg itself) and keeps nothing. Ours is
`manage.py up` without its engine: it decodes the same recording in its sandbox, streams it, stores every event and
segment and serves one watching socket. A third row is a bare loop of ffmpeg and websockets: what the transport alone
costs. Each runs twice in turn; the better of each counts. Prints ratios; asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import imageio_ffmpeg
from websockets.asyncio.client import connect

from bench.engine_common import ROOT
from bench.product import Product, start, upload
from transcripts.engine.tape import make_tape

SDK = """
import asyncio, sys
from elevenlabs import RealtimeEvents
from elevenlabs.client import ElevenLabs

async def main(url, recording):
    scribe = ElevenLabs(api_key="any", base_url=url).speech_to_text.realtime
    connection = await scribe.connect({"model_id": "scribe_v2_realtime", "url": recording, "include_timestamps": True})
    heard = []
    connection.on(RealtimeEvents.COMMITTED_TRANSCRIPT, heard.append)
    while connection.ffmpeg_process.poll() is None:
        await asyncio.sleep(0.5)
    count = -1
    while count != len(heard):  # until nothing more comes: the SDK itself says nothing at the end
        count = len(heard)
        await asyncio.sleep(2)
    await connection.close()
    print(sum(len(message["text"].split()) for message in heard))

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""

BARE = """
import asyncio, base64, subprocess, sys
from websockets.asyncio.client import connect

async def main(url, recording):
    command = ["ffmpeg", "-v", "error", "-i", recording, "-f", "s16le", "-ar", "16000", "-ac", "1", "-"]
    ffmpeg = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    query = "?model_id=scribe_v2_realtime&include_timestamps=true"
    target = url.replace("http", "ws") + "/v1/speech-to-text/realtime" + query
    words = 0
    async with connect(target, compression=None) as socket:
        async def read():
            nonlocal words
            async for message in socket:
                words += message.startswith('{"message_type":"committed_transcript"')
        reader = asyncio.create_task(read())
        sent = 0
        while chunk := await ffmpeg.stdout.read(32000):
            sent += len(chunk)
            commit = b"false" if sent % 640000 else b"true"
            start = b'{"message_type":"input_audio_chunk","audio_base_64":"'
            end = b'","commit":' + commit + b',"sample_rate":16000}'
            await socket.send(start + base64.b64encode(chunk) + end, text=True)
        await asyncio.sleep(2)
        reader.cancel()
    await ffmpeg.wait()

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


@contextmanager
def engine() -> Iterator[str]:
    """`manage.py engine` with the tape reader on a free port; gives its http URL."""
    command = [sys.executable, "manage.py", "engine", "--port", "0", "--recognizer", "reader"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if match := re.search(r"wss?://[\d.]+:\d+", line):
                yield match[0].replace("ws", "http", 1)
                return
        raise SystemExit("the engine did not start")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def spoken(minutes: float, rate: int) -> tuple[bytes, int]:
    """Position-coded audio with ``rate`` words a minute, silence between them, and how many words that makes."""
    tape, block = make_tape(0, round(minutes * 600)), 3200
    step = 600 // rate
    pieces = [tape[at : at + block] if at // block % step == 0 else bytes(block) for at in range(0, len(tape), block)]
    return b"".join(pieces), -(-len(pieces) // step)


def make_recording(folder: Path, pcm: bytes) -> Path:
    """The audio as FLAC."""
    path = folder / "tape.flac"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-"]
    subprocess.run([*command, str(path)], input=pcm, check=True)
    return path


def child_seconds(script: str, url: str, recording: Path) -> tuple[float, str]:
    """Processor seconds of a script and its children, and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
        environment = os.environ | {"PATH": f"{folder}:{os.environ['PATH']}"}
        before = os.times()
        done = subprocess.run(
            [sys.executable, "-c", script, url, str(recording)],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return used, done.stdout.strip()


async def watch(product: Product, transcript: str) -> int:
    """Watch until the transcript is done; return how many words came."""
    cookie = "; ".join(f"{name}={value}" for name, value in product.client.cookies.items())
    url = f"{product.base.replace('http', 'ws')}/ws/t/{transcript}/"
    words = 0
    async with connect(url, origin=product.base, additional_headers={"Cookie": cookie}) as socket:  # type: ignore[arg-type]
        await socket.send(json.dumps({"type": "hello", "after": 0}))
        async for text in socket:
            message = json.loads(text)
            if message["type"] == "commit":
                words += len(message["data"]["text"].split())
            if message["type"] == "state" and message["data"]["state"] not in {"queued", "running", "finishing"}:
                return words
    raise SystemExit("the socket closed before the transcript was done")


def ours(url: str, recording: Path) -> tuple[float, str]:
    """Processor seconds of the product from the accepted upload to the last word, and what the watcher got."""
    os.environ["STTWEB_ENGINE_URL"] = url.replace("http", "ws", 1)
    with tempfile.TemporaryDirectory() as folder:
        product = start(Path(folder))
        try:
            before = product.processor_seconds()
            (transcript,) = upload(product, [recording]).values()
            words = asyncio.run(watch(product, transcript))
            return product.processor_seconds() - before, str(words)
        finally:
            product.process.send_signal(signal.SIGTERM)
            product.process.wait(30)


def main() -> None:
    """Run in turn and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    options.add_argument("--minutes", type=float, default=30.0)
    options.add_argument("--rate", type=int, default=150, help="words a minute; people speak about 150")
    chosen = options.parse_args()
    minutes = chosen.minutes
    pcm, words = spoken(minutes, chosen.rate)
    best: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder, engine() as url:
        recording = make_recording(Path(folder), pcm)
        for _ in range(2):
            for name, run in (
                ("official SDK, storing nothing", partial(child_seconds, SDK, url, recording)),
                ("bare ffmpeg and websockets loop", partial(child_seconds, BARE, url, recording)),
                ("sttweb: decode, stream, store, one watcher", partial(ours, url, recording)),
            ):
                began = time.monotonic()
                used, said = run()
                per_hour = used * 60 / minutes
                best[name] = min(per_hour, best.get(name, per_hour))
                took = time.monotonic() - began
                print(f"{name}: {per_hour:.1f} CPU s per hour of audio, {took:.0f} s wall, words: {said or '-'}")
    reference = best["official SDK, storing nothing"]
    print(f"\nof {words} words on the tape; best of two, beside the SDK:")
    for name, per_hour in best.items():
        print(f"  {name}: {per_hour:.1f} CPU s per hour, {per_hour / reference:.2f} x")


if __name__ == "__main__":
    main()
