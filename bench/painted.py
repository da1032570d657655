"""What a reader sees and when, in a real Chromium: the first text of a 10-hour transcript, and the way of a word.

    python -m bench.painted [--hours 10] [--opens 5] [--words 200] [--chromium PATH]

The real application under uvicorn in this process, SQLite, in-memory layer. Printed: from the start of the navigation
to the first painted text, the layout shift of the page, how long a link into the middle takes that the server reads
(``?t=``) and one that only the browser does (``#t=``); beside each the processor time of this process (the server, and
what drives the browser) and of the page's own thread, which a busy machine does not change. And for partials, five a
second, the time from the server's `publish.send_partial` (where the recorder hands over what the provider said) to
the second animation frame after the word stands in the page, at the earliest of which it is on the screen.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from statistics import median, quantiles
from typing import Any

from bench.screenshots import FLAGS, free_port, session_cookie
from bench.stage import SENTENCES, spread

#: Counts layout shifts, and notes when a stamped partial was painted (both clocks are this machine's).
WATCH = """
window.shifted = 0;
window.delays = [];
new PerformanceObserver(list => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({ type: "layout-shift", buffered: true });
addEventListener("DOMContentLoaded", () => {
  const place = document.querySelector("#partial .said");
  const note = () => {
    const stamp = Number(place.textContent.split(" ").at(-1));
    const painted = () => window.delays.push(Date.now() - stamp);
    requestAnimationFrame(() => requestAnimationFrame(painted));
  };
  new MutationObserver(note).observe(place, { childList: true, characterData: true, subtree: true });
});
"""
PAINTED = (
    "document.querySelector('#lines .line') && performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
)
TARGET = "document.querySelector('.sought') && performance.now()"


def fill(hours: float) -> tuple[Any, Any, Any]:
    """A person, a transcript of so many hours with words, and a live one."""
    from django.contrib.auth.models import User

    from transcripts import services
    from transcripts.models import Membership, Role, Segment, SourceKind, Team, Transcript

    team, user = Team.objects.create(name="Bench"), User.objects.create_user("bench")
    Membership.objects.create(team=team, user=user, role=Role.OWNER)
    submission = services.Submission(title="A long day", kind=SourceKind.SAMPLE)
    long, live = (services.submit(team, user, submission, wake=False) for _ in range(2))
    rows: list[Segment] = []
    clock = 0
    while clock < hours * 3_600_000:
        text = SENTENCES[len(rows) % len(SENTENCES)]
        words, end = spread(text, clock)
        place = {"index": len(rows), "seq": len(rows) + 2}
        rows.append(Segment(transcript=long, start_ms=clock, end_ms=end, text=text, words=words, **place))
        clock = end + 600
    Segment.objects.bulk_create(rows, batch_size=500)
    done = {"state": "completed", "committed_samples": clock * 16, "segment_count": len(rows)}
    Transcript.objects.filter(pk=long.pk).update(**done, last_seq=len(rows) + 1)
    Transcript.objects.filter(pk=live.pk).update(state="running", is_live=True)
    return user, long, live


async def until(page: Any, expression: str) -> Any:
    """The first value that is something. Playwright's own way needs an eval, which the product's policy refuses."""
    async with asyncio.timeout(30):
        while not (value := await page.evaluate(expression)):
            await page.wait_for_timeout(20)
    return value


class Timer:
    """One way to open a page: wall time, and processor time of this process and of the page's thread, in ms."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.taken: list[tuple[float, float, float]] = []

    async def open(self, context: Any, address: str, ready: str) -> Any:
        """Open the address; until ``ready`` is the moment (of the page's clock, in ms) that counts. The page."""
        page = await context.new_page()
        metrics = await context.new_cdp_session(page)
        await metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = time.process_time()
        await page.goto(address, wait_until="commit")
        moment = await until(page, ready)
        spent = 1000 * (time.process_time() - before)
        told = await metrics.send("Performance.getMetrics")
        busy = next(each["value"] for each in told["metrics"] if each["name"] == "TaskDuration")
        self.taken.append((moment, spent, 1000 * busy))
        return page

    def tell(self) -> None:
        """Print it."""
        wall, server, browser = (sorted(column) for column in zip(*self.taken, strict=True))
        print(
            f"{self.name:<24}median {median(wall):.0f} ms, worst {max(wall):.0f} ms; "
            f"processor: server {median(server):.0f} ms, page {median(browser):.0f} ms"
        )


async def open_long(context: Any, long: Any, opens: int) -> None:
    """Print how soon the long transcript can be read."""
    shifts = []
    middle = long.committed_samples // 16_000 // 2
    first, asked, hashed = Timer("first text painted"), Timer("?t= in the middle"), Timer("#t= in the middle")
    for _ in range(opens):
        page = await first.open(context, f"/s/{long.pk}", PAINTED)
        await page.wait_for_timeout(500)
        shifts.append(await page.evaluate("window.shifted"))
        await page.close()
        for timer, mark in ((asked, "?"), (hashed, "#")):
            await (await timer.open(context, f"/s/{long.pk}{mark}t={middle}", TARGET)).close()
    hours = long.committed_samples / 16_000 / 3600
    print(f"{hours:.1f} h, {long.segment_count} segments, {opens} times")
    for timer in (first, asked, hashed):
        timer.tell()
    print(f"layout shift            worst {max(shifts):.3f}")


async def speak(context: Any, live: Any, words: int) -> None:
    """Print how long words take to the screen."""
    from transcripts.live import events, publish

    page = await context.new_page()
    await page.goto(f"/s/{live.pk}")
    await page.wait_for_selector("#link-state[data-state=live]", state="attached")
    for turn in range(words):
        text = events.partial(f"and this is what was said until now {time.time() * 1000:.0f}", 0, 200 * turn, 1)
        await publish.send_partial(live.pk, text)
        await asyncio.sleep(0.2)
    await page.wait_for_timeout(500)
    delays = await page.evaluate("window.delays")
    cuts = quantiles(delays, n=100)
    print(f"partials painted        {len(delays)} of {words}")
    print(f"event to painted word   p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms")
    print(f"layout shift            {await page.evaluate('window.shifted'):.3f}")


async def run(options: argparse.Namespace, port: int) -> None:
    """Serve and measure."""
    import uvicorn
    from asgiref.sync import sync_to_async
    from playwright.async_api import async_playwright

    from sttweb.asgi import application

    user, long, live = await sync_to_async(fill)(options.hours)
    await sync_to_async(long.refresh_from_db)()
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_level="warning", lifespan="off", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        async with async_playwright() as playwright:
            browser: Any = await playwright.chromium.launch(executable_path=options.chromium, args=FLAGS)
            context = await browser.new_context(
                base_url=f"http://127.0.0.1:{port}", viewport={"width": 1280, "height": 900}
            )
            await context.add_init_script(WATCH)
            await context.add_cookies([await session_cookie(user, port)])
            await open_long(context, long, options.opens)
            await speak(context, live, options.words)
            await browser.close()
    finally:
        server.should_exit = True
        await serving
    print(f"load of the machine     {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def main() -> int:
    """Set up a database of its own, then measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=10)
    parser.add_argument("--opens", type=int, default=5)
    parser.add_argument("--words", type=int, default=200)
    parser.add_argument("--chromium", default="/usr/bin/chromium")
    options = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="sttweb-painted-") as var:
        os.environ |= {"STTWEB_VAR": var, "STTWEB_PORT": str(port), "DJANGO_SETTINGS_MODULE": "sttweb.settings"}
        os.environ |= {"DATABASE_URL": "", "REDIS_URL": "", "DJANGO_ALLOW_ASYNC_UNSAFE": ""}
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        asyncio.run(run(options, port))
    return 0


if __name__ == "__main__":
    sys.exit(main())
