"""Debian's Chromium as all tests start it, and one of it for all asynchronous tests of a process."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bench.chromium import PLAIN

#: What Playwright switches off itself and is lost when features are named once more; and at the end what costs each
#: window a process of its own for menus that nobody sees (a quarter of a short test).
_OFF = (
    "AvoidUnnecessaryBeforeUnloadCheckSync,DestroyProfileOnBrowserClose,HttpsUpgrades,HttpsFirstBalancedModeAutoEnable,"
    "LensOverlay,MediaRouter,PaintHolding,ThirdPartyStoragePartitioning,AvoidCorsURLLoaderRestartOnRedirect,"
    "OptimizationHints,NetworkTimeServiceQuerying,AimEnabled,PreconnectToSearch,"
    "PreloadTopChromeWebUI,PreloadTopChromeWebUILessNavigations,SpareRendererForSitePerProcess"
)
FLAGS = [
    *PLAIN,
    f"--disable-features={_OFF}",
]
#: Collects what the content security policy refused and every error of a script.
LISTEN = """
window.refused = [];
addEventListener("securitypolicyviolation", event => refused.push(`${event.violatedDirective} ${event.blockedURI}`));
addEventListener("error", event => refused.push(String(event.message)));
addEventListener("unhandledrejection", event => refused.push(String(event.reason)));
"""
#: A page whose socket is open and has caught up.
LIVE = "#link-state[data-state=live]"


def program() -> str:
    """The path of Chromium, whose absence is a skip here and a failure in CI."""
    path = shutil.which("chromium")
    if path is None:
        reason = "Chromium is not installed"
        if os.environ.get("STTWEB_REQUIRE_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


class Shared:
    """One browser for many tests, each of which opens contexts of its own: starting it costs more than most tests."""

    def __init__(self, playwright: Any, path: str) -> None:
        self._playwright, self._path = playwright, path
        self._browser: Any = None

    async def browser(self) -> Any:
        """The running browser; a new one when a test has killed it."""
        if self._browser is None or not self._browser.is_connected():
            self._browser = await self._playwright.chromium.launch(executable_path=self._path, args=FLAGS)
        return self._browser

    async def close(self) -> None:
        if self._browser is not None:
            await self._browser.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def shared_chromium() -> AsyncIterator[Shared]:
    """Belongs to the loop of the session: the tests that use it run there (`tests.views.browsing.in_browser`)."""
    path = program()
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        shared = Shared(playwright, path)
        yield shared
        await shared.close()
