"""Review in the admin: narrowed by flags and review; decided with a reason; exported; all of it on record."""

from __future__ import annotations

import io
import zipfile

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import Permission

from tests.admin.test_transcripts import LIST, act, titles, url
from transcripts.models import (
    Act,
    AuditEntry,
    Flag,
    FlagKind,
    FlagState,
    Membership,
    Review,
    ReviewState,
    Role,
    Scan,
    State,
    Transcript,
)
from transcripts.upkeep.erasing import pseudonym


def flag(transcript, kind=FlagKind.CONFIDENCE, start_ms=2_000, **fields):
    return Flag.objects.create(transcript=transcript, kind=kind, start_ms=start_ms, end_ms=start_ms + 900, **fields)


def acts():
    """What stands on record beside the signing in and the opening."""
    usual = [Act.SIGNED_IN, Act.OPENED_BY_STAFF]
    return list(AuditEntry.objects.order_by("id").exclude(act__in=usual).values_list("act", "actor", "target"))


@pytest.fixture
def three(speak):
    """One with an open flag and in review, one whose flag was answered and that is approved, one plain and running."""
    unsure = speak("pilot", title="Unsure", state=State.COMPLETED)
    flag(unsure)
    Scan.objects.create(transcript=unsure, words=10, low_words=1, flags_left=1)
    Review.objects.create(transcript=unsure)
    settled = speak("pilot", title="Settled", state=State.COMPLETED)
    flag(settled, state=FlagState.DISMISSED)
    Scan.objects.create(transcript=settled, words=100, low_words=4)
    Review.objects.create(transcript=settled, state=ReviewState.APPROVED)
    return unsure, settled, speak("pilot", title="Plain", state=State.RUNNING)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("flag=any", ["Unsure"]),
        ("flag=confidence", ["Unsure"]),
        ("flag=gap", []),
        ("flag=nonsense", ["Plain", "Settled", "Unsure"]),
        ("low=10", ["Unsure"]),
        ("low=20", []),
        ("low=nonsense", ["Plain", "Settled", "Unsure"]),
        ("review=approved", ["Settled"]),
        ("review=open", ["Unsure"]),
        ("review=none", ["Plain"]),
        ("review=nonsense", ["Plain", "Settled", "Unsure"]),
        ("review=open&flag=any&q=pilot", ["Unsure"]),
    ],
)
def test_the_list_is_narrowed_by_review_flags_and_confidence(desk, three, query, found):
    assert sorted(titles(desk.get(f"{LIST}?{query}"))) == found


def test_narrowed_lists_take_the_same_queries_however_many_rows(desk, three, speak, django_assert_num_queries):
    query = f"{LIST}?flag=any&low=5&q=pilot"
    desk.get(query)
    with django_assert_num_queries(14, exact=False) as few:
        desk.get(query)
    for number in range(12):
        more = speak("pilot", title=f"Number {number}")
        flag(more)
        Scan.objects.create(transcript=more, words=2, low_words=2, flags_left=1)
        Review.objects.create(transcript=more)
    with django_assert_num_queries(len(few)):
        assert len(titles(desk.get(query))) == 13


def test_flags_are_read_in_place_and_members_get_links_to_the_sound(desk, operator, speak, team):
    transcript = speak("One.", "Two.", media_key="ab/cd")
    flag(transcript, FlagKind.PERSON, details={"note": "<b>Which pilot?</b>"})
    content = desk.get(url(transcript)).content.decode()
    assert "Flagged by a person" in content
    assert "&lt;b&gt;Which pilot?" in content
    assert f"/s/{transcript.pk}?t=0:02" not in content
    Membership.objects.create(team=team, user=operator, role=Role.VIEWER)
    content = desk.get(url(transcript)).content.decode()
    assert f"/s/{transcript.pk}?t=0:02" in content


def test_opening_what_belongs_to_others_stands_on_record(desk, operator, speak, team):
    transcript = speak("Hello.", title="Secret")
    desk.get(url(transcript))
    opened = AuditEntry.objects.get(act=Act.OPENED_BY_STAFF)
    assert (opened.actor, opened.target, opened.team_id) == ("olga", "Secret", team.pk)
    Membership.objects.create(team=team, user=operator, role=Role.VIEWER)
    desk.get(url(transcript))
    assert AuditEntry.objects.filter(act=Act.OPENED_BY_STAFF).count() == 1


