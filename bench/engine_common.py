"""What the engine's benchmarks share: recordings, a bare client of the wire, processor time of the recogniser."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import imageio_ffmpeg
from websockets.asyncio.client import ClientConnection

from transcripts.engine.moonshine import MoonshineRecognizer
from transcripts.engine.profile import Profile
from transcripts.engine.server import PATH, EngineServer
from transcripts.engine.weights import prepare, vad_model

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("STTWEB_ENGINE_DIR", ROOT / "var" / "engine"))
RATE = 16_000


@dataclass(frozen=True)
class Recording:
    """A recording with its reference text; ``pcm`` is 16 kHz s16le mono."""

    name: str
    text: str
    pcm: bytes

    @property
    def seconds(self) -> float:
        """Length."""
        return len(self.pcm) / 2 / RATE


def recordings(folder: Path) -> Iterator[Recording]:
    """The English recordings of a folder with ``manifest.jsonl``."""
    for line in (folder / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        if entry["lang"] == "en":
            yield Recording(entry["file"], entry["text"], decode(folder / entry["file"]))


def decode(path: Path) -> bytes:
    """Any media file as 16 kHz s16le mono."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-ac", "1", "-ar", str(RATE)]
    return subprocess.run([*command, "-f", "s16le", "-"], check=True, capture_output=True).stdout


def processor_seconds(pid: int) -> float:
    """User and system time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@asynccontextmanager
async def running_engine(profile: Profile) -> AsyncIterator[tuple[str, int]]:
    """The engine with the real recogniser; gives the session URL and the recogniser's process id."""
    recognizer = MoonshineRecognizer(prepare(CACHE), vad_model())
    server = EngineServer(recognizer, profile)
    port = await server.start()
    assert recognizer.pid is not None
    try:
        yield f"ws://127.0.0.1:{port}{PATH}?model_id=scribe_v2_realtime", recognizer.pid
    finally:
        await server.close()


async def send_audio(socket: ClientConnection, pcm: bytes, *, commit: bool = False) -> None:
    """One chunk."""
    audio = base64.b64encode(pcm).decode()
    chunk = {"message_type": "input_audio_chunk", "audio_base_64": audio, "commit": commit, "sample_rate": RATE}
    await socket.send(json.dumps(chunk))


async def receive(socket: ClientConnection) -> dict[str, Any]:
    """The next message."""
    message: dict[str, Any] = json.loads(await socket.recv())
    return message
