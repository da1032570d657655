"""The whole thread where everything is double: two web processes behind no proxy, two workers, PostgreSQL and Redis;
one browser at each web process."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.chromium import LISTEN, LIVE
from tests.e2e.conftest import seen
from tests.jobs.conftest import names, tape_wav
from tests.scale.conftest import PASSWORD, Cluster, cluster, postgres, redis  # noqa: F401 - fixtures

pytestmark = [
    pytest.mark.browser,
    pytest.mark.services,
    pytest.mark.slow,
    pytest.mark.timeout(420),
]

DONE = "#session[data-state=completed]"
#: A host of this machine that is none of the product's own names, so that its operator can allow it.
ELSEWHERE = "127.0.0.2"
BLOCKS, PAUSE_EVERY = 600, 25
DISTANCE = "document.scrollingElement.scrollHeight - document.scrollingElement.scrollTop - innerHeight"


@pytest.fixture
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """A web server of somebody else with one recording: its URL and its port."""
    folder = tmp_path_factory.mktemp("elsewhere")
    (folder / "Broadcast.wav").write_bytes(tape_wav(150, PAUSE_EVERY))

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
            """Say nothing."""

    server = ThreadingHTTPServer((ELSEWHERE, 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://{ELSEWHERE}:{server.server_port}/Broadcast.wav", server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def enter(chromium: Any) -> Iterator[Callable[[int], Any]]:
    """``enter(port)``: a browser of its own, logged in at the web process on that port."""
    contexts = []

    def enter(port: int) -> Any:
        context = chromium.new_context(
            base_url=f"http://127.0.0.1:{port}", viewport={"width": 1000, "height": 500}, accept_downloads=True
        )
        context.add_init_script(LISTEN)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(90_000)
        page.goto("/login")
        page.fill("#id_username", "owner")
        page.fill("#id_password", PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(r":\d+/$"))
        return page

    yield enter
    refused = [what for context in contexts for page in context.pages for what in seen(page)]
    for context in contexts:
        context.close()
    assert refused == []


def lines(page: Any) -> list[str]:
    # What is out of sight is not laid out, and so has no inner text.
    return page.locator("#lines .said [data-slot=text]").all_text_contents()


def until(page: Any, expression: str, seconds: float = 30.0) -> None:
    """Wait for something in the page. Playwright's own way needs an eval, which the product's policy refuses."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


def words(page: Any) -> list[str]:
    return " ".join(lines(page)).split()


def watch(page: Any, path: str) -> None:
    page.goto(path)
    page.wait_for_selector(LIVE, state="attached")


def submit_file(page: Any, folder: Any) -> str:
    """Send a recording through the form; the path of its session."""
    (folder / "Tape of the day.wav").write_bytes(tape_wav(BLOCKS, PAUSE_EVERY))
    page.goto("/new")
    page.set_input_files("[name=uploads]", folder / "Tape of the day.wav")
    page.check("[name=preset][value=live]")
    page.click(".more > summary")
    page.fill("[name=pace]", "3")
    page.click(".sheet-end button.primary")
    page.wait_for_url(re.compile(r"/s/[0-9a-f-]{36}$"))
    return "/" + page.url.split("/", 3)[3]


def leave_and_catch_up(page: Any, witness: Any) -> None:
    """The network of one browser is away while the other gets more text."""
    page.context.set_offline(True)
    page.wait_for_selector("#banner:has-text('You are offline')")
    before = len(lines(page))
    witness.locator("#lines .line").nth(before + 1).wait_for(state="attached")
    assert len(lines(page)) == before
    page.context.set_offline(False)
    page.locator("#lines .line").nth(before + 1).wait_for(state="attached")


def scroll_away_and_back(page: Any) -> None:
    """Read further up while text arrives, and come back by the pill."""
    page.wait_for_selector("#follow[data-following=true]")
    page.mouse.move(400, 350)
    page.mouse.wheel(0, -300)
    page.wait_for_selector("#follow[data-following=false]")
    page.wait_for_selector("#follow:has-text('new')")
    page.click("#follow")
    page.wait_for_selector("#follow[data-following=true]")
    until(page, f"{DISTANCE} < 2")


def seek_find_export(page: Any) -> None:
    """What is done with a transcript that is complete."""
    said = page.locator("#lines .line").nth(3).locator("[data-slot=text]")
    said.click(modifiers=["Control"], position={"x": 10, "y": 10})
    until(page, "document.querySelector('audio').currentTime > 5")
    page.keyboard.press("f")
    page.keyboard.type(names(BLOCKS)[-1])
    page.wait_for_selector("#find >> text=1 of 1 lines")
    page.keyboard.press("Escape")
    page.click(".session-head [data-export]")
    page.check(".export-dialog [value=srt]")
    page.wait_for_selector(".export-preview[data-format=srt]")
    with page.expect_download() as download:
        page.click(".export-dialog >> text=Download")
    assert download.value.suggested_filename == "Tape of the day.srt"
    written = download.value.path().read_text()
    assert [word for word in written.split() if word in set(names(BLOCKS))] == names(BLOCKS)
    page.keyboard.press("Escape")


def test_the_whole_thread_in_two_browsers_at_two_web_processes(
    cluster: Cluster,  # noqa: F811
    enter: Callable[[int], Any],
    origin: tuple[str, int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    link, port = origin
    cluster.environment |= {"FETCH_ALLOW_NETWORKS": f"{ELSEWHERE}/32", "FETCH_ALLOW_PORTS": str(port)}
    first, second = (enter(cluster.web().port) for _ in range(2))
    for _ in range(2):
        cluster.worker()
    path = submit_file(first, tmp_path_factory.mktemp("recordings"))
    first.wait_for_selector("#partial:not([hidden])")
    watch(second, path)
    second.wait_for_selector("#partial:not([hidden])")
    second.locator("#lines .line").nth(1).wait_for(state="attached")
    leave_and_catch_up(second, first)
    first.locator("#lines .line").nth(9).wait_for(state="attached")
    scroll_away_and_back(first)
    for page in (first, second):
        page.wait_for_selector(DONE)
        assert words(page) == names(BLOCKS), cluster.logs()
    first.reload()
    seek_find_export(first)
    second.goto("/")
    second.fill(".composer [name=links]", link)
    second.click(".composer >> text=Transcribe")
    second.wait_for_url(re.compile(r"/s/[0-9a-f-]{36}$"))
    watch(first, "/" + second.url.split("/", 3)[3])
    for page in (first, second):
        page.wait_for_selector(DONE)
        assert words(page) == names(150), cluster.logs()
    second.goto("/library")
    second.fill("#q", names(BLOCKS)[300])
    second.wait_for_url(re.compile(r"q="))
    second.wait_for_selector(".row mark")
    assert second.locator(".row-title").all_inner_texts() == ["Tape of the day"]
