"""Listening on the session page: the waveform, sound that is still growing, and what the source says about itself."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from asgiref.sync import sync_to_async

from tests.conftest import async_db
from tests.views.browsing import product, speak  # noqa: F401 - a fixture
from transcripts.jobs.kept import take_over
from transcripts.live import events, publish
from transcripts.media.keep import Keeper
from transcripts.media.pcm import SAMPLE_RATE, Chunk
from transcripts.models import EventKind
from transcripts.models.log import Entry, append
from transcripts.views import recordings

SECONDS = 20


@pytest.fixture(autouse=True)
def _folder(settings, tmp_path):
    settings.STTWEB_MEDIA_DIR = tmp_path


async def keep(transcript, seconds: int = SECONDS, *, with_sound: bool = True) -> None:
    """Sound that swells and fades four times a minute, kept as a session keeps it."""
    files = await sync_to_async(take_over)(transcript.pk, 1)
    keeper = Keeper(files.sound if with_sound else None, files.peaks)  # type: ignore[arg-type]
    time = np.arange(seconds * SAMPLE_RATE) / SAMPLE_RATE
    sound = np.sin(2 * np.pi * 220 * time) * np.abs(np.sin(np.pi * time / 7.5)) * 20_000
    await keeper.feed(Chunk(0, sound.astype("<i2").tobytes()))
    assert (await keeper.close()).failure is None
    transcript.is_kept = True
    await transcript.asave(update_fields=["is_kept"])


@async_db
async def test_the_waveform_is_pooled_to_what_is_asked_for(client, alice, make_transcript):
    transcript = await sync_to_async(make_transcript)(state="completed")
    await sync_to_async(client.force_login)(alice)
    get = sync_to_async(client.get)
    path = f"/s/{transcript.pk}/waveform"
    assert (await get(path)).json() == {"ms": 0, "pairs": []}
    await keep(transcript, with_sound=False)
    found = (await get(path, {"points": "50"})).json()
    assert (found["ms"], len(found["pairs"])) == (SECONDS * 1000, 50)
    assert all(-128 <= low < 0 < high <= 127 for low, high in found["pairs"])
    for points in ("", "-1", "x", "999999", "٣"):
        assert len((await get(path, {"points": points})).json()["pairs"]) == SECONDS * 20


@async_db
async def test_what_was_heard_is_played_once_it_is_whole_and_the_original_until_then(make_transcript):
    stored = await sync_to_async(recordings.keep)([b"RIFF" * 100], 400)
    transcript = await sync_to_async(make_transcript)(source_kind="upload", media_key=stored.key, state="running")
    await keep(transcript, 1)
    assert (await sync_to_async(recordings.path_of)(transcript)).name == Path(stored.key).name
    transcript.state = "completed"
    assert (await sync_to_async(recordings.path_of)(transcript)).name == "1.mp3"


@async_db
async def test_a_part_that_grows_is_never_taken_from_a_cache(client, alice, make_transcript):
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await keep(transcript, 2)
    await sync_to_async(client.force_login)(alice)
    answer = await sync_to_async(client.head)(f"/s/{transcript.pk}/audio")
    assert (answer.status_code, answer["Content-Type"]) == (200, "audio/mpeg")
    assert answer["Cache-Control"] == "private, no-cache"


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@async_db
@pytest.mark.asyncio(loop_scope="session")
async def test_a_live_page_draws_plays_and_tells_of_its_source(product, alice, team, make_transcript):  # noqa: F811
    team.keep_stream_sound = True
    await team.asave()
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True, title="Night radio")
    await speak(transcript, [f"Sentence number {index}." for index in range(8)])
    page = await product.visit(alice, f"/s/{transcript.pk}")
    assert await page.locator("button[data-play]").is_disabled()
    assert await page.locator("#source-status").is_hidden()
    await keep(transcript)
    # It is looked for while the session goes on.
    await page.wait_for_selector("button[data-play]:enabled")
    await page.wait_for_selector("#waveform:not([hidden]) path[d^='M']", state="attached")
    await page.click("#seg-3 a.time")
    await page.locator(".player-bar [data-slot=now]", has_text="0:07").wait_for()
    quiet = events.source("quiet", 12.0, 0, 0, 1)
    await publish.send_source(transcript.pk, quiet, passing=True)
    await page.locator("#source-status", has_text="Source quiet for 1").wait_for()
    await look(page, "quiet")
    again = events.source("reconnecting", 3.0, 2, 12, 1)
    await publish.send_source(transcript.pk, again, passing=True)
    status = page.locator("#source-status[data-tone=warn]", has_text="Source dropped, reconnecting 2 of 12")
    # Said once: the pill has it.
    await status.wait_for(state="hidden")
    await page.locator("[data-pill]", has_text="Reconnecting (2/12)").wait_for()
    # Who comes later is told as well.
    late = await product.visit(alice, f"/s/{transcript.pk}", width=360)
    await late.locator("#source-status", has_text="reconnecting 2 of 12").wait_for(state="attached")
    await look(late, "narrow")
    news = {"code": "now_playing", "title": "<b>Nocturne</b>", "message": "…", "at_ms": 1000}
    last = await sync_to_async(append)(transcript.pk, [Entry(EventKind.SOURCE, news)], when={})
    await publish.ring(transcript.pk, team.pk, last)
    await publish.send_source(transcript.pk, events.source("playing", 0, 0, 0, 1), passing=False)
    await page.locator("#source-status[data-tone=quiet]", has_text="Now playing: <b>Nocturne</b>").wait_for()
    assert "Now playing: <b>Nocturne</b>" in (await page.locator("#log li").first.text_content())


async def look(page, name: str) -> None:
    """A picture for whoever wants to see it."""
    if folder := os.environ.get("STTWEB_PICTURES"):
        await page.screenshot(path=f"{folder}/{name}.png")
