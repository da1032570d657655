"""The table "States to design once and reuse" of the interface's specification, row by row, as a browser shows it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.utils import timezone

from tests.chromium import LIVE
from tests.views.browsing import in_browser, product, speak  # noqa: F401 - a fixture
from transcripts.live import events, publish
from transcripts.models import Engine, EventKind, Transcript, Worker
from transcripts.models.log import Entry, append

pytestmark = in_browser

PILL = ".session-head .pill"
#: Notes every banner with the moment at which it was shown.
BANNERS = """
window.banners = [];
addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("#banner");
  if (!place) return;
  new MutationObserver(() => window.banners.push([performance.now(), place.hidden ? "" : place.textContent]))
    .observe(place, { attributes: true, childList: true, characterData: true, subtree: true });
});
"""
#: Sums the layout shifts that no gesture explains, as Chromium counts them.
SHIFTS = """
window.shifted = 0;
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


async def tell(transcript: Transcript, kind: EventKind, payload: dict[str, Any], **changes: Any) -> None:
    """An event in the log, with its doorbell."""
    seq = await sync_to_async(append)(transcript.pk, [Entry(kind, payload)], when={}, changes=changes)
    await sync_to_async(transcript.refresh_from_db)()
    await publish.ring(transcript.pk, transcript.team_id, seq)


async def condition(page: Any, name: str) -> None:
    await page.wait_for_selector(f"#session[data-conditions~='{name}']", state="attached")


async def no_condition(page: Any, name: str) -> None:
    await page.wait_for_selector(f"#session:not([data-conditions~='{name}'])", state="attached")


async def banners(page: Any) -> list[tuple[float, str]]:
    return [(at, text) for at, text in await page.evaluate("window.banners")]


async def visit_live(product: Any, person: Any, transcript: Transcript) -> Any:  # noqa: F811
    async def prepare(page: Any) -> None:
        await page.add_init_script(BANNERS)
        await page.add_init_script(SHIFTS)

    page = await product.visit(person, f"/s/{transcript.pk}", prepare=prepare)
    await page.wait_for_selector(LIVE, state="attached")
    return page


async def test_connecting_is_said_late_and_over_text_that_is_there(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, ["One."])

    async def deaf(page: Any) -> None:
        await page.add_init_script(BANNERS)
        # A server that opens the socket and says nothing.
        await page.route_web_socket(re.compile("/ws/"), lambda socket: None)

    page = await product.visit(alice, f"/s/{transcript.pk}", prepare=deaf)
    assert await page.inner_text("#seg-0 [data-slot=text]") == "One."
    await page.wait_for_selector("#banner:has-text('Connecting…')")
    shown = next(at for at, text in await banners(page) if text)
    connected = "performance.getEntriesByType('resource').find(entry => entry.name.includes('session')).startTime"
    assert shown - await page.evaluate(connected) >= 600
    quick = await visit_live(product, alice, transcript)
    assert [text for _at, text in await banners(quick) if text] in ([], ["Connecting…"])


async def test_offline_says_up_to_when_the_text_is_complete_and_then_what_came(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, ["One."])
    page = await visit_live(product, alice, transcript)
    await page.context.set_offline(True)
    await page.wait_for_selector("#banner:has-text('You are offline. The text below is complete up to ')")
    told = await page.inner_text("#banner")
    assert re.search(r"up to \d\d:\d\d:\d\d\.$", told), told
    assert await page.inner_text("#seg-0 [data-slot=text]") == "One."
    await speak(transcript, [f"Line {index}." for index in range(37)])
    await tell(transcript, EventKind.NOTICE, {"code": "x", "message": "This is no line."})
    await page.context.set_offline(False)
    await page.wait_for_selector("#seg-37", state="attached")
    await page.wait_for_function("window.banners.some(([, text]) => text.startsWith('Caught up'))")
    await no_condition(page, "caught-up")
    seen = await banners(page)
    came = next(at for at, text in seen if text == "Caught up: 37 new lines.")
    gone = next(at for at, text in seen if at > came and not text)
    assert gone - came >= 2900
    assert await page.is_hidden("#banner")


