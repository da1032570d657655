"""What a session notices on the way: what its source does, and what the source announced and never gave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from uuid import uuid4

import pytest

from transcripts.jobs import sourcewatch
from transcripts.jobs.claims import Claim
from transcripts.jobs.hearing import ENDED_EARLY, Hearing
from transcripts.jobs.kept import kept_files
from transcripts.jobs.recording import Noted
from transcripts.jobs.sourcewatch import SourceWatch
from transcripts.media.open import Audio
from transcripts.media.pcm import SAMPLE_RATE, Chunk
from transcripts.media.status import NowPlaying, SourceState, SourceStatus
from transcripts.models import EventKind
from transcripts.realtime.results import Gap


class Told:
    """What would be in the log."""

    def __init__(self) -> None:
        self.claim = Claim(uuid4(), uuid4(), 1, "worker", time.monotonic())
        self.payloads: list[dict[str, object]] = []

    async def note(self, noted: Noted) -> None:
        assert noted.entry.kind == EventKind.SOURCE
        self.payloads.append(dict(noted.entry.payload))

    @property
    def codes(self) -> list[object]:
        return [payload["code"] for payload in self.payloads]


def status(state: SourceState, attempt: int = 0) -> SourceStatus:
    return SourceStatus(state, attempt, 12 if attempt else 0)


async def test_a_drop_and_a_return_are_told_once_however_many_tries_it_took() -> None:
    told = Told()
    watch = SourceWatch(told.claim, told.note, position=3 * SAMPLE_RATE)
    for attempt in (1, 2, 3):
        watch.hear(status(SourceState.RECONNECTING, attempt))
    watch.hear(status(SourceState.PLAYING))
    watch.hear(status(SourceState.QUIET))
    await watch.close()
    assert told.codes == ["source_dropped", "source_back"]
    assert [payload["at_ms"] for payload in told.payloads] == [3000, 3000]
    assert isinstance(told.payloads[1]["away_ms"], int)


async def test_a_station_that_changes_its_title_all_the_time_fills_no_log() -> None:
    told = Told()
    watch = SourceWatch(told.claim, told.note)
    watch.hear(NowPlaying("First"))
    async with asyncio.timeout(20):
        while not told.payloads:
            await asyncio.sleep(0.01)
    for number in range(500):
        watch.hear(NowPlaying(f"Title {number}"))
        await asyncio.sleep(0)
    await watch.close()
    assert [payload["title"] for payload in told.payloads] == ["First", "Title 499"]


async def test_the_title_in_between_comes_when_its_time_has_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sourcewatch, "TITLE_SECONDS", 0.2)
    told = Told()
    watch = SourceWatch(told.claim, told.note)
    for title in ("First", "Second"):
        watch.hear(NowPlaying(title))
        async with asyncio.timeout(20):
            while not told.payloads or told.payloads[-1]["title"] != title:
                await asyncio.sleep(0.01)
    watch.hear(NowPlaying("Second"))
    await watch.close()
    assert told.codes == ["now_playing", "now_playing"]


async def sound(seconds: int) -> AsyncGenerator[Chunk]:
    for second in range(seconds):
        yield Chunk(second * SAMPLE_RATE, bytes(2 * SAMPLE_RATE))


def audio(*, live: bool = False) -> Audio:
    opened = Audio(lambda: sound(3), live=live)
    opened.missing_at_end = 2 * SAMPLE_RATE
    return opened


async def test_what_was_announced_behind_the_last_sound_is_missing() -> None:
    told, opened = Told(), audio()
    hearing = Hearing(told.claim, told.note)
    heard = [chunk.end async for chunk in hearing.chunks(opened, 0, with_sound=True)]
    assert heard[-1] == 3 * SAMPLE_RATE
    assert hearing.missing_at_end(opened) == Gap(3 * SAMPLE_RATE, 5 * SAMPLE_RATE, ENDED_EARLY)
    await hearing.aclose()
    assert told.codes == []
    assert kept_files(told.claim.transcript_id).sound is not None


async def test_nothing_is_missing_where_a_person_ended_it() -> None:
    told, opened = Told(), audio()
    hearing = Hearing(told.claim, told.note)
    async with aclosing(hearing.chunks(opened, 0, with_sound=False)) as chunks:
        await anext(chunks)
    await hearing.aclose()
    assert hearing.missing_at_end(opened) is None


async def test_a_live_source_that_ends_by_itself_says_so() -> None:
    told, opened = Told(), audio(live=True)
    hearing = Hearing(told.claim, told.note)
    assert len([chunk async for chunk in hearing.chunks(opened, 0, with_sound=False)]) == 3
    await hearing.aclose()
    assert told.codes == ["source_ended"]
    assert told.payloads[0]["at_ms"] == 3000
