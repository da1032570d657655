"""Pictures of the ways in and of what people have for themselves: log-in, invitations, second factors, the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.stage import Stage


async def wrong_password(page: Any) -> None:
    await page.fill("[name=login]", "alice")
    await page.fill("[name=password]", "let me in")
    await page.click("button.primary")
    await page.wait_for_selector(".field-error")


async def sign_up(page: Any) -> None:
    """By an invitation, with a password that is too easy."""
    await page.click("text=Make an account and join")
    await page.fill("[name=username]", "nora")
    await page.fill("[name=password1]", "12345678")
    await page.fill("[name=password2]", "12345678")
    await page.click("button.primary")
    await page.wait_for_selector(".field-error:not([hidden])")


def prove(password: str) -> Any:
    """Who changes a factor says the password again."""

    async def again(page: Any) -> None:
        await page.fill("[name=password]", password)
        await page.click("button.primary")
        await page.wait_for_url(lambda address: "reauthenticate" not in address)

    return again


async def make_team(page: Any) -> None:
    await page.click("button.primary")
    await page.wait_for_selector(".field-error:not([hidden])")


async def invite(page: Any) -> None:
    await page.fill("#invite [name=email]", "nora@example.org")
    await page.click("#invite .primary")
    await page.wait_for_selector(".fresh")


async def give_up_owning(page: Any) -> None:
    """The last owner wants to be an editor."""
    await page.select_option(".member-role select >> nth=0", "editor")
    await page.click(".member-role button >> nth=0")
    await page.wait_for_selector(".message[data-tone=warning]")


async def erase_old(page: Any) -> None:
    await page.fill("[name=keep_text_days]", "1")
    await page.click("#keeping .primary")
    await page.wait_for_selector("#keeping .danger")


async def bad_key(page: Any) -> None:
    await page.fill("#key [name=key]", "x")
    await page.click("#key .primary")
    await page.wait_for_selector("#key .field-error:not([hidden])")


async def token_made(page: Any) -> None:
    await page.fill("[name=name]", "Archive script")
    await page.click("form .primary")
    await page.wait_for_selector(".fresh")


async def bad_watchlist(page: Any) -> None:
    await page.fill("[name=name]", "Flood")
    await page.click("form .primary")
    await page.wait_for_selector(".field-error:not([hidden])")


async def ask_to_cancel(page: Any) -> None:
    await page.locator(".action-select").first.check()
    await page.select_option("select[name=action]", "cancel")
    await page.click("button[name=index]")
    await page.wait_for_selector("input[name=confirmed]", state="attached")


class Doors:
    """People who come in, and staff who look after all of it."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def fill(self) -> None:
        """An invitation, and somebody who is in no team."""
        from django.contrib.auth.models import User
        from django.utils import timezone

        from transcripts.membership import inviting
        from transcripts.models import Role, Transcript

        Transcript.objects.filter(pk=self.stage.sample.pk).update(finished_at=timezone.now() - timedelta(days=3))
        self.nobody = User.objects.create_user("noa", first_name="Noa")
        self.link = inviting.invite(self.stage.newsroom, self.stage.alice, Role.EDITOR, 7, "")[1]

    def scenes(self, password: str) -> list[Any]:
        """Name, path, who looks, and what to do before the picture."""
        alice, eve, again = self.stage.alice, self.stage.empty_handed, prove(password)
        team, admin = f"/team/{self.stage.newsroom.pk}", "/admin/transcripts"
        return [
            ("login-wrong", "/login", None, wrong_password),
            ("reset", "/account/password/reset/", None, None),
            ("signup-closed", "/account/signup/", None, None),
            ("signup", f"/invitation/{self.link}", None, sign_up),
            ("invitation", f"/invitation/{self.link}", None, None),
            ("invitation-joining", f"/invitation/{self.link}", self.nobody, None),
            ("invitation-there", f"/invitation/{self.link}", alice, None),
            ("invitation-over", "/invitation/over", None, None),
            ("no-team", "/", self.nobody, None),
            ("team-new", "/teams/new", eve, make_team),
            ("team-invited", f"{team}/members", alice, invite),
            ("team-last-owner", f"{team}/members", alice, give_up_owning),
            ("team-bad-key", f"{team}/settings", alice, bad_key),
            ("team-erasing", f"{team}/settings", alice, erase_old),
            ("team-token-made", f"{team}/tokens", alice, token_made),
            ("watchlist-wrong", "/alerts/new", alice, bad_watchlist),
            ("alerts-empty", "/alerts", eve, None),
            ("api", "/api/docs", alice, None),
            ("account-again", "/account/2fa/totp/activate/", alice, None),
            ("account-app", "/account/2fa/totp/activate/", alice, again),
            ("account-key", "/account/2fa/webauthn/add/", alice, again),
            ("account-email", "/account/email/", alice, None),
            ("account-sessions", "/account/sessions/", alice, None),
            ("admin", "/admin/", alice, None),
            ("admin-list", f"{admin}/transcript/", alice, None),
            ("admin-transcript", f"{admin}/transcript/{self.stage.sample.pk}/change/", self.stage.alice, None),
            ("admin-cancel", f"{admin}/transcript/?state__exact=queued", alice, ask_to_cancel),
            ("admin-team", f"{admin}/team/{self.stage.newsroom.pk}/change/", alice, None),
        ]