async def test_a_dropped_source_opens_its_gap_at_once_and_counts_the_tries(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, ["One."])
    page = await visit_live(product, alice, transcript)
    dropped = {"code": "source_dropped", "message": "The source dropped out.", "at_ms": 2000}
    await tell(transcript, EventKind.SOURCE, dropped)
    await page.wait_for_selector("#open-gap:has-text('Nothing was heard since')")
    assert re.search(r"since \d\d:\d\d:\d\d: the source dropped out", await page.inner_text("#open-gap"))
    assert await page.inner_text(PILL) == "Reconnecting"
    away = events.source("reconnecting", 3.0, 2, 8, 1)
    await publish.send_source(transcript.pk, away, passing=True)
    await page.wait_for_selector(f"{PILL}:has-text('Reconnecting (2/8)')")
    # A source that knows no last try says only at which it is.
    await publish.send_source(transcript.pk, events.source("reconnecting", 9.0, 3, 0, 1), passing=True)
    await page.wait_for_selector(f"{PILL}:has-text('Reconnecting')")
    lost = {"start_ms": 2000, "end_ms": 14_000, "reason": "source_dropped"}
    await tell(transcript, EventKind.SOURCE, {"code": "source_back", "message": "Back.", "at_ms": 14_000})
    await tell(transcript, EventKind.GAP, lost)
    await page.wait_for_selector("#lines .gap:has-text('Lost 12 s: the source dropped out')")
    assert await page.is_hidden("#open-gap")
    await page.wait_for_selector(f"{PILL}:has-text('Live')")


async def test_a_lost_engine_says_its_try_and_nothing_jumps(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, [f"Sentence number {index}." for index in range(40)])
    page = await visit_live(product, alice, transcript)
    await page.evaluate("window.shifted = 0")
    await tell(transcript, EventKind.NOTICE, {"code": "x", "message": "Gone.", "attempt": 3, "retry_in_ms": 500})
    await condition(page, "retrying")
    # The engine is called again for as long as it takes: there is no last try to name.
    assert await page.inner_text(PILL) == "Reconnecting (3)"
    await tell(transcript, EventKind.SESSION, {"connection": 2})
    await no_condition(page, "retrying")
    assert await page.inner_text(PILL) == "Live"
    for index in range(40, 44):
        await publish.send_partial(transcript.pk, events.partial(f"the {index}th", 2000 * index, 2000 * index + 500, 1))
        await page.wait_for_selector(f"#partial:has-text('the {index}th')")
        await speak(transcript, [f"Sentence number {index}, and a little more of it."])
        await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
        await page.wait_for_selector(f"#seg-{index}")
    assert await page.evaluate("window.shifted") < 0.1


