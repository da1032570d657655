"""The admin in a real browser: the content security policy of the whole product holds there too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import pytest
from django.conf import settings

from tests.chromium import program

if TYPE_CHECKING:
    from playwright.sync_api import Dialog

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

#: Collects what the policy refused, from the first script of every page on.
LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation",
    event => window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""


@pytest.fixture
def chromium():
    """The path of Debian's Chromium; its absence is a skip here and a failure in CI."""
    return program()


def test_no_admin_page_breaks_the_policy(chromium, live_server, desk, speak, alice):
    from playwright.sync_api import sync_playwright

    transcript = speak("<img src=x onerror=alert(1)>", "Two.", title="<script>alert(2)</script>")
    session = {"name": settings.SESSION_COOKIE_NAME, "value": desk.cookies["sessionid"].value, "url": live_server.url}
    admin = f"{live_server.url}/admin/"
    pages = ["", "transcripts/transcript/", f"transcripts/transcript/{transcript.pk}/change/", "transcripts/event/"]
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        context = browser.new_context()
        context.add_cookies([cast("Any", session)])
        context.add_init_script(LISTEN)
        page = context.new_page()
        errors: list[str] = []

        def dismiss(dialog: Dialog) -> None:
            errors.append(dialog.message)
            dialog.dismiss()

        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", dismiss)
        refused = {}
        for address in pages:
            page.goto(admin + address)
            refused[address] = page.evaluate("window.refused")
        page.goto(f"{admin}transcripts/membership/add/")
        page.locator(".field-user .select2-selection").click()
        page.locator(".select2-search__field").type("ali")
        page.locator(".select2-results__option", has_text="alice").click()
        assert page.locator(".field-user .select2-selection").inner_text().strip().endswith("alice")
        refused["membership"] = page.evaluate("window.refused")
        page.goto(f"{admin}transcripts/transcript/")
        page.locator(".action-select").first.check()
        page.locator("select[name=action]").select_option("cancel")
        page.locator("button[name=index]").click()
        assert "Cancel these transcripts?" in page.content()
        refused["confirm"] = page.evaluate("window.refused")
        # The listening itself works: this much is refused.
        page.evaluate("document.body.insertAdjacentHTML('beforeend', '<p style=color:red>red</p>')")
        page.wait_for_function("window.refused.length === 1")
    assert {address: found for address, found in refused.items() if found} == {}
    assert errors == []
