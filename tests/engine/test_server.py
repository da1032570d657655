"""The rules of the wire, checked frame by frame against the server with the reader behind it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.engine.conftest import Engine, StartEngine
from transcripts.engine.profile import FAITHFUL, PRODUCT
from transcripts.engine.session import Session
from transcripts.engine.tape import block_name, make_tape

SECOND = 32_000


def names(first: int, blocks: int) -> str:
    return " ".join(block_name(number) for number in range(first, first + blocks))


async def test_a_session_starts_with_the_live_set_of_config_keys(engine: Engine):
    query = "commit_strategy=vad&keyterms=R%26D%20Lab&keyterms=Kernwerk&language_code=en&enable_logging=false"
    async with engine.client(query) as client:
        started = await client.next()
    assert started["message_type"] == "session_started"
    assert len(started["session_id"]) == 32
    assert started["config"] == {
        "sample_rate": 16000,
        "audio_format": "pcm_16000",
        "language_code": "en",
        "secondary_languages": [],
        "timestamps_granularity": "word",
        "vad_commit_strategy": True,
        "vad_silence_threshold_secs": 1.5,
        "vad_threshold": 0.4,
        "min_speech_duration_ms": 100,
        "min_silence_duration_ms": 100,
        "max_tokens_to_recompute": 5,
        "model_id": "scribe_v2_realtime",
        "disable_logging": True,
        "include_timestamps": False,
        "include_language_detection": False,
        "filter_background_audio": False,
        "keyterms": ["R&D Lab", "Kernwerk"],
        "no_verbatim": False,
        "entity_detection": None,
    }


async def test_commits_are_answered_in_order_with_what_was_sent_between_them(engine: Engine):
    async with engine.session() as client:
        await client.send(make_tape(0, 10), commit=True)
        await client.send(make_tape(10, 5))
        await client.send(commit=True)
        assert [await client.final(), await client.final()] == [names(0, 10), names(10, 5)]


async def test_the_timed_twin_follows_and_its_words_join_to_the_text(engine: Engine):
    async with engine.session("include_timestamps=true") as client:
        await client.send(bytes(SECOND) + make_tape(0, 5), commit=True)
        plain = await client.until("committed_transcript")
        twin = await client.next()
    assert twin["message_type"] == "committed_transcript_with_timestamps"
    assert twin["text"] == plain["text"] == "".join(word["text"] for word in twin["words"])
    assert twin["language_code"] is None
    assert [word["type"] for word in twin["words"]][:3] == ["word", "spacing", "word"]
    first = twin["words"][0]
    assert (first["start"], first["end"], first["speaker_id"], first["channel_index"]) == (1.0, 1.1, None, None)
    assert first["logprob"] < 0
    assert "".join(character["text"] for character in first["characters"]) == first["text"]
    assert (first["characters"][0]["start"], first["characters"][-1]["end"]) == (1.0, 1.1)


async def test_word_times_run_on_over_commits(engine: Engine):
    async with engine.session("include_timestamps=true") as client:
        await client.send(make_tape(0, 10), commit=True)
        await client.send(make_tape(10, 10), commit=True)
        await client.until("committed_transcript_with_timestamps")
        twin = await client.until("committed_transcript_with_timestamps")
    assert twin["words"][0]["start"] == 1.0


async def test_language_detection_alone_gives_a_twin_without_words(engine: Engine):
    async with engine.session("include_language_detection=true") as client:
        await client.send(make_tape(0, 5), commit=True)
        twin = await client.until("committed_transcript_with_timestamps")
    assert (twin["words"], twin["language_code"], twin["text"]) == (None, "en", names(0, 5))


async def test_silence_is_answered_with_an_empty_text(engine: Engine):
    async with engine.session("include_timestamps=true") as client:
        await client.send(bytes(SECOND), commit=True)
        assert await client.final() == ""
        assert (await client.next())["words"] == []


async def test_asked_for_extras_follow_each_answer(engine: Engine):
    query = "entity_detection=pii&entity_redaction=all"
    async with engine.session(query) as client:
        await client.send(make_tape(0, 5), commit=True)
        await client.final()
        entities, redacted = await client.next(), await client.next()
    text = names(0, 5)
    assert entities == {"message_type": "committed_transcript_entities", "text": text, "entities": []}
    assert redacted == {"message_type": "redacted_transcript", "text": text, "redacted_text": text}


async def test_a_transcript_edit_is_answered_unchanged(engine: Engine):
    async with engine.session("transcript_edit=Fix%20spelling") as client:
        await client.send(make_tape(0, 5), commit=True)
        edited = await client.until("edited_transcript")
    assert edited["text"] == edited["edited_text"] == names(0, 5)


async def test_partials_come_after_the_first_stretch_and_then_at_intervals(start_engine: StartEngine):
    async with start_engine(replace(FAITHFUL, answer_delay=(0, 0))) as engine, engine.session() as client:
        heard = []
        for block in range(45):
            await client.send(make_tape(block, 1))
            await asyncio.sleep(0.005)
        await client.send(commit=True)
        await client.final()
        heard = [message["text"] for message in client.seen if message["message_type"] == "partial_transcript"]
    assert [len(text.split()) for text in heard] == [19, 20, 20]
    assert heard[0] == names(0, 19)


async def test_a_non_empty_answer_is_echoed_as_a_partial_and_an_empty_one_is_not(start_engine: StartEngine):
    async with start_engine(replace(FAITHFUL, answer_delay=(0, 0))) as engine, engine.session() as client:
        await client.send(bytes(SECOND), commit=True)
        await client.send(make_tape(0, 5), commit=True)
        await client.until("partial_transcript")
    assert client.kinds == ["committed_transcript", "committed_transcript", "partial_transcript"]
    assert client.seen[-1]["text"] == client.seen[-2]["text"] == names(0, 5)


async def test_a_commit_under_the_floor_closes_the_session_and_drops_pending_answers(start_engine: StartEngine):
    async with start_engine(FAITHFUL) as engine, engine.session() as client:
        await client.send(make_tape(0, 10), commit=True)
        await client.send(make_tape(10, 2), commit=True)
        assert await client.closed() == (1000, "commit_throttled")
    assert client.kinds == ["commit_throttled"]
    assert client.seen[0]["error"] == (
        "Commit request ignored: only 0.20s of uncommitted audio. "
        "You need at least 0.3s of uncommitted audio before committing."
    )


async def test_three_tenths_of_a_second_are_enough_for_a_commit(engine: Engine):
    async with engine.session() as client:
        await client.send(make_tape(0, 3), commit=True)
        assert await client.final() == names(0, 3)


async def test_a_profile_may_only_skip_short_commits(start_engine: StartEngine):
    async with start_engine(replace(PRODUCT, throttle_closes=False)) as engine, engine.session() as client:
        await client.send(make_tape(0, 2), commit=True)
        await client.until("commit_throttled")
        await client.send(make_tape(2, 3), commit=True)
        assert await client.final() == names(0, 5)


async def test_the_server_commits_by_itself_in_audio_time(engine: Engine):
    async with engine.session("include_timestamps=true") as client:
        for block in range(0, 400, 50):
            await client.send(make_tape(block, 50))
        assert len((await client.final()).split()) == 357
        await client.send(commit=True)
        assert await client.final() == names(357, 43)


async def test_a_commit_right_after_the_servers_own_hits_the_floor(engine: Engine):
    async with engine.session() as client:
        for block in range(0, 350, 50):
            await client.send(make_tape(block, 50))
        await client.send(make_tape(350, 8), commit=True)
        assert (await client.until("commit_throttled"))["error"].startswith("Commit request ignored: only 0.05s")


async def test_the_vad_strategy_commits_at_silence(engine: Engine):
    async with engine.session("commit_strategy=vad&vad_silence_threshold_secs=0.5") as client:
        await client.send(make_tape(0, 10) + bytes(SECOND) + make_tape(10, 10) + bytes(SECOND))
        assert [await client.final(), await client.final()] == [names(0, 10), names(10, 10)]


async def test_an_idle_session_ends_without_a_word_whatever_empty_chunks_come(start_engine: StartEngine):
    async with start_engine(replace(PRODUCT, idle=0.5)) as engine, engine.session() as client:
        await client.send(make_tape(0, 1))
        for _ in range(4):
            await client.send()
            await asyncio.sleep(0.05)
        assert await client.closed() == (1000, "")
    assert client.kinds == []


async def test_zeros_keep_a_session_alive(start_engine: StartEngine):
    async with start_engine(replace(PRODUCT, idle=0.6)) as engine, engine.session() as client:
        for _ in range(8):
            await client.send(bytes(640))
            await asyncio.sleep(0.15)
        await client.send(make_tape(0, 5), commit=True)
        assert await client.final() == names(0, 5)


async def test_a_profile_may_announce_the_idle_end(start_engine: StartEngine):
    async with start_engine(replace(PRODUCT, idle=0.2, idle_error=True)) as engine, engine.session() as client:
        await client.closed()
    assert client.kinds == ["insufficient_audio_activity"]


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        ('{"message_type":"commit"}', "Unexpected message type: commit"),
        ('{"message_type":"init"}', "Unexpected message type: init"),
        ('{"audio":"AAAA","sample_rate":16000}', "Message must be a valid protocol message"),
        ('{"message_type":"\\ud800"}', "Unexpected message type: ?"),
        ("no json", "Message must be a valid protocol message"),
        ("[]", "Message must be a valid protocol message"),
        ('{"message_type":"input_audio_chunk"}', "Message must be a valid protocol message"),
        ('{"message_type":"input_audio_chunk","audio_base_64":"!"}', "Message must be a valid protocol message"),
        (
            '{"message_type":"input_audio_chunk","audio_base_64":"","commit":"yes"}',
            "Message must be a valid protocol message",
        ),
        (b"\x00\x01", "Message must be a valid protocol message"),
    ],
)
async def test_bad_input_is_named_and_the_session_goes_on(engine: Engine, frame: str | bytes, text: str):
    async with engine.session() as client:
        await client.raw(frame)
        assert await client.next() == {"message_type": "input_error", "error": text}
        await client.send(make_tape(0, 5), commit=True)
        assert await client.final() == names(0, 5)


@pytest.mark.parametrize("method", ["_take", "_watch_idle"])
async def test_an_error_of_ours_ends_the_session_and_is_logged(
    engine: Engine, method: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def wrong(*_: object) -> None:
        raise ZeroDivisionError(method)

    async def later(*_: object) -> None:
        await asyncio.sleep(0.05)
        wrong()

    monkeypatch.setattr(Session, method, wrong if method == "_take" else later)
    async with engine.session() as client:
        await client.send(make_tape(0, 5))
        async with asyncio.timeout(10):
            assert await client.closed() == (1011, "")
            while "connection handler failed" not in caplog.text:
                await asyncio.sleep(0.01)


async def test_commit_and_sample_rate_may_be_missing_and_null_context_is_fine_anywhere(engine: Engine):
    async with engine.session() as client:
        await client.send(make_tape(0, 2), previous_text="before")
        await client.send(make_tape(2, 2), previous_text=None)
        await client.raw(json.dumps({"message_type": "input_audio_chunk", "audio_base_64": ""}))
        await client.send(commit=True)
        assert await client.final() == names(0, 4)


async def test_late_context_is_refused_and_that_chunks_audio_is_lost(engine: Engine):
    async with engine.session() as client:
        await client.send(make_tape(0, 5))
        await client.send(make_tape(5, 5), previous_text="too late")
        assert (await client.next())["error"] == "previous_text can only be set on the first audio chunk"
        await client.send(make_tape(10, 5), commit=True)
        assert await client.final() == f"{names(0, 5)} {names(10, 5)}"


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("language_code=en-US", "Invalid language code received: 'en-US'."),
        ("secondary_languages=fr-CA", "Invalid language code received: 'fr-CA'."),
        (
            "filter_background_audio=true&include_timestamps=true",
            (
                "filter_background_audio cannot be combined with include_timestamps. "
                "This will be supported in a future update."
            ),
        ),
        (
            "keyterms=Rhabarbermarmeladenglas",
            "Each keyterm must be at most 20 characters. 'Rhabarbermarmeladenglas' is 23 characters.",
        ),
    ],
)
async def test_bad_parameters_are_refused_after_the_upgrade_with_the_live_text(engine: Engine, query: str, text: str):
    async with engine.client(query) as client:
        assert await client.closed() == (1008, "invalid_request")
    assert client.seen == [{"message_type": "invalid_request", "error": text}]


@pytest.mark.parametrize(
    "query",
    [
        "audio_format=opus",
        "commit_strategy=never",
        "vad_threshold=0.95",
        "vad_silence_threshold_secs=0.2",
        "min_speech_duration_ms=49",
        "min_silence_duration_ms=100.5",
        "vad_threshold=loud",
        "include_timestamps=True",
        "model_id=whisper",
        "transcript_edit=x&entity_detection=all",
        "entity_redaction_mode=blur",
        "&".join(f"keyterms=t{number}" for number in range(51)),
    ],
)
async def test_parameters_out_of_range_are_refused(engine: Engine, query: str):
    async with engine.client(query) as client:
        assert await client.closed() == (1008, "invalid_request")
    assert client.kinds == ["invalid_request"]


async def test_bounds_are_inclusive_and_unknown_keys_are_ignored(engine: Engine):
    query = "vad_threshold=0.9&vad_silence_threshold_secs=0.3&min_speech_duration_ms=2000&diarize=true&x=y"
    async with engine.client(query) as client:
        assert (await client.next())["message_type"] == "session_started"


async def test_the_key_is_checked_after_the_upgrade(start_engine: StartEngine):
    async with start_engine(api_key="secret") as engine:
        async with engine.client(headers={"xi-api-key": "wrong"}) as client:
            assert await client.closed() == (1000, "")
            assert client.seen[0]["error"] == "You must be authenticated to use this endpoint."
        async with engine.client("token=unknown", headers={"xi-api-key": "secret"}) as client:
            assert await client.closed() == (1000, "")
        async with engine.client(headers={"xi-api-key": "secret"}) as client:
            assert (await client.next())["message_type"] == "session_started"


async def test_other_paths_are_not_upgraded(engine: Engine):
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"{engine.url}/v1/text-to-speech"):
            pass
    assert refused.value.response.status_code == 404


async def test_one_session_too_many_is_told_to_wait(start_engine: StartEngine):
    async with start_engine(replace(PRODUCT, sessions=1)) as engine, engine.session():
        async with engine.client() as second:
            await second.closed()
        assert second.kinds == ["rate_limited"]


async def test_sessions_do_not_hear_each_other(engine: Engine):
    async def one(first: int) -> str:
        async with engine.session() as client:
            for block in range(first, first + 20):
                await client.send(make_tape(block, 1))
            await client.send(commit=True)
            return await client.final()

    texts = await asyncio.gather(*(one(number * 1000) for number in range(8)))
    assert texts == [names(number * 1000, 20) for number in range(8)]


async def test_a_session_ends_at_the_limit_of_its_profile(start_engine: StartEngine):
    async with start_engine(replace(PRODUCT, session_limit=1.0)) as engine, engine.session() as client:
        await client.send(make_tape(0, 11))
        assert await client.closed() == (1000, "session_time_limit_exceeded")


async def test_a_chunk_beyond_the_limit_is_refused(start_engine: StartEngine):
    async with start_engine(replace(PRODUCT, longest_chunk=1.0)) as engine, engine.session() as client:
        await client.send(make_tape(0, 11))
        assert (await client.closed())[1] == "chunk_size_exceeded"


async def test_the_faithful_profile_says_that_it_was_not_told_to_forget(start_engine: StartEngine):
    async with start_engine(FAITHFUL) as engine, engine.client("enable_logging=false") as client:
        await client.until("warning")
    assert client.kinds == ["session_started", "warning"]


async def test_stopping_the_engine_ends_open_sessions_soon(start_engine: StartEngine):
    engine_context = start_engine()
    engine = await engine_context.__aenter__()
    async with engine.session() as client:
        await engine_context.__aexit__(None, None, None)
        assert await client.closed() == (1001, "")
