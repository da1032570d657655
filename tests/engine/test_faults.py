from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.engine.conftest import StartEngine
from transcripts.engine.errors import FaultPlanInvalid
from transcripts.engine.faults import FaultPlan
from transcripts.engine.profile import PRODUCT
from transcripts.engine.tape import block_name, make_tape


def names(first: int, blocks: int) -> str:
    return " ".join(block_name(number) for number in range(first, first + blocks))


def plan(*rules: dict[str, Any], seed: int = 0) -> FaultPlan:
    return FaultPlan.from_json(json.dumps({"seed": seed, "rules": rules}))


def moments(faults: FaultPlan, connections: int) -> list[float | None]:
    return [faults.connection().next_audio() for _ in range(connections)]


def test_the_same_seed_strikes_at_the_same_moments_and_another_elsewhere():
    rule = {"fault": "drop", "at": [1, 30]}
    first, again = moments(plan(rule, seed=7), 5), moments(plan(rule, seed=7), 5)
    assert first == again
    assert len(set(first)) == 5
    assert moments(plan(rule, seed=8), 5) != first


def test_a_probability_strikes_some_connections_only():
    hits = moments(plan({"fault": "drop", "at": 1, "probability": 0.5}, seed=3), 40)
    assert 5 < sum(hit is not None for hit in hits) < 35


def test_a_rule_may_name_connections_and_be_used_up():
    faults = plan({"fault": "drop", "at": 1, "connections": [2]}, {"fault": "quota", "at": 2, "times": 1})
    first, second = faults.connection(), faults.connection()
    assert [rule.fault for rule in first.at_audio(5)] == ["quota"]
    assert [rule.fault for rule in second.at_audio(5)] == ["drop"]
    assert faults.struck == {"drop": 1, "quota": 1}


def test_a_range_of_commits_means_one_of_them():
    connection = plan({"fault": "swallow", "commit": [2, 6]}, seed=1).connection()
    assert sum(bool(connection.at_commit(number)) for number in range(1, 10)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"rules": [{"fault": "earthquake"}]}',
        '{"rules": [{"fault": "drop", "when": 3}]}',
        '{"rules": [{"fault": "drop", "at": "soon"}]}',
        '{"rules": [{"fault": "drop", "at": [5, 1]}]}',
        '{"rules": [], "seed": "x"}',
        "no-such-file.json",
    ],
)
def test_a_plan_that_means_nothing_is_refused_with_a_sentence(text: str):
    with pytest.raises(FaultPlanInvalid, match=r"fault plan|range|seed"):
        FaultPlan.load(text)


def test_a_plan_loads_from_a_file(tmp_path):
    path = tmp_path / "plan.json"
    path.write_text('{"rules": [{"fault": "stall", "seconds": 2}]}')
    assert FaultPlan.load(str(path)).rules[0].seconds == 2


@pytest.mark.parametrize(
    ("rule", "kinds", "close"),
    [
        ({"fault": "error", "type": "transcriber_error"}, ["transcriber_error"], (1000, "transcriber_error")),
        (
            {"fault": "error", "type": "rate_limited", "code": 1013, "reason": "busy"},
            ["rate_limited"],
            (1013, "busy"),
        ),
        ({"fault": "session_limit"}, ["session_time_limit_exceeded"], (1000, "session_time_limit_exceeded")),
        ({"fault": "quota"}, ["quota_exceeded"], (1000, "quota_exceeded")),
        ({"fault": "insufficient_audio"}, ["insufficient_audio_activity"], (1000, "insufficient_audio_activity")),
        ({"fault": "close", "code": 1011, "reason": "oops"}, [], (1011, "oops")),
        ({"fault": "drop"}, [], (1006, "")),
        ({"fault": "hang_up"}, [], (1006, "")),
    ],
)
async def test_a_session_ends_as_the_plan_says(
    start_engine: StartEngine, rule: dict[str, Any], kinds: list[str], close: tuple[int, str]
):
    async with start_engine(rules=[{"at": 1, **rule}]) as engine, engine.session() as client:
        await client.send(make_tape(0, 12))
        assert await client.closed() == close
    assert [kind for kind in client.kinds if kind != "partial_transcript"] == kinds


async def test_an_error_need_not_end_the_session(start_engine: StartEngine):
    rule = {"fault": "error", "type": "error", "text": "Hiccup.", "closes": False, "at": 0}
    async with start_engine(rules=[rule]) as engine, engine.session() as client:
        await client.send(make_tape(0, 5), commit=True)
        assert await client.final() == names(0, 5)
    assert {"message_type": "error", "error": "Hiccup."} in client.seen


