"""Single sign-on clicked through in a real Chromium, which holds every step to the content security policy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from sttweb import accounts
from tests.accounts.provider import Provider, running
from tests.accounts.test_sign_on import ERIN, role_of
from tests.views.browsing import in_browser, product  # noqa: F401 - a fixture
from transcripts.membership import inviting
from transcripts.models import Role

pytestmark = in_browser


class Elsewhere(Provider):
    """Its login is on another host than its issuer, as with some of the largest providers."""

    def discovery(self) -> dict[str, Any]:
        about = super().discovery()
        return about | {"authorization_endpoint": about["authorization_endpoint"].replace("127.0.0.1", "localhost")}


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    with running(Elsewhere(person=dict(ERIN))) as here:
        settings.SOCIALACCOUNT_PROVIDERS = accounts.providers(
            here.issuer, here.client_id, here.client_secret, "News ID"
        )
        settings.STTWEB_OIDC_ISSUER = here.issuer
        yield here


async def test_an_invited_person_signs_on_and_is_in_the_team(product, provider, team, alice):  # noqa: F811
    _, token = await sync_to_async(inviting.invite)(team, alice, Role.EDITOR, 1)
    page = await product.visit(None, f"/invitation/{token}")
    await page.click("text=Log in and join")
    await page.click("button:has-text('News ID')")
    await page.wait_for_url(f"{product.origin}/**")
    await page.locator(".rail").wait_for()
    assert await sync_to_async(role_of)("erin") == {team.name: Role.EDITOR}
    assert "/authorize" in provider.asked


async def test_whom_the_provider_turns_away_reads_why_and_finds_the_way_back(product, provider):  # noqa: F811
    page = await product.visit(None, "/login")
    provider.client_secret = "another"
    await page.click("button:has-text('News ID')")
    await page.wait_for_url("**/callback/**")
    assert "sttweb" in await page.title()
    await page.click("main a[href='/login']")
    await page.wait_for_selector("#id_password")
    assert not await User.objects.filter(username="erin").aexists()


async def test_a_provider_that_is_down_is_said_and_the_login_is_one_click_away(product, provider, settings):  # noqa: F811
    settings.SOCIALACCOUNT_PROVIDERS = accounts.providers("http://127.0.0.1:9", "sttweb", "x", "News ID")
    page = await product.visit(None, "/login")
    await page.click("button:has-text('News ID')")
    await page.wait_for_selector("h1:has-text('Single sign-on is not available')")
    await page.click("text=Back to the login")
    await page.wait_for_selector("#id_password")
