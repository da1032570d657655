"""The operators' page: staff only, text is text, it renews itself, and it fits a phone."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from typing import Any, cast

import pytest
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from tests.chromium import program
from transcripts.jobs import leases
from transcripts.models import EventKind, Membership, ProviderAccount, Role, State
from transcripts.models.log import Entry, append
from transcripts.upkeep import bounds


@pytest.mark.django_db
def test_only_staff_see_it(client, alice, desk):
    url = reverse("operations")
    assert url == "/admin/status"
    assert client.get(url).status_code == 302
    member = Client()
    member.force_login(alice)
    assert member.get(url).status_code == 404
    assert desk.get(url).status_code == 200


@pytest.mark.django_db
def test_the_admin_leads_to_it(desk):
    assert f'href="{reverse("operations")}"' in desk.get("/admin/").content.decode()


@pytest.mark.django_db
def test_an_empty_installation_says_that_nothing_works_without_a_worker(desk):
    text = desk.get("/admin/status").content.decode()
    assert "No worker is running: nothing is transcribed." in text
    assert "Nothing is being transcribed." in text


@pytest.mark.django_db
def test_it_shows_what_runs_what_waits_and_what_went_wrong(desk, worker, make_transcript):
    worker("host-7-abc", running=1, capacity=4)
    live = make_transcript(title="<script>alert(1)</script>", is_live=True)
    make_transcript()
    assert leases.claim_next("host-7-abc", 20.0) is not None
    append(live.pk, [Entry(EventKind.NOTICE, {"code": "<b>rate</b>"})], when={})
    append(live.pk, [Entry(EventKind.GAP, {"reason": "source_dropped"})], when={})
    ProviderAccount.objects.create(
        fingerprint="f",
        host="api.example.org",
        code="auth_error",
        message="The key was refused.",
        next_step="Set a key.",
    )
    text = desk.get("/admin/status").content.decode()
    assert "api.example.org: The key was refused. Set a key." in text
    for shown in ("host-7-abc", "1 of 4", "1 / 4", "source_dropped", "&lt;b&gt;rate&lt;/b&gt;", "sqlite", "Newsroom"):
        assert shown in text
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert(1)" not in text
    assert "Everything works" not in text


@pytest.mark.django_db
def test_when_all_is_well_it_says_so(desk, worker):
    worker()
    assert "Everything works." in desk.get("/admin/status").content.decode()


@pytest.mark.django_db
def test_the_number_of_questions_does_not_grow_with_what_runs(
    desk, worker, make_transcript, django_assert_max_num_queries
):
    for n in range(30):
        worker(f"w{n}")
        make_transcript(state=State.RUNNING, lease_until=timezone.now() + timedelta(seconds=9))
    with django_assert_max_num_queries(20):
        desk.get("/admin/status")


LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", event => window.refused.push(event.violatedDirective));
"""


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_in_a_browser_it_renews_itself_under_the_policy_and_fits(
    live_server, desk, worker, make_transcript, monkeypatch
):
    from playwright.sync_api import sync_playwright

    chromium = program()
    worker("a-host-with-a-rather-long-name-4711-abcdef")
    make_transcript(title="A title without any end " * 6, is_live=True)
    leases.claim_next("a-host-with-a-rather-long-name-4711-abcdef", 20.0)
    cookie = {"name": settings.SESSION_COOKIE_NAME, "value": desk.cookies["sessionid"].value, "url": live_server.url}
    with (
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"]) as browser,
    ):
        context = browser.new_context()
        context.add_cookies([cast("Any", cookie)])
        context.add_init_script(LISTEN)
        page, errors = context.new_page(), []
        page.on("pageerror", lambda error: errors.append(str(error)))
        for width in (1280, 360):
            page.set_viewport_size({"width": width, "height": 800})
            page.goto(f"{live_server.url}/admin/status")
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            if pictures := os.environ.get("STTWEB_PICTURES"):
                page.screenshot(path=f"{pictures}/status-{width}.png", full_page=True)
        assert page.locator("text=second-worker").count() == 0
        # Playwright's own event loop runs in this thread.
        monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        worker("second-worker")
        page.wait_for_selector("td:has-text('second-worker')", timeout=15_000)
        assert page.evaluate("window.refused") == []
        assert errors == []


@pytest.mark.django_db
def test_every_bound_is_shown_with_the_value_that_is_in_force(desk, settings):
    settings.STTWEB_REPLAY_SECONDS, settings.STTWEB_USER_UNFINISHED = 77.5, 0
    text = desk.get("/admin/status").content.decode()
    shown = bounds.bounds()
    for bound in shown:
        assert str(escape(bound.what)) in text
        assert str(escape(bound.value)) in text
        assert not bound.setting or (hasattr(settings, bound.setting) and bound.setting in text)
    assert {bound.value for bound in shown} >= {"77.5 s", "no bound"}
    # B7 names seven stages; none of them may be missing.
    assert len(shown) >= 15


@pytest.mark.django_db
def test_errors_of_the_speech_service_are_summed_over_the_workers(desk, worker):
    for name, number in (("a", 2), ("b", 3)):
        worker(name, counts={"provider_errors": {"rate_limited": number}})
    text = desk.get("/admin/status").content.decode()
    assert re.search(r"<code>rate_limited</code></dt><dd>5</dd>", text)


@pytest.mark.django_db
def test_the_rail_leads_staff_to_it_and_nobody_else(desk, operator, team, alice):
    Membership.objects.create(team=team, user=operator, role=Role.VIEWER)
    assert 'href="/admin/status"' in desk.get("/").content.decode()
    member = Client()
    member.force_login(alice)
    assert "/admin" not in member.get("/").content.decode()
