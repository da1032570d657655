"""The shell on real sockets: connect, back-pressure, close, cancellation, and nothing left behind."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.server import ServerConnection, serve

from tests.realtime.simserver import Behaviour
from tests.realtime.simsockets import running
from tests.realtime.tape import BLOCK, Tape, said
from transcripts.media.pcm import Chunk
from transcripts.realtime.client import Endpoint, ErrorClass, ProviderError, RealtimeClient, Tuning
from transcripts.realtime.options import OptionsError, SessionOptions
from transcripts.realtime.results import Committed, Connected, Finished, Interrupted, Partial

QUICK = Behaviour(start_delay_s=0.005, latency_s=0.02, spacing_s=0.02)
FAST = Tuning(pace=None, linger_s=0.02, backoff_base_s=0.01)


async def source(tape: Tape, size: int = 8000, pause: float = 0.0, blocks: int | None = None) -> AsyncIterator[Chunk]:
    for chunk in tape.chunks(size):
        if blocks is not None and chunk.start >= blocks * BLOCK:
            return
        yield chunk
        if pause:
            await asyncio.sleep(pause)


def heard(events) -> list[int]:
    return [block for event in events if isinstance(event, Committed) for block in said(event.text)]


async def collect(client: RealtimeClient, audio) -> list:
    return [event async for event in client.transcribe(audio)]


def others() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("realtime-")}


async def test_audio_in_words_out_and_a_clean_close():
    tape = Tape(700)
    async with running(lambda number: QUICK) as server:
        client = RealtimeClient(Endpoint(server.url, "sk_1"), SessionOptions(language_code="en"), FAST)
        events = await collect(client, source(tape))
        assert isinstance(events[0], Connected)
        assert isinstance(events[-1], Finished)
        assert heard(events) == tape.spoken
        assert not others()
        await asyncio.sleep(0.05)
        assert server.closes == [(1000, "")]
        assert "language_code=en" in server.paths[0]
        assert server.headers[0]["xi-api-key"] == "sk_1"
        assert "sec-websocket-extensions" not in server.headers[0]


async def test_finished_comes_after_the_socket_is_closed():
    async with running(lambda number: QUICK) as server:
        client = RealtimeClient(Endpoint(server.url), SessionOptions(), FAST)
        async for event in client.transcribe(source(Tape(50))):
            if isinstance(event, Finished):
                await asyncio.sleep(0)
                assert not others()
        await asyncio.sleep(0.05)
        assert server.closes


async def test_a_failure_that_nobody_foresaw_ends_it_instead_of_waiting_for_ever():
    async def judge(host: str) -> list[str]:
        raise KeyError(host)

    client = RealtimeClient(Endpoint("ws://service.test", addresses=judge), SessionOptions(), FAST)
    async with asyncio.timeout(10):
        with pytest.raises(KeyError):
            await collect(client, source(Tape(20)))
    assert not others()


async def test_a_proxy_that_cannot_be_spoken_to_is_a_service_that_cannot_be_reached(monkeypatch):
    monkeypatch.setenv("ws_proxy", "socks5://127.0.0.1:9")
    impatient = Tuning(pace=None, backoff_base_s=0.01, backoff_cap_s=0.01, max_retry_s=0.0)
    client = RealtimeClient(Endpoint("ws://service.test"), SessionOptions(), impatient)
    async with asyncio.timeout(10):
        with pytest.raises(ProviderError) as raised:
            await collect(client, source(Tape(20)))
    assert (raised.value.code, raised.value.klass) == ("unreachable", ErrorClass.RETRY)
    assert "SOCKS" in raised.value.provider_text


async def test_who_leaves_while_behind_leaves_no_reader_of_a_closed_session_behind():
    told = asyncio.Event()

    async def complain(socket) -> None:
        await socket.send('{"message_type":"session_started","session_id":"a","config":{}}')
        await socket.recv()
        await socket.send('{"message_type":"session_time_limit_exceeded","error":"Over."}')
        told.set()
        await socket.wait_closed()

    async with serve(complain, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        slow = Tuning(pace=None, max_events=1, close_timeout_s=0.2)
        events = RealtimeClient(Endpoint(f"ws://127.0.0.1:{port}"), SessionOptions(), slow).transcribe(source(Tape(20)))
        assert isinstance(await anext(events), Connected)
        await told.wait()
        # The news of the interruption waits for us, and so does whoever read it from the session that is closed now.
        await asyncio.sleep(0.5)
        async with asyncio.timeout(10):
            await events.aclose()
    assert not others()


@pytest.mark.parametrize("code", [1006, 1011, 1000])
async def test_a_dropped_socket_costs_no_word(code):
    tape = Tape(700)
    dying = Behaviour(start_delay_s=0.005, latency_s=0.02, dies=(31.0, code, "", None))
    async with running(lambda number: dying if number == 1 else QUICK) as server:
        events = await collect(RealtimeClient(Endpoint(server.url), SessionOptions(), FAST), source(tape))
        assert heard(events) == tape.spoken
        assert sum(isinstance(event, Interrupted) for event in events) == 1


async def test_a_refused_connection_is_retried_until_somebody_listens():
    tape = Tape(50)
    async with running(lambda number: QUICK) as server:
        port = int(server.url.rsplit(":", 1)[1])
    client = RealtimeClient(Endpoint(f"ws://127.0.0.1:{port}"), SessionOptions(), FAST)
    events = []
    async for event in client.transcribe(source(tape)):
        events.append(event)
        if isinstance(event, Interrupted):
            assert event.code == "unreachable"
            break
    await asyncio.sleep(0)


async def unheard(socket: ServerConnection) -> None:
    """What a server that lets nobody in does with those who are in."""


async def test_a_handshake_that_is_refused_says_why():
    def refuse(connection, request):
        return connection.respond(401, "who are you?")

    async with serve(unheard, "127.0.0.1", 0, process_request=refuse) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        client = RealtimeClient(Endpoint(f"http://127.0.0.1:{port}"), SessionOptions(), FAST)
        with pytest.raises(ProviderError) as caught:
            await collect(client, source(Tape(50)))
    assert (caught.value.code, caught.value.klass) == ("auth_error", ErrorClass.FATAL_KEY)
    assert "who are you?" in caught.value.provider_text
    assert not others()


async def test_a_redirect_is_not_followed_with_the_key():
    def redirect(connection, request):
        response = connection.respond(302, "")
        response.headers["Location"] = "ws://127.0.0.1:1/elsewhere"
        return response

    async with serve(unheard, "127.0.0.1", 0, process_request=redirect) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        with pytest.raises(ProviderError) as caught:
            await collect(
                RealtimeClient(Endpoint(f"ws://127.0.0.1:{port}", "k"), SessionOptions(), FAST), source(Tape(5))
            )
    assert caught.value.code == "handshake_refused"


async def test_an_error_after_the_open_is_raised_with_the_providers_words():
    refusing = Behaviour(refuse={"message_type": "invalid_request", "error": "Invalid language code received: 'xx'."})
    async with running(lambda number: refusing) as server:
        with pytest.raises(ProviderError) as caught:
            await collect(RealtimeClient(Endpoint(server.url), SessionOptions(), FAST), source(Tape(50)))
    assert caught.value.klass is ErrorClass.FATAL_JOB
    assert caught.value.provider_text == "Invalid language code received: 'xx'."


async def test_options_that_the_service_would_refuse_are_refused_before_connecting():
    with pytest.raises(OptionsError) as caught:
        RealtimeClient(Endpoint(), SessionOptions(language_code="en-US"))
    assert caught.value.field == "language_code"


async def test_closing_the_generator_ends_every_task_and_socket():
    async with running(lambda number: QUICK) as server:
        client = RealtimeClient(Endpoint(server.url), SessionOptions(), Tuning(live=True, preset="live"))
        events = client.transcribe(source(Tape(700), 1600, pause=0.01))
        async for event in events:
            if isinstance(event, Partial):
                break
        await events.aclose()
        assert not others()
        await asyncio.sleep(0.05)
        assert server.closes


async def test_cancelling_the_consumer_ends_every_task_and_socket():
    async with running(lambda number: QUICK) as server:
        client = RealtimeClient(Endpoint(server.url), SessionOptions(), Tuning(live=True, preset="live"))
        consumer = asyncio.create_task(collect(client, source(Tape(700), 1600, pause=0.01)))
        while not server.sessions:
            await asyncio.sleep(0.01)
        consumer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await consumer
        gc.collect()
        await asyncio.sleep(0.05)
        assert not others()
        assert server.closes


async def test_a_stop_finishes_what_was_taken():
    tape = Tape(2000)
    async with running(lambda number: QUICK) as server:
        client = RealtimeClient(Endpoint(server.url), SessionOptions(), Tuning(live=True, preset="live", linger_s=0.02))
        events, closed = [], False

        async def endless():
            nonlocal closed
            try:
                async for chunk in source(tape, 1600, pause=0.005):
                    yield chunk
            finally:
                closed = True

        async for event in client.transcribe(endless()):
            events.append(event)
            if isinstance(event, Partial):
                client.request_stop()
        assert closed
        assert isinstance(events[-1], Finished)
        assert heard(events) == [block for block in tape.spoken if block < events[-1].end // BLOCK]
        assert heard(events)


async def test_a_stop_before_the_start_is_a_stop():
    client = RealtimeClient(Endpoint("ws://127.0.0.1:9"), SessionOptions(), FAST)
    client.request_stop()
    events = await asyncio.wait_for(collect(client, source(Tape(700))), 5)
    assert isinstance(events[-1], Finished)


async def test_commit_now_settles_the_text_at_once():
    async with running(lambda number: QUICK) as server:
        tuning = Tuning(live=True, preset="manual", linger_s=0.02)
        client = RealtimeClient(Endpoint(server.url), SessionOptions(), tuning)
        client.request_commit()
        seen = []
        async for event in client.transcribe(source(Tape(200, (200, 0)), 1600, pause=0.01)):
            seen.append(event)
            if isinstance(event, Partial) and not any(isinstance(one, Committed) for one in seen):
                client.request_commit()
        assert sum(isinstance(event, Committed) for event in seen) >= 2


async def test_a_failing_source_is_settled_first_and_then_raised():
    tape = Tape(700)

    async def failing():
        async for chunk in source(tape, blocks=100):
            yield chunk
        raise RuntimeError("the decoder died")

    async with running(lambda number: QUICK) as server:
        client = RealtimeClient(Endpoint(server.url), SessionOptions(), FAST)
        events = []

        async def gather():
            async for event in client.transcribe(failing()):
                events.append(event)

        with pytest.raises(RuntimeError, match="the decoder died"):
            await gather()
        assert heard(events) == [block for block in tape.spoken if block < 100]
        assert isinstance(events[-1], Finished)
        assert not others()


async def test_a_slow_consumer_makes_the_source_wait():
    tape, taken = Tape(4000), 0

    async def counted():
        nonlocal taken
        async for chunk in source(tape, 16_000):
            taken += chunk.samples
            yield chunk

    async with running(lambda number: QUICK) as server:
        tuning = Tuning(pace=None, preset="live", linger_s=0.02, max_events=4, replay_buffer_s=60)
        client = RealtimeClient(Endpoint(server.url), SessionOptions(), tuning)
        events = client.transcribe(counted())
        seen = [await anext(events)]
        await asyncio.sleep(1.0)
        assert taken < 130 * 16_000
        seen += [event async for event in events]
        assert heard(seen) == tape.spoken
        assert taken == tape.end


async def test_a_service_that_takes_nothing_is_left_and_the_audio_sent_elsewhere():
    stuck = asyncio.Event()

    async def deaf(socket):
        await socket.send('{"message_type":"session_started","session_id":"x","config":{}}')
        socket.transport.pause_reading()
        await stuck.wait()

    tape = Tape(3000)
    async with serve(deaf, "127.0.0.1", 0, compression=None, ping_interval=None, close_timeout=0.1) as listening:
        port = next(iter(listening.sockets)).getsockname()[1]
        tuning = Tuning(pace=None, send_stall_s=0.5, replay_buffer_s=6000, read_ahead_s=6000, max_outstanding=1000)
        client = RealtimeClient(Endpoint(f"ws://127.0.0.1:{port}"), SessionOptions(), tuning)
        events = client.transcribe(source(tape, 32_000))
        async for event in events:
            if isinstance(event, Interrupted):
                assert event.code == "send_stalled"
                break
        await events.aclose()
        stuck.set()
    assert not others()


async def test_an_oversized_message_ends_only_its_session():
    tape = Tape(300)
    huge = Behaviour(
        start_delay_s=0.005, latency_s=0.02, complaints={2: {"message_type": "x", "blob": "y" * (2 << 20)}}
    )
    async with running(lambda number: huge if number == 1 else QUICK) as server:
        events = await collect(RealtimeClient(Endpoint(server.url), SessionOptions(), FAST), source(tape))
        assert heard(events) == tape.spoken
        assert len(server.paths) == 2


async def test_several_clients_share_a_loop():
    tape = Tape(400)
    async with running(lambda number: QUICK) as server:
        clients = [RealtimeClient(Endpoint(server.url), SessionOptions(), FAST) for _ in range(8)]
        results = await asyncio.gather(*(collect(client, source(tape)) for client in clients))
    assert all(heard(events) == tape.spoken for events in results)
