"""Saved transcripts in the admin: found, read, retried, cancelled, deleted, and not broken."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from transcripts.admin import lists
from transcripts.admin import transcripts as page
from transcripts.media.storage import MediaStore
from transcripts.models import Event, Segment, State, Transcript

LIST = "/admin/transcripts/transcript/"


def url(transcript):
    return f"{LIST}{transcript.pk}/change/"


def act(desk, action, *transcripts, **data):
    keys = [str(transcript.pk) for transcript in transcripts]
    return desk.post(LIST, {"action": action, "_selected_action": keys, **data}, follow=True)


def titles(response):
    return [transcript.title for transcript in response.context["cl"].result_list]


def test_the_list_shows_what_an_operator_looks_for(desk, make_transcript):
    make_transcript(title="Harbour hearing", state=State.FAILED, committed_samples=16_000 * 3_725)
    content = desk.get(LIST).content.decode()
    for shown in ("Harbour hearing", "Newsroom", "Failed", "Link", "Embedded (offline)", "01:02:05"):
        assert shown in content


def test_the_list_is_searched_by_title(desk, make_transcript):
    make_transcript(title="Harbour hearing")
    make_transcript(title="Evening news")
    assert titles(desk.get(LIST, {"q": "harbour"})) == ["Harbour hearing"]


def test_the_list_is_searched_by_what_was_said(desk, speak):
    speak("The pilot boat left at dawn.", title="One")
    speak("The boat stayed.", "A pilot spoke.", title="Two")
    assert titles(desk.get(LIST, {"q": "boat pilot"})) == ["One"]


def test_the_search_finds_no_more_than_the_newest(desk, speak, monkeypatch):
    monkeypatch.setattr(page, "SEARCH_FOUND", 1)
    speak("anchor", title="Old")
    speak("anchor", "chain", title="New")
    assert titles(desk.get(LIST, {"q": "anchor"})) == ["New"]


def test_the_search_stays_within_the_filters_and_crosses_teams(desk, speak, other_team):
    speak("anchor", title="Failed", state=State.FAILED)
    speak("anchor", title="Theirs", team=other_team)
    assert titles(desk.get(LIST, {"q": "anchor", "state__exact": "failed"})) == ["Failed"]
    assert titles(desk.get(LIST, {"q": "anchor", "team__id__exact": str(other_team.pk)})) == ["Theirs"]


def test_a_transcript_is_found_by_its_id_and_nothing_by_mere_signs(desk, speak):
    wanted = speak("one", title="Wanted")
    speak("two")
    assert titles(desk.get(LIST, {"q": str(wanted.pk)})) == ["Wanted"]
    assert titles(desk.get(LIST, {"q": '"!?'})) == []


@pytest.mark.parametrize("query", ["state__exact=failed", "engine__exact=elevenlabs", "source_kind__exact=upload"])
def test_the_list_is_narrowed_by_filters(desk, make_transcript, query):
    make_transcript(title="Wanted", state=State.FAILED, engine="elevenlabs", source_kind="upload")
    make_transcript(title="Other")
    assert titles(desk.get(f"{LIST}?{query}")) == ["Wanted"]


@pytest.mark.parametrize(("way", "wanted"), [("1", "abc"), ("-1", "cba")], ids=["up", "down"])
def test_sorting_by_title_reads_an_index(desk, make_transcript, way, wanted):
    for title in ("b", "c", "a"):
        make_transcript(title=title)
    with CaptureQueriesContext(connection) as queries:
        shown = desk.get(f"/admin/transcripts/transcript/?o={way}").context["cl"].result_list
    assert "".join(row.title for row in shown) == wanted
    (sql,) = (one["sql"] for one in queries if 'ORDER BY "transcripts_transcript"."title"' in one["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # three rows need no index
        cursor.execute(f"EXPLAIN {'' if connection.vendor == 'postgresql' else 'QUERY PLAN'} {sql}")
        assert "transcript_by_title" in str(cursor.fetchall())


def test_the_list_takes_the_same_few_queries_however_many_rows(desk, speak, django_assert_num_queries):
    speak("one")
    desk.get(LIST)
    with django_assert_num_queries(8, exact=False) as few:
        desk.get(LIST)
    for number in range(20):
        speak("one", title=f"Number {number}")
    with django_assert_num_queries(len(few)):
        desk.get(LIST)


def test_no_list_counts_a_whole_table(desk, speak, django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(lists, "COUNT_LIMIT", 2)
    for number in range(4):
        speak("one", title=f"Number {number}")
    for name in ("transcript", "segment", "event", "team", "membership", "worker"):
        with django_assert_num_queries(10, exact=False) as asked:
            response = desk.get(f"/admin/transcripts/{name}/")
        assert response.context["cl"].result_count <= 2
        counts = [query["sql"] for query in asked if "COUNT(" in query["sql"]]
        assert counts
        assert all("LIMIT 2" in sql for sql in counts)


def test_the_text_is_read_in_place_with_its_times(desk, speak):
    transcript = speak("The first sentence.", "The second one.")
    content = desk.get(url(transcript)).content.decode()
    assert "The first sentence." in content
    assert "00:00:02–00:00:04" in content
    assert "Committed text" in content


def test_a_long_text_and_a_long_log_come_page_by_page(desk, speak):
    transcript = speak(*(f"Sentence number {number}." for number in range(250)))
    first = desk.get(url(transcript)).content.decode()
    assert "Sentence number 99." in first
    assert "Sentence number 100." not in first.split('id="log"')[0]
    assert "?text=2#text" in first
    last = desk.get(url(transcript), {"text": "3", "log": "2"}).content.decode()
    assert "Sentence number 249." in last.split('id="log"')[0]
    assert "?text=3&amp;log=3#log" in last
    assert desk.get(url(transcript), {"text": "nonsense", "log": "-4"}).status_code == 200


def test_the_detail_page_takes_a_bounded_number_of_queries(desk, speak, django_assert_num_queries):
    transcript = speak(*(f"Sentence {number}." for number in range(150)))
    with django_assert_num_queries(16, exact=False):
        desk.get(url(transcript))


def test_the_page_links_to_the_transcript_itself(desk, speak):
    transcript = speak("Hello.")
    assert reverse("session", args=[transcript.pk]) in desk.get(url(transcript)).content.decode()


def test_speech_and_titles_are_text(desk, speak):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    transcript = speak(evil, title=evil)
    for address in (url(transcript), LIST, "/admin/transcripts/segment/", "/admin/transcripts/event/"):
        content = desk.get(address).content.decode()
        assert "alert(1)" in content
        assert "<script>alert" not in content
        assert "<img src=x" not in content


def test_only_the_title_can_be_edited(desk, speak):
    transcript = speak("Hello.", state=State.RUNNING, epoch=3)
    form = {"title": "Corrected", "state": "completed", "epoch": "9", "last_seq": "0", "options": "{}"}
    assert desk.post(url(transcript), form).status_code == 302
    after = Transcript.objects.get(pk=transcript.pk)
    assert after.title == "Corrected"
    assert (after.state, after.epoch, after.last_seq) == (State.RUNNING, 3, transcript.last_seq + 1)


def test_saving_the_title_does_not_put_back_what_a_worker_wrote_meanwhile(desk, speak, monkeypatch):
    transcript = speak("Hello.")
    true_save = page.TranscriptAdmin.save_model

    def worker_commits_first(self, request, obj, form, change):
        Transcript.objects.filter(pk=obj.pk).update(committed_samples=99, state=State.RUNNING)
        true_save(self, request, obj, form, change)

    monkeypatch.setattr(page.TranscriptAdmin, "save_model", worker_commits_first)
    desk.post(url(transcript), {"title": "Corrected"})
    after = Transcript.objects.get(pk=transcript.pk)
    assert (after.title, after.committed_samples, after.state) == ("Corrected", 99, State.RUNNING)


def test_nothing_is_added_by_hand(desk):
    for name in ("transcript", "segment", "event", "worker"):
        assert desk.get(f"/admin/transcripts/{name}/add/").status_code == 403


def test_retry_asks_first_and_then_queues_again(desk, make_transcript):
    failed = make_transcript(state=State.FAILED, code="source_gone")
    asked = act(desk, "retry", failed)
    assert b"Queue these transcripts again?" in asked.content
    failed.refresh_from_db()
    assert failed.state == State.FAILED
    done = act(desk, "retry", failed, confirmed="yes")
    assert b"1 transcript changed." in done.content
    failed.refresh_from_db()
    assert (failed.state, failed.code) == (State.QUEUED, "")


def test_cancel_leaves_what_has_ended_and_says_so(desk, make_transcript):
    queued, done = make_transcript(title="Queued"), make_transcript(title="Done", state=State.COMPLETED)
    response = act(desk, "cancel", queued, done, confirmed="yes")
    assert b"1 transcript changed." in response.content
    assert b"1 left out: its state does not allow that" in response.content
    assert {row.title: row.state for row in Transcript.objects.all()} == {
        "Queued": State.CANCELLED,
        "Done": State.COMPLETED,
    }


def test_an_action_on_too_many_is_refused(desk, make_transcript, monkeypatch):
    monkeypatch.setattr("transcripts.admin.actions.MOST_ROWS", 1)
    pair = make_transcript(), make_transcript()
    assert b"Choose at most 1 transcripts." in act(desk, "cancel", *pair, confirmed="yes").content
    assert Transcript.objects.filter(state=State.QUEUED).count() == 2


@pytest.mark.django_db(transaction=True)
def test_deleting_takes_the_recording_the_text_and_the_log_away(desk, speak):
    store = MediaStore(settings.STTWEB_MEDIA_DIR, min_free_bytes=0)
    kept = [store.store([b"RIFF"]) for _ in range(3)]
    several = [speak("Hello.", title=f"T{place}", media_key=one.key) for place, one in enumerate(kept)]
    asked = act(desk, "erase", *several[:2])
    assert b"Erase these transcripts for good" in asked.content
    assert Transcript.objects.count() == 3
    act(desk, "erase", *several[:2], confirmed="yes")
    assert b"Segments: 1" in desk.get(f"{LIST}{several[2].pk}/delete/").content
    desk.post(f"{LIST}{several[2].pk}/delete/", {"post": "yes"})
    assert not Transcript.objects.exists()
    assert not Segment.objects.exists()
    assert not Event.objects.exists()
    assert not any((settings.STTWEB_MEDIA_DIR / one.key).exists() for one in kept)


def test_staff_without_the_right_to_change_get_no_actions(client, make_transcript, django_user_model):
    from django.contrib.auth.models import Permission

    reader = django_user_model.objects.create_user("rita", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_transcript"))
    client.force_login(reader)
    transcript = make_transcript()
    assert b'value="cancel"' not in client.get(LIST).content
    act(client, "cancel", transcript, confirmed="yes")
    transcript.refresh_from_db()
    assert transcript.state == State.QUEUED


def test_members_who_are_not_staff_do_not_reach_the_admin(client, alice, make_transcript):
    client.force_login(alice)
    response = client.get(url(make_transcript()))
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")
