"""Pages in a real browser, served with their sockets by the loop of the test, which can write and say what it likes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext
from typing import Any

import pytest
import pytest_asyncio
import uvicorn
from asgiref.sync import sync_to_async
from channels.routing import ProtocolTypeRouter
from django.contrib.auth.models import User
from django.core.asgi import get_asgi_application
from django.test import Client

from tests.chromium import LISTEN, Shared
from tests.conftest import async_db
from tests.jobs.test_server import free_port
from tests.live.conftest import application as sockets
from transcripts.live import captions, station
from transcripts.models import Event, EventKind, Segment, Transcript

#: What the tests of a module that asks for `product` have in common.
in_browser = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.browser,
    async_db,
    # WhiteNoise's way of sending files, to a server that knows no other.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume"),
    # A browser goes on to the next page without waiting for the files of the one before.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

#: For asynchronous fixtures of such tests.
on_the_loop = pytest_asyncio.fixture(loop_scope="session")


class Product:
    """The application at ``origin``, and browsers in front of it."""

    def __init__(self, origin: str, browser: Any) -> None:
        self.origin = origin
        self._browser = browser
        self._contexts: list[Any] = []

    async def visit(
        self,
        person: User | None,
        path: str,
        *,
        width: int = 1280,
        prepare: Callable[[Any], Awaitable[None]] | None = None,
        **options: Any,
    ) -> Any:
        """A page in a browser of its own, logged in as the person; ``options`` go to Playwright's ``new_context``,
        ``prepare`` gets the page before anything is in it."""
        context = await self._browser.new_context(
            base_url=self.origin, viewport={"width": width, "height": 800}, **options
        )
        if person is not None:
            client = Client()
            await sync_to_async(client.force_login)(person)
            cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": self.origin}
            await context.add_cookies([cookie])
        await context.add_init_script(LISTEN)
        self._contexts.append(context)
        page = await context.new_page()
        page.set_default_timeout(60_000)
        if prepare is not None:
            await prepare(page)
        await page.goto(path)
        return page

    async def close(self) -> list[str]:
        """Close all browsers; what they refused or failed at."""
        refused = []
        for context in self._contexts:
            for page in context.pages:
                refused += await page.evaluate("window.refused ?? []")
            await context.close()
        return refused


@on_the_loop
async def product(transactional_db: None, settings: Any, shared_chromium: Shared) -> AsyncIterator[Product]:
    """The product and a browser, whose absence is a skip here and a failure in CI."""
    browser = await shared_chromium.browser()
    before = asyncio.all_tasks()
    # The product's own application takes the origins of the settings, and the port is only known here.
    application = ProtocolTypeRouter({"http": get_asgi_application(), "websocket": sockets})
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    settings.ALLOWED_HOSTS, settings.CSRF_TRUSTED_ORIGINS = ["127.0.0.1"], [origin]
    config = uvicorn.Config(
        application, host="127.0.0.1", port=port, log_level="error", lifespan="off", ws="websockets-sansio"
    )
    server = uvicorn.Server(config)
    server.capture_signals = nullcontext  # type: ignore[assignment, method-assign]
    serving = asyncio.create_task(server.serve())
    product = Product(origin, browser)
    try:
        yield product
    finally:
        refused = await product.close()
        server.should_exit = True
        await serving
        await forget_all(before)
    assert refused == []


async def forget_all(before: set[asyncio.Task[Any]]) -> None:
    """The loop goes on with the next test: what this one left running on it ends, as it does with a loop of its own."""
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    loop = asyncio.get_running_loop()
    station._stations.pop(loop, None)
    captions._desks.pop(loop, None)


@sync_to_async
def speak(transcript: Transcript, texts: list[str]) -> None:
    """Committed text, two seconds each, as the recorder writes it but all at once, and without a doorbell."""
    first, start = transcript.last_seq + 1, transcript.segment_count
    rows = [
        {
            "start_ms": 2000 * index,
            "end_ms": 2000 * index + 1900,
            "text": text,
            "words": [[text, 2000 * index, 2000 * index + 900, 0.9]],
        }
        for index, text in enumerate(texts, start)
    ]
    Event.objects.bulk_create(
        Event(transcript=transcript, seq=first + at, kind=EventKind.COMMIT, payload={"segment": start + at, **row})
        for at, row in enumerate(rows)
    )
    Segment.objects.bulk_create(
        Segment(transcript=transcript, index=start + at, seq=first + at, **row) for at, row in enumerate(rows)
    )
    transcript.last_seq += len(rows)
    transcript.segment_count += len(rows)
    transcript.committed_samples = 32_000 * transcript.segment_count
    transcript.save(update_fields=["last_seq", "segment_count", "committed_samples"])
