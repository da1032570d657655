"""The real recogniser over its own socket: words, times, partials, formats, and what happens when its process dies."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import pytest
from elevenlabs import AudioFormat, CommitStrategy
from elevenlabs.client import ElevenLabs
from whisper_normalizer.english import EnglishTextNormalizer

from tests.engine.conftest import Engine
from tests.engine.speech import CACHE, needs_speech, recordings, sample
from tests.engine.test_sdk import Heard
from transcripts.engine import moonshine
from transcripts.engine.errors import ConversionFailed, ModelMissing, RecognizerFailed
from transcripts.engine.moonshine import MoonshineRecognizer
from transcripts.engine.profile import PRODUCT
from transcripts.engine.server import EngineServer
from transcripts.engine.weights import DECODER, ENCODER, TOKENIZER, prepare, prepared, vad_model, weight_limit

pytestmark = pytest.mark.slow

STEP = 16_000

#: What the recording in the model's package says; the comma is the model's.
SAID = "Ever tried. Ever failed. No matter. Try again. Fail again. Fail better,"


class RealEngine(Engine):
    """An engine with the model; ``recognizer`` is reachable for the tests that hurt it."""

    def __init__(self, url: str, recognizer: MoonshineRecognizer) -> None:
        super().__init__(url)
        self.recognizer = recognizer


@pytest.fixture
async def engine() -> AsyncIterator[RealEngine]:
    recognizer = MoonshineRecognizer(await asyncio.to_thread(prepare, CACHE), vad_model())
    server = EngineServer(recognizer, PRODUCT)
    port = await server.start()
    try:
        yield RealEngine(f"ws://127.0.0.1:{port}", recognizer)
    finally:
        await server.close()


@pytest.mark.speech
@needs_speech
async def test_a_recording_is_understood_with_words_that_lie_where_they_are_spoken(engine: RealEngine):
    (speech,) = recordings("jfk.flac")
    async with engine.session("include_timestamps=true") as client:
        for at in range(0, len(speech["pcm"]), STEP):
            await client.send(speech["pcm"][at : at + STEP])
        await client.send(commit=True)
        twin = await client.until("committed_transcript_with_timestamps")
    normalise = EnglishTextNormalizer()
    assert jiwer.wer(normalise(speech["text"]), normalise(twin["text"])) < 0.1
    words = [word for word in twin["words"] if word["type"] == "word"]
    times = [time for word in words for time in (word["start"], word["end"])]
    assert times == sorted(times)
    assert times[-1] <= speech["seconds"]
    starts = {word["text"].strip(".,").lower(): word["start"] for word in reversed(words)}
    # Read off the waveform: the pauses of this recording leave no doubt where these words begin.
    for word, start in (("americans", 1.6), ("ask", 3.3), ("what", 5.4), ("country", 5.8)):
        assert starts[word] == pytest.approx(start, abs=0.3)
    assert "".join(word["text"] for word in twin["words"]) == twin["text"]
    assert all(word["logprob"] <= 0 for word in words)


async def test_speech_at_its_own_pace_shows_partials_before_the_answer(engine: RealEngine):
    speech = sample()[: 2 * 16_000 * 6]
    async with engine.session() as client:
        for at in range(0, len(speech), 3200):
            await client.send(speech[at : at + 3200])
            await asyncio.sleep(0.1)
        await client.send(commit=True)
        final = await client.final()
    partials = [message["text"] for message in client.seen if message["message_type"] == "partial_transcript"]
    assert len(partials) >= 3
    assert final == SAID.partition(" Fail")[0]
    assert partials[-1].startswith("Ever tried. Ever failed.")


async def test_two_streams_at_once_each_get_their_own_words(engine: RealEngine):
    speech = sample()
    first, second = speech[: 2 * 16_000 * 4], speech[2 * 16_000 * 5 :]

    async def one(pcm: bytes) -> str:
        async with engine.session() as client:
            await client.send(pcm, commit=True)
            return await client.final()

    texts = [*await asyncio.gather(one(first), one(second))]
    assert texts == [await one(first), await one(second)]
    assert texts[0] != texts[1]


@pytest.mark.parametrize("sound", ["silence", "noise", "tone"])
async def test_what_is_no_speech_gives_no_words(engine: RealEngine, sound: str):
    count = 16_000 * 8
    wave = {
        "silence": np.zeros(count),
        "noise": np.random.default_rng(1).normal(0, 600, count),
        "tone": 8000 * np.sin(2 * np.pi * 440 * np.arange(count) / 16_000),
    }[sound]
    async with engine.session() as client:
        await client.send(wave.astype("<i2").tobytes(), commit=True)
        assert await client.final() == ""


async def test_eight_kilohertz_ulaw_is_understood(engine: RealEngine):
    from transcripts.engine.audio import ulaw_table

    table = ulaw_table().astype(int)
    order = np.argsort(table)
    half = np.frombuffer(sample(), "<i2")[: 16_000 * 5 : 2].astype(int)
    coded = order[np.clip(np.searchsorted(table[order], half), 0, 255)].astype(np.uint8).tobytes()
    async with engine.session("audio_format=ulaw_8000") as client:
        await client.send(coded, commit=True)
        assert len((await client.final()).split()) > 5


async def test_another_language_is_refused_with_a_sentence(engine: RealEngine):
    async with engine.client("language_code=de") as client:
        assert await client.closed() == (1008, "invalid_request")
    assert client.seen[0]["error"] == ("The embedded engine understands only: en. 'de' needs the hosted service.")
    async with engine.client("language_code=eng") as client:
        assert (await client.next())["message_type"] == "session_started"


async def test_the_official_sdk_gets_the_text_of_real_speech(engine: RealEngine):
    sdk = ElevenLabs(api_key="any", base_url=engine.url.replace("ws://", "http://"))
    connection = await sdk.speech_to_text.realtime.connect(
        {
            "model_id": "scribe_v2_realtime",
            "audio_format": AudioFormat.PCM_16000,
            "sample_rate": 16000,
            "commit_strategy": CommitStrategy.MANUAL,
        }
    )
    heard, speech = Heard(connection), sample()
    for at in range(0, len(speech), STEP):
        await connection.send({"audio_base_64": base64.b64encode(speech[at : at + STEP]).decode()})
    await connection.commit()
    final = await heard.until("committed_transcript")
    await connection.close()
    assert final["text"] == SAID


async def test_a_recogniser_that_dies_ends_its_sessions_with_an_error_and_comes_back(engine: RealEngine):
    async with engine.session() as client:
        await client.send(sample()[: 2 * 16_000])
        assert engine.recognizer.pid is not None
        os.kill(engine.recognizer.pid, signal.SIGKILL)
        assert await client.closed() == (1000, "transcriber_error")
    async with engine.session() as client:
        await client.send(sample(), commit=True)
        assert await client.final() == SAID


async def test_a_recogniser_that_cannot_be_started_again_at_once_is_tried_again(
    engine: RealEngine, monkeypatch: pytest.MonkeyPatch
):
    popen, refusals = moonshine._popen, [BlockingIOError("no more processes"), BlockingIOError("no more processes")]

    def refused_twice(*arguments: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return popen(*arguments)

    monkeypatch.setattr(moonshine, "_popen", refused_twice)
    monkeypatch.setattr(moonshine, "RESTART_DELAY", 0.05)
    async with engine.session():
        assert engine.recognizer.pid is not None
        os.kill(engine.recognizer.pid, signal.SIGKILL)
    async with asyncio.timeout(60):
        while refusals:
            await asyncio.sleep(0.05)
        await engine.recognizer.ready()
    assert engine.recognizer.pid is not None


async def test_a_recogniser_that_cannot_load_says_what_to_do(tmp_path: Path):
    for name in (ENCODER, DECODER, TOKENIZER):
        (tmp_path / name).write_bytes(b"no model")
    recognizer = MoonshineRecognizer(tmp_path, vad_model())
    with pytest.raises(RecognizerFailed, match="prepare_engine"):
        await recognizer.start()
    assert recognizer.pid is None


def test_weights_that_are_no_weights_are_not_cached(tmp_path: Path):
    source, cache = tmp_path / "broken", tmp_path / "cache"
    source.mkdir()
    for name in (ENCODER, DECODER, TOKENIZER):
        (source / name).write_bytes(b"no model")
    with pytest.raises(ConversionFailed, match="could not be prepared"):
        prepare(cache, source)
    assert prepared(cache, source) is None
    assert [path.name for path in cache.iterdir()] == [".lock"]


def test_a_models_folder_without_models_is_named(tmp_path: Path):
    with pytest.raises(ModelMissing, match="STTWEB_ENGINE_MODEL"):
        prepare(tmp_path / "cache", tmp_path)


def test_a_prepared_folder_may_be_given_as_it_is():
    folder = prepare(CACHE)
    assert prepare(CACHE / "elsewhere", folder) == folder


def test_old_processors_get_smaller_weights():
    assert (weight_limit("flags : avx2 avx512_vnni"), weight_limit("flags : avx2")) == (127, 63)
