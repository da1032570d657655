"""The whole product in one process as people start it, and a real browser in front of it."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chromium import FLAGS, LISTEN, program
from tests.jobs.test_server import free_port
from tests.jobs.test_up import until_up, up


@pytest.fixture(scope="session")
def product_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the product of these tests keeps everything."""
    return tmp_path_factory.mktemp("product")


@pytest.fixture(scope="session")
def address(product_folder: Path) -> Iterator[tuple[str, str]]:
    """``(origin, password of owner)`` of ``manage.py up`` with the real recogniser, on a folder of its own."""
    port = free_port()
    with up(product_folder, port, STTWEB_ENGINE_RECOGNIZER="moonshine") as process:
        printed = until_up(process)
        found = re.search(r"Password\s+(\S+)", printed)
        assert found, printed
        yield f"http://127.0.0.1:{port}", found[1]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A running Chromium, gone before other modules want a loop of their own.

    Its absence is a skip here and a failure in CI.
    """
    path = program()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(address: tuple[str, str], chromium: Any) -> Iterator[Callable[..., Any]]:
    """``visit("/path", width=…)`` opens a page in a browser of its own, logged in as the owner or as ``person``, a name
    and a password."""
    origin, password = address
    contexts = []

    def visit(path: str = "/", *, width: int = 1280, script: bool = True, person: tuple[str, str] | None = None) -> Any:
        context = chromium.new_context(
            base_url=origin, viewport={"width": width, "height": 800}, java_script_enabled=script
        )
        context.add_init_script(LISTEN)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto("/login")
        name, secret = person or ("owner", password)
        page.fill("#id_username", name)
        page.fill("#id_password", secret)
        page.click("text=Log in >> nth=-1")
        page.wait_for_url(f"{origin}/")
        if path != "/":
            page.goto(path)
        return page

    yield visit
    refused = [what for context in contexts for page in context.pages for what in seen(page)]
    for context in contexts:
        context.close()
    assert refused == []


def seen(page: Any) -> list[str]:
    """What the browser refused or failed at on the page that is open."""
    try:
        found: list[str] = page.evaluate("window.refused ?? []")
    except Exception:  # noqa: BLE001 - pages without scripts have nothing to tell
        return []
    return found


@pytest.fixture(scope="session")
def sample_file() -> Path:
    """The recording that the installed package carries."""
    from transcripts.media.sample import find_sample

    found = find_sample()
    assert found is not None
    return found.path