def test_approving_leaves_out_what_is_not_finished_and_says_why(desk, three):
    asked = act(desk, "approve", *three)
    assert b"Approve these transcripts?" in asked.content
    assert acts() == []
    done = act(desk, "approve", *three, confirmed="yes").content.decode()
    assert "1 transcript changed." in done
    assert "1 left out: The transcript does not stand where you think." in done
    assert "1 left out: This transcript is still being written. Approve it when it has ended." in done
    assert Review.objects.get(transcript=three[0]).state == ReviewState.APPROVED
    assert acts() == [("approved", "olga", "Unsure")]


def test_returning_and_reopening_want_a_reason(desk, three):
    unsure, settled, _ = three
    for deed, transcript, after in (("send_back", unsure, "returned"), ("reopen", settled, "open")):
        assert b'name="reason"' in act(desk, deed, transcript).content
        refused = act(desk, deed, transcript, confirmed="yes", reason=" ")
        assert b"Say why" in refused.content
        assert b'name="reason"' in refused.content
        act(desk, deed, transcript, confirmed="yes", reason="The names\x00 are wrong")
        review = Review.objects.get(transcript=transcript)
        assert (review.state, review.reason) == (after, "The names are wrong")
    assert acts() == [("returned", "olga", "Unsure"), ("reopened", "olga", "Settled")]


def test_retrying_cancelling_renaming_and_erasing_stand_on_record(desk, make_transcript):
    transcript = make_transcript(state=State.FAILED, title="News")
    act(desk, "retry", transcript, confirmed="yes")
    act(desk, "cancel", transcript, confirmed="yes")
    desk.post(url(transcript), {"title": "Late news"})
    act(desk, "erase", transcript, confirmed="yes")
    assert not Transcript.objects.exists()
    done = [(what, target) for what, _, target in acts()]
    assert done == [("retried", "News"), ("cancelled", "News"), ("renamed", "Late news"), ("deleted", "Late news")]


def test_a_recording_is_erased_and_the_text_stays(desk, speak):
    ended = speak("Hello.", title="Ended", state=State.COMPLETED, media_key="ab/none")
    running = speak("Hello.", title="Running", state=State.RUNNING, media_key="ab/some")
    done = act(desk, "erase_recording", ended, running, confirmed="yes").content.decode()
    assert "1 left out: it has not ended, or has no recording" in done
    ended.refresh_from_db()
    running.refresh_from_db()
    assert (ended.media_key, running.media_key) == ("", "ab/some")
    assert ended.segments.count() == 1


@pytest.mark.django_db(transaction=True)
async def test_several_are_exported_as_one_zip_and_each_stands_on_record(operator, speak, async_client):
    rows = [await sync_to_async(speak)(f"Text {title}.", title=title) for title in ("One", "Two")]
    await async_client.aforce_login(operator)
    data = {"action": "export", "_selected_action": [str(row.pk) for row in rows]}
    asked = await async_client.post(LIST, data)
    assert b'<option value="srt">' in asked.content
    unknown = await async_client.post(LIST, {**data, "confirmed": "yes", "format": "exe"})
    assert b'<option value="srt">' in unknown.content
    response = await async_client.post(LIST, {**data, "confirmed": "yes", "format": "txt"})
    files = zipfile.ZipFile(io.BytesIO(b"".join([piece async for piece in response.streaming_content])))
    assert [b"Text" in files.read(name) for name in files.namelist()] == [True, True]
    assert sorted(await sync_to_async(acts)()) == [("exported", "olga", "One"), ("exported", "olga", "Two")]


def test_who_may_only_look_gets_neither_decisions_nor_erasing(client, django_user_model, three):
    reader = django_user_model.objects.create_user("rita", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_transcript"))
    client.force_login(reader)
    for deed in ("approve", "send_back", "reopen", "erase", "erase_recording", "delete_selected"):
        act(client, deed, three[0], confirmed="yes", reason="x", post="yes")
    assert Review.objects.get(transcript=three[0]).state == ReviewState.OPEN
    assert Transcript.objects.count() == 3


def test_a_person_who_is_deleted_leaves_a_pseudonym_in_the_record(desk, alice, bob, team):
    from transcripts import auditing

    auditing.record(Act.JOINED, actor=bob, team=team, target=bob)
    number = bob.pk
    assert desk.post(f"/admin/auth/user/{number}/delete/", {"post": "yes"}).status_code == 302
    entry = AuditEntry.objects.get(act=Act.JOINED)
    assert (entry.actor, entry.actor_id) == (pseudonym(number), None)
    assert (entry.target, entry.target_id) == (pseudonym(number), "")
