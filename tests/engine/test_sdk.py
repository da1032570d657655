"""The official Python SDK, unmodified, against this server."""

from __future__ import annotations

import asyncio
import base64
import os
import wave
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import pytest
from elevenlabs import AudioFormat, CommitStrategy, RealtimeEvents
from elevenlabs.client import AsyncElevenLabs, ElevenLabs

from tests.engine.conftest import Engine
from transcripts.engine.tape import block_name, make_tape


def client(engine: Engine) -> ElevenLabs:
    return ElevenLabs(api_key="any", base_url=engine.url.replace("ws://", "http://"))


class Heard:
    """Collects the SDK's events."""

    def __init__(self, connection: Any) -> None:
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        for event in RealtimeEvents:
            connection.on(event, lambda *data, event=event: self.events.put_nowait((event.value, *data)))

    async def until(self, kind: str) -> Any:
        async with asyncio.timeout(20):
            while True:
                event, *data = await self.events.get()
                if event == kind:
                    return data[0]


async def test_the_sdk_transcribes_chunks_in_its_manual_mode(engine: Engine):
    connection = await client(engine).speech_to_text.realtime.connect(
        {
            "model_id": "scribe_v2_realtime",
            "audio_format": AudioFormat.PCM_16000,
            "sample_rate": 16000,
            "commit_strategy": CommitStrategy.MANUAL,
            "include_timestamps": True,
        }
    )
    heard = Heard(connection)
    tape = make_tape(0, 40)
    for at in range(0, len(tape), 8192):
        await connection.send({"audio_base_64": base64.b64encode(tape[at : at + 8192]).decode()})
    await connection.commit()
    timed = await heard.until("committed_transcript_with_timestamps")
    await connection.close()
    assert timed["text"] == " ".join(block_name(number) for number in range(40))
    assert [word["text"] for word in timed["words"] if word["type"] == "word"] == timed["text"].split()


async def test_the_sdk_streams_a_file_in_its_url_mode(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    # The SDK looks for a program named ffmpeg; the one that we carry has a longer name.
    (tmp_path / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with wave.open(str(tmp_path / "tape.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(make_tape(0, 30))
    connection = await client(engine).speech_to_text.realtime.connect(
        {"model_id": "scribe_v2_realtime", "url": str(tmp_path / "tape.wav")}
    )
    heard, decoder = Heard(connection), connection.ffmpeg_process
    while "b000020" not in (await heard.until("partial_transcript"))["text"]:
        pass
    # The SDK never commits at the end of a file, which is its own known loss; so the test waits for the end and does.
    await asyncio.to_thread(decoder.wait)
    await asyncio.sleep(0.5)
    await connection.commit()
    final = await heard.until("committed_transcript")
    await connection.close()
    decoder.stdout.close()
    assert final["text"] == " ".join(block_name(number) for number in range(30))


async def test_the_sdk_sees_the_errors_of_a_refused_session(engine: Engine):
    sdk = AsyncElevenLabs(api_key="any", base_url=engine.url.replace("ws://", "http://"))
    connection = await sdk.speech_to_text.realtime.connect(
        {
            "model_id": "scribe_v2_realtime",
            "audio_format": AudioFormat.PCM_16000,
            "sample_rate": 16000,
            "language_code": "en-US",
        }
    )
    heard = Heard(connection)
    assert (await heard.until("invalid_request"))["error"] == "Invalid language code received: 'en-US'."
    assert (await heard.until("close"))["code"] == 1008
    await connection.close()
