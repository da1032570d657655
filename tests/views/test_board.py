"""The board as the server renders it: what a card says, in which order, and which ways out of trouble it offers."""

from __future__ import annotations

import pytest
from django.utils import timezone

from transcripts.live.board import read_board
from transcripts.models import Event, EventKind, Transcript
from transcripts.models.log import Entry, append

pytestmark = pytest.mark.django_db


def change(transcript, **fields) -> Transcript:
    Transcript.objects.filter(pk=transcript.pk).update(**fields)
    transcript.refresh_from_db()
    return transcript


def test_live_first_then_what_needs_attention_then_the_rest(client, bob, make_transcript):
    for state in ("completed", "queued", "failed", "running", "paused", "cancelled"):
        make_transcript(title=state, state=state)
    client.force_login(bob)
    cards = client.get("/").context["cards"]
    assert [card["title"] for card in cards] == ["running", "paused", "failed", "queued", "completed", "cancelled"]


def test_a_live_source_stands_before_a_newer_recording(team, make_transcript):
    change(make_transcript(title="radio", state="running"), is_live=True)
    make_transcript(title="file", state="running")
    assert [card["title"] for card in read_board(team.pk)] == ["radio", "file"]


@pytest.mark.parametrize(
    ("chosen", "titles"),
    [("active", {"running", "queued", "paused"}), ("attention", {"paused", "failed"}), ("done", {"completed"})],
)
def test_filters_are_links_that_work_without_a_script(client, bob, make_transcript, chosen, titles):
    for state in ("completed", "queued", "failed", "running", "paused"):
        make_transcript(title=state, state=state)
    client.force_login(bob)
    response = client.get("/", {"show": chosen})
    assert {card["title"] for card in response.context["cards"]} == titles
    assert f'href="?show={chosen}" aria-current="page"' in response.content.decode()


def test_a_live_card_says_who_started_it_how_far_behind_it_is_and_what_was_lost(client, bob, alice, make_transcript):
    row = change(
        make_transcript(state="running"),
        is_live=True,
        created_by=alice,
        committed_samples=60 * 16_000,
        gap_samples=12 * 16_000,
        delay_ms=1830,
        settled_at=timezone.now(),
    )
    append(row.pk, [Entry(EventKind.GAP, {"start_ms": 30_000, "end_ms": 42_000, "reason": "worker_lost"})], when={})
    client.force_login(bob)
    html = client.get("/").content.decode()
    assert "1.8 s behind" in html
    assert alice.get_full_name() or alice.username in html
    assert 'aria-label="1:00 heard, 12 s lost"' in html
    assert 'd="M500.0 0h200.0v4h-200.0z"' in html


def test_a_delay_of_yesterday_is_not_shown(team, make_transcript):
    change(make_transcript(state="completed"), is_live=True, delay_ms=1830)
    assert [card["delay_ms"] for card in read_board(team.pk)] == [None]


@pytest.mark.parametrize(
    ("fields", "offered"),
    [
        ({"engine": "elevenlabs", "code": "quota_exceeded"}, True),
        ({"engine": "elevenlabs", "code": "quota_exceeded", "language": "de"}, False),
        ({"engine": "elevenlabs", "code": "disk_full"}, False),
        ({"engine": "embedded", "code": "engine_away"}, False),
    ],
)
def test_a_refusal_of_the_hosted_engine_offers_the_offline_one(team, make_transcript, fields, offered):
    change(make_transcript(state="paused"), message="Refused.", **fields)
    assert [card["offline_way"] for card in read_board(team.pk)] == [offered]


def test_going_offline_queues_it_with_the_embedded_engine(client, bob, make_transcript):
    row = change(make_transcript(state="paused"), engine="elevenlabs", code="quota_exceeded", message="Used up.")
    client.force_login(bob)
    assert client.post(f"/s/{row.pk}/offline").status_code == 302
    row.refresh_from_db()
    assert (row.state, row.engine, row.code, row.message) == ("queued", "embedded", "", "")
    assert Event.objects.filter(transcript=row).latest("seq").payload["state"] == "queued"


def test_strangers_and_viewers_cannot_change_the_engine(client, charlie, victor, make_transcript):
    row = change(make_transcript(state="paused"), engine="elevenlabs")
    for person, status in ((charlie, 404), (victor, 403)):
        client.force_login(person)
        assert client.post(f"/s/{row.pk}/offline").status_code == status
    row.refresh_from_db()
    assert row.engine == "elevenlabs"


def test_the_board_asks_the_database_as_often_for_many_cards_as_for_few(
    client, bob, make_transcript, django_assert_max_num_queries
):
    for number in range(30):
        change(make_transcript(title=str(number), state="completed"), gap_samples=16_000)
    client.force_login(bob)
    with django_assert_max_num_queries(12):
        assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("logged", "word"),
    [
        ([], "Connecting"),
        ([(EventKind.SESSION, {"connection": 1})], "Live"),
        ([(EventKind.SESSION, {}), (EventKind.SOURCE, {"code": "source_dropped"})], "Reconnecting"),
        ([(EventKind.SOURCE, {"code": "source_dropped"}), (EventKind.SOURCE, {"code": "source_back"})], "Live"),
        ([(EventKind.SESSION, {}), (EventKind.SOURCE, {"code": "now_playing", "title": "A song"})], "Live"),
    ],
)
def test_a_card_says_that_the_engine_or_the_source_is_being_reached(client, bob, make_transcript, logged, word):
    transcript = change(make_transcript(title="radio", state="running"), is_live=True)
    append(transcript.pk, [Entry(kind, payload) for kind, payload in logged], when={})
    client.force_login(bob)
    page = client.get("/").content.decode()
    card = page[page.index(f'data-card="{transcript.pk}"') :]
    assert f'<span data-slot="word">{word}</span>' in card[: card.index("</li>")]