async def test_a_quiet_stream_is_said_calmly_and_a_long_silence_becomes_a_row(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    await speak(transcript, ["One."])
    page = await visit_live(product, alice, transcript)
    await publish.send_partial(transcript.pk, events.partial("two", 2000, 3000, 1))
    await publish.send_partial(transcript.pk, events.partial("", 2000, 43_000, 1))
    await condition(page, "quiet")
    await page.wait_for_selector("#tail[data-tone=quiet]:has-text('No speech for 40 s')")
    assert await page.is_hidden("#problem")
    row = {"segment": 1, "start_ms": 50_000, "end_ms": 51_000, "text": "Back.", "words": []}
    await tell(transcript, EventKind.COMMIT, row)
    await page.wait_for_selector("#lines .silence:has-text('No speech for 48 s')")
    await no_condition(page, "quiet")


async def test_a_lagging_engine_is_amber_with_its_seconds_and_the_reason(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    page = await visit_live(product, alice, transcript)
    await publish.send_partial(transcript.pk, events.partial("wai", 0, 12_000, 1))
    await page.wait_for_selector("#partial:has-text('wai')")
    await speak(transcript, ["Waited."])
    await publish.ring(transcript.pk, transcript.team_id, transcript.last_seq)
    await page.wait_for_selector("#pace[data-tone=warn]:has-text('s behind')")
    assert float((await page.inner_text("#pace")).split()[0]) > 8
    await page.wait_for_selector("#tail[data-tone=warn]:has-text('The engine answers late. Nothing is lost')")


async def test_a_refused_engine_names_cause_and_way_out_and_goes_on_offline(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(
        state="paused",
        engine=Engine.ELEVENLABS,
        code="quota_exceeded",
        message="The account's quota at the speech service is used up.",
        next_step="Raise it at the speech service, or wait for the next period.",
    )
    await speak(transcript, ["Kept."])
    page = await visit_live(product, bob, transcript)
    card = await page.inner_text("#problem")
    assert "quota at the speech service is used up" in card
    assert "Raise it at the speech service" in card
    assert "It stopped at: Turning speech into text" in card
    await page.click("text=Continue with the embedded engine")
    await page.wait_for_selector("#session[data-state=queued]")
    await page.wait_for_selector("#engine:has-text('Embedded')")
    assert await page.inner_text("#seg-0 [data-slot=text]") == "Kept."
    assert await page.is_hidden("#problem")
    assert await page.locator("[data-control=switch]").count() == 0


async def test_who_waits_sees_the_place_what_runs_and_when_it_begins(product, alice, make_transcript):  # noqa: F811
    now = timezone.now()
    await Worker.objects.acreate(name="one", heartbeat_at=now, capacity=1)
    hour = 16_000 * 3600
    fields = {"duration_samples": hour, "committed_samples": hour // 2, "started_at": now - timedelta(minutes=12)}
    await sync_to_async(make_transcript)(title="The early news", state="running", **fields)
    transcript = await sync_to_async(make_transcript)(state="queued")
    page = await visit_live(product, alice, transcript)
    assert await page.inner_text(PILL) == "Queued"
    told = "Next in the queue. At work now: “The early news”. It begins in about 12 minutes."
    await page.wait_for_selector(f"#queue:has-text('{told}')")


async def test_a_recording_tells_its_share_and_after_a_twentieth_its_speed_and_end(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", duration_samples=16_000 * 1000)
    page = await visit_live(product, alice, transcript)
    await publish.send_partial(transcript.pk, events.partial("a", 0, 10_000, 1))
    await page.wait_for_selector("#pace:has-text('1%')")
    await page.wait_for_timeout(5200)  # speed is told from what was watched for 5 s
    await publish.send_partial(transcript.pk, events.partial("b", 0, 40_000, 1))
    await page.wait_for_selector("#pace:has-text('4%')")
    assert "×" not in await page.inner_text("#pace")
    await publish.send_partial(transcript.pk, events.partial("c", 0, 60_000, 1))
    await page.wait_for_selector("#pace:has-text('6%')")
    assert re.fullmatch(r"6% · [\d.]+× · about [\d:]+ left", await page.inner_text("#pace"))


async def test_finishing_names_its_deadline_to_those_who_are_there_and_who_come(product, alice, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running", is_live=True)
    page = await visit_live(product, alice, transcript)
    payload = {"state": "finishing", "within_ms": 34_000}
    await tell(transcript, EventKind.STATE, payload, state="finishing")
    for each in (page, await visit_live(product, alice, transcript)):
        await condition(each, "finishing")
        tail = await each.inner_text("#tail")
        assert re.fullmatch(r"Writing the last words… At \d\d:\d\d:\d\d at the latest\.", tail), tail


async def test_a_partial_failure_keeps_the_text_names_the_step_and_retries_it(product, bob, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="running")
    await speak(transcript, ["Kept."])
    page = await visit_live(product, bob, transcript)
    failed = {"code": "source_dropped", "message": "The source ended in the middle.", "next_step": "Try it later."}
    await tell(transcript, EventKind.STATE, {"state": "failed", **failed}, state="failed", **failed)
    await page.wait_for_selector("#problem:has-text('It stopped at: Fetching the source')")
    assert "The text so far is kept." in await page.inner_text("#problem")
    later = await visit_live(product, bob, transcript)
    assert "It stopped at: Fetching the source" in await later.inner_text("#problem")
    await later.click("#problem >> text=Retry this step")
    for each in (page, later):
        await each.wait_for_selector("#session[data-state=queued]")
        assert await each.is_hidden("#problem")
        assert await each.inner_text("#seg-0 [data-slot=text]") == "Kept."


async def test_strangers_find_nothing_and_members_are_told_whom_to_ask(product, charlie, victor, make_transcript):  # noqa: F811
    transcript = await sync_to_async(make_transcript)(state="completed")
    stranger = await product.visit(charlie, f"/s/{transcript.pk}")
    assert "Nothing here" in await stranger.inner_text("h1")
    viewer = await product.visit(victor, f"/s/{transcript.pk}/review")
    assert "Ask an owner of the team" in await viewer.inner_text("main")
