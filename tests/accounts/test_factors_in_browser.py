"""Second factors in a real Chromium: passkeys with a virtual authenticator, one-time codes, recovery codes."""

from __future__ import annotations

import asyncio
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User

from tests.conftest import member
from tests.views.browsing import Product, in_browser, on_the_loop, product  # noqa: F401
from transcripts.models import Act, AuditEntry, Remembered, Role, Team

pytestmark = in_browser
PASSWORD = "correct-horse-battery-9"


@on_the_loop
async def page(product: Product, team: Team) -> Any:  # noqa: F811
    """A browser at the login page, and Dora, who may log in there. WebAuthn wants a name, and localhost is one."""
    product.origin = product.origin.replace("127.0.0.1", "localhost")
    await sync_to_async(_dora)(team)
    return await product.visit(None, "/login")


def _dora(team: Team) -> None:
    person = member("dora", team, Role.EDITOR)
    person.set_password(PASSWORD)
    person.save()


@pytest.fixture(autouse=True)
def _localhost(product: Product, settings: Any) -> None:  # noqa: F811
    settings.ALLOWED_HOSTS = ["localhost"]
    settings.CSRF_TRUSTED_ORIGINS = [product.origin.replace("127.0.0.1", "localhost")]


async def authenticator(page: Any) -> Any:
    """A platform authenticator that says yes: CDP session and its id."""
    session = await page.context.new_cdp_session(page)
    await session.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
               "isUserVerified": True, "automaticPresenceSimulation": True}  # fmt: skip
    made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session, made["authenticatorId"]


async def log_in(page: Any) -> None:
    await page.goto("/login")
    await page.fill("#id_username", "dora")
    await page.fill("#id_password", PASSWORD)
    await page.click("button.primary")


async def log_out(page: Any) -> None:
    """Without a cookie, as after another day."""
    await page.context.clear_cookies()


async def prove(page: Any, path: str) -> None:
    """Go to a page that wants the password once more."""
    await page.goto(path)
    if "/reauthenticate/" in page.url:
        await page.fill("input[name=password]", PASSWORD)
        await page.click("main button[type=submit], form button.primary")
        await page.wait_for_url(f"**{path}**")


async def who(page: Any) -> str:
    """Whose account it is, by the page that only they see."""
    await page.goto("/account/sessions/")
    return "in" if urlsplit(page.url).path == "/account/sessions/" else "out"


async def code_of(secret: str) -> str:
    """The code of this half minute, when enough of it is left to type it."""
    while time.time() % 30 > 20:
        await asyncio.sleep(0.5)
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


async def acts() -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(actor="dora").exclude(act=Act.SIGNED_OUT).order_by("id")
    return [(row.act, row.details.get("factor", "")) async for row in rows]


async def test_a_passkey_is_registered_and_opens_the_door_without_a_password(page):
    session, key = await authenticator(page)
    await log_in(page)
    await prove(page, "/account/2fa/webauthn/add/")
    await page.fill("#id_name", "My laptop")
    await page.check("#id_passwordless")
    await page.click("#mfa_webauthn_add")
    await page.wait_for_url(lambda url: "webauthn/add" not in url)
    kept = await session.send("WebAuthn.getCredentials", {"authenticatorId": key})
    assert [one["isResidentCredential"] for one in kept["credentials"]] == [True]
    assert await Authenticator.objects.filter(type="webauthn", user__username="dora").acount() == 1
    await log_out(page)
    assert await who(page) == "out"
    await page.goto("/login")
    await page.click("#passkey_login")
    await page.wait_for_url(lambda url: urlsplit(url).path == "/")
    assert await who(page) == "in"
    said = await acts()
    assert ("factor_changed", "webauthn") in said
    assert [act for act, _ in said].count("signed_in") == 2
    assert await page.evaluate("window.refused") == []


async def test_a_passkey_of_another_key_opens_nothing(page):
    await authenticator(page)
    await log_in(page)
    await prove(page, "/account/2fa/webauthn/add/")
    await page.fill("#id_name", "My laptop")
    await page.check("#id_passwordless")
    await page.click("#mfa_webauthn_add")
    await page.wait_for_url(lambda url: "webauthn/add" not in url)
    await Authenticator.objects.all().adelete()
    await log_out(page)
    await page.goto("/login")
    async with page.expect_navigation():
        await page.click("#passkey_login")
    assert await who(page) == "out"


async def test_a_one_time_code_from_the_shown_secret_and_each_recovery_code_once(page):
    await log_in(page)
    await prove(page, "/account/2fa/totp/activate/")
    assert await page.locator("img[src^='data:image/svg']").count() == 1
    secret = await page.locator("#authenticator_secret").input_value()
    await page.fill("#id_code", await code_of(secret))
    await page.click("main button[type=submit], form button.primary")
    await page.wait_for_url("**/recovery-codes/**")
    await prove(page, "/account/2fa/recovery-codes/")
    codes = (await page.locator("#recovery_codes").input_value()).split()
    assert len(codes) >= 8
    assert await Authenticator.objects.filter(user__username="dora").acount() == 2
    given: list[str] = []

    async def give(code: str, shown: str = "") -> str:
        """A given code, or the one that the secret shows at that moment."""
        await log_out(page)
        await log_in(page)
        await page.wait_for_url("**/account/2fa/authenticate/**")
        given.append(code or await code_of(shown))
        await page.fill("#id_code", given[-1])
        await page.locator("form:has(#id_code) button").first.click()
        await page.wait_for_load_state()
        return await who(page)

    assert await give(codes[0]) == "in"
    assert await give(codes[0]) == "out", "a recovery code opens once"
    assert await give("000000") == "out"
    assert await give(codes[1]) == "in"
    # The code of this half minute was used to set it up: once it is forgotten, a code is what opens.
    await Remembered.objects.all().adelete()
    assert await give("", secret) == "in"
    assert await give(given[-1]) == "out", "and opens once"
    assert await User.objects.acount() == 1
    assert ("factor_changed", "totp") in await acts()