async def test_a_swallowed_answer_never_comes_and_the_next_one_does(start_engine: StartEngine):
    async with start_engine(rules=[{"fault": "swallow", "commit": 1}]) as engine, engine.session() as client:
        await client.send(make_tape(0, 5), commit=True)
        await client.send(make_tape(5, 5), commit=True)
        assert await client.final() == names(5, 5)


async def test_an_answer_may_come_three_times(start_engine: StartEngine):
    rule = {"fault": "duplicate", "commit": 1, "copies": 3}
    async with start_engine(rules=[rule]) as engine, engine.session("include_timestamps=true") as client:
        await client.send(make_tape(0, 5), commit=True)
        await client.send(make_tape(5, 5), commit=True)
        while await client.final() != names(5, 5):
            pass
    pair = ["committed_transcript", "committed_transcript_with_timestamps"]
    assert client.kinds == [*pair, *pair, *pair, "committed_transcript"]


async def test_the_twin_may_be_missing_or_come_first(start_engine: StartEngine):
    rules = [{"fault": "no_twin", "commit": 1}, {"fault": "flip", "commit": 2}]
    async with start_engine(rules=rules) as engine, engine.session("include_timestamps=true") as client:
        await client.send(make_tape(0, 5), commit=True)
        await client.send(make_tape(5, 5), commit=True)
        await client.final()
        await client.final()
    plain, twin = "committed_transcript", "committed_transcript_with_timestamps"
    assert client.kinds == [plain, twin, plain]


@pytest.mark.parametrize(
    "rule", [{"fault": "late", "commit": 1, "seconds": 0.4}, {"fault": "stall", "at": 0, "seconds": 0.4}]
)
async def test_answers_may_be_late_but_keep_their_order(start_engine: StartEngine, rule: dict[str, Any]):
    loop = asyncio.get_running_loop()
    async with start_engine(rules=[rule]) as engine, engine.client() as client:
        began = loop.time()
        await client.send(make_tape(0, 5), commit=True)
        await client.send(make_tape(5, 5), commit=True)
        assert [await client.final(), await client.final()] == [names(0, 5), names(5, 5)]
        assert loop.time() - began >= 0.35


async def test_a_server_that_stops_reading_goes_on_where_it_was(start_engine: StartEngine):
    rule = {"fault": "stop_reading", "at": 0.5, "seconds": 0.4}
    async with start_engine(rules=[rule]) as engine, engine.session() as client:
        for block in range(20):
            await client.send(make_tape(block, 1))
        await client.send(commit=True)
        assert await client.final() == names(0, 20)


async def test_a_server_that_stops_reading_does_not_answer_a_close_either(start_engine: StartEngine):
    rule = {"fault": "stop_reading", "at": 0, "seconds": 60}
    async with start_engine(rules=[rule]) as engine, engine.session() as client:
        await client.send(make_tape(0, 2))
        await asyncio.sleep(0.1)
        await client.socket.close()
        assert client.socket.close_code == 1006


async def test_a_final_may_come_that_nobody_asked_for(start_engine: StartEngine):
    rule = {"fault": "phantom", "at": 0.5, "text": "Boo."}
    async with start_engine(rules=[rule]) as engine, engine.session() as client:
        await client.send(make_tape(0, 6), commit=True)
        assert [await client.final(), await client.final()] == ["Boo.", names(0, 6)]


async def test_audio_far_above_the_allowed_pace_overflows_the_queue(start_engine: StartEngine):
    async with start_engine(rules=[{"fault": "overflow", "pace": 2}]) as engine, engine.session() as client:
        await client.send(make_tape(0, 100))
        assert await client.closed() == (1000, "queue_overflow")


async def test_the_handshake_can_be_late_refused_or_unauthorised(start_engine: StartEngine):
    rules = [
        {"fault": "delayed_start", "connections": [1], "seconds": 0.3},
        {"fault": "auth_error", "connections": [2]},
        {"fault": "refuse", "connections": [3], "status": 429},
    ]
    loop = asyncio.get_running_loop()
    async with start_engine(rules=rules) as engine:
        began = loop.time()
        async with engine.session():
            assert loop.time() - began >= 0.25
        async with engine.client() as client:
            assert await client.closed() == (1000, "")
        assert client.kinds == ["auth_error"]
        with pytest.raises(InvalidStatus) as refused:
            async with engine.client():
                pass
        assert refused.value.response.status_code == 429
        async with engine.session():
            pass


async def test_without_rules_nothing_strikes(start_engine: StartEngine):
    async with start_engine(PRODUCT) as engine, engine.session() as client:
        await client.send(make_tape(0, 30), commit=True)
        assert await client.final() == names(0, 30)
