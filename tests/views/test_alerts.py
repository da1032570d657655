"""The pages of alerts: the feed, the lists, and the side panel of a transcript."""

from __future__ import annotations

import pytest

from tests.alerts.test_alerts import say
from transcripts import news
from transcripts.alerts import managing
from transcripts.models import Act, AuditEntry, Hit, Watchlist

FORM = {"name": "City", "terms": "mayor\ncity council\n\nmayor", "time_zone": "Europe/Berlin", "is_enabled": "on",
        "tells_pages": "on", "languages": "EN, de", "quiet_from": "22:00", "quiet_until": "07:00"}  # fmt: skip


@pytest.fixture
def heard(team, make_transcript):
    Watchlist.objects.create(team=team, name="City", terms=["mayor"])
    transcript = make_transcript(title="Evening news")
    say(transcript, 0, "<b>the</b> mayor spoke")
    say(transcript, 7, "and the mayor of London spoke")
    news.read_all()
    return transcript


def test_the_feed_leads_to_the_second_and_counts_what_is_new(client, bob, heard):
    client.force_login(bob)
    page = client.get("/alerts").content.decode()
    assert f"/s/{heard.pk}?t=1:11" in page
    assert "<mark>mayor</mark>" in page
    assert "of London spoke" in page
    assert "<b>the" not in page
    assert '<span class="visually-hidden">New:</span> 2' in client.get("/library").content.decode()


def test_seen_is_seen_for_the_team(client, alice, bob, heard):
    client.force_login(bob)
    first = Hit.objects.order_by("id").first()
    client.post("/alerts/seen", {"hit": first.pk})
    assert list(Hit.objects.order_by("id").values_list("seen_by__username", flat=True)) == ["bob", None]
    client.force_login(alice)
    assert client.get("/alerts?show=unseen").content.decode().count("<mark>") == 1
    client.post("/alerts/seen")
    assert not Hit.objects.filter(seen_at=None).exists()


def test_who_only_looks_takes_no_news_from_the_others(client, victor, heard):
    client.force_login(victor)
    page = client.get("/alerts").content.decode()
    assert (page.count("<mark>"), page.count("/alerts/seen")) == (2, 0)
    assert client.post("/alerts/seen").status_code == 403
    assert Hit.objects.filter(seen_at=None).count() == 2


def test_however_many_hits_there_are_all_are_marked(bob, team, heard):
    watched = Watchlist.objects.get()
    Hit.objects.bulk_create(
        Hit(watchlist=watched, transcript=heard, seq=1, segment=100 + n, start_ms=n, term="mayor", said="mayor")
        for n in range(5_100)
    )
    assert managing.mark_seen(managing.hits_of(team), bob) == 5_102
    assert managing.unseen(team, 10) == 0


def test_another_team_sees_marks_and_changes_nothing(client, charlie, heard):
    client.force_login(charlie)
    assert "mayor" not in client.get("/alerts").content.decode()
    client.post("/alerts/seen")
    watched = Watchlist.objects.get()
    assert client.get(f"/alerts/lists/{watched.pk}").status_code == 404
    assert client.post(f"/alerts/lists/{watched.pk}/delete").status_code == 404
    assert Hit.objects.filter(seen_at=None).count() == 2


def test_a_viewer_looks_and_does_not_edit_lists(client, victor, heard):
    client.force_login(victor)
    watched = Watchlist.objects.get()
    assert client.get("/alerts").status_code == 200
    assert client.get("/alerts/new").status_code == 403
    assert client.post(f"/alerts/lists/{watched.pk}", FORM).status_code == 403
    assert client.post(f"/alerts/lists/{watched.pk}/delete").status_code == 403


def test_a_list_is_made_changed_and_deleted(client, bob):
    client.force_login(bob)
    assert client.post("/alerts/new", FORM).status_code == 302
    made = Watchlist.objects.get()
    assert (made.terms, made.languages) == (["mayor", "city council"], ["en", "de"])
    page = client.get(f"/alerts/lists/{made.pk}").content.decode()
    assert "mayor\ncity council" in page
    assert 'value="en, de"' in page
    client.post(f"/alerts/lists/{made.pk}", FORM | {"terms": "elect*"})
    assert Watchlist.objects.get().terms == ["elect*"]
    client.post(f"/alerts/lists/{made.pk}/delete")
    assert not Watchlist.objects.exists()
    assert AuditEntry.objects.filter(act=Act.WATCHLIST_CHANGED).count() == 3


@pytest.mark.parametrize(
    "change",
    [
        {"terms": ""},
        {"terms": "*"},
        {"terms": "w " * 13},
        {"terms": "x" * 101},
        {"time_zone": "Mars/Base"},
        {"name": ""},
    ],
    ids=["none", "star", "long-phrase", "long-word", "zone", "nameless"],
)
def test_what_cannot_work_is_refused_and_kept_in_the_form(client, bob, change):
    client.force_login(bob)
    assert client.post("/alerts/new", FORM | change).status_code == 422
    assert not Watchlist.objects.exists()


def test_switching_a_list_on_again_does_not_look_back(client, bob, team):
    watched = Watchlist.objects.create(team=team, name="City", terms=["mayor"], is_enabled=False)
    client.force_login(bob)
    client.post(f"/alerts/lists/{watched.pk}", FORM)
    assert Watchlist.objects.get().since > watched.since


def test_the_page_of_a_transcript_has_its_hits(client, bob, heard):
    client.force_login(bob)
    page = client.get(f"/s/{heard.pk}").content.decode()
    assert 'href="#t=1:11"' in page
    assert client.get(f"/s/{heard.pk}/alerts").content.decode().count("<mark>") == 2
