"""What can be done to ticked transcripts, by whom, and how the outcome is told."""

from __future__ import annotations

import io
import re
import zipfile
from uuid import uuid4

import pytest

from tests.search.conftest import say  # noqa: F401 - a fixture
from transcripts import tagging
from transcripts.models import Act, AuditEntry, Membership, Role, Tag, Transcript

pytestmark = [
    pytest.mark.django_db,
    # The test client has no event loop of its own to stream in.
    pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume"),
]


@pytest.fixture
def act(client):
    """Do something to rows as a person: ``act(bob, "tag", rows, tag="news")`` gives the response of the page after."""

    def run(person, do, rows, **more):
        client.force_login(person)
        return client.post("/picked", {"do": do, "pick": [str(row.pk) for row in rows], **more}, follow=True)

    return run


def told(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def tagged(name: str) -> set[str]:
    return set(Transcript.objects.filter(taggings__tag__name=name).values_list("title", flat=True))


@pytest.mark.parametrize(
    ("who", "outcome"),
    [("alice", "2 done."), ("bob", "2 done."), ("victor", "0 done, 2 skipped: your role does not allow it.")],
)
def test_tagging_is_for_editors(request, act, make_transcript, who, outcome):
    rows = [make_transcript(title="One"), make_transcript(title="Two")]
    assert told(act(request.getfixturevalue(who), "tag", rows, tag="news")) == [outcome]
    assert tagged("news") == (set() if who == "victor" else {"One", "Two"})


def test_taking_a_tag_off_says_who_had_none(act, bob, make_transcript):
    rows = [make_transcript(title="One"), make_transcript(title="Two")]
    tagging.put(rows[:1], "news")
    assert told(act(bob, "tag", rows, tag="NEWS")) == ["1 done, 1 skipped: tagged so already."]
    tagging.take(rows[1:], "news")
    assert told(act(bob, "untag", rows, tag="news")) == ["1 done, 1 skipped: without that tag."]
    assert tagged("news") == set()


def test_a_tag_without_a_name_is_told_and_nothing_happens(act, bob, make_transcript):
    assert told(act(bob, "tag", [make_transcript()], tag=" ")) == ["A tag needs a name. Type one, then try again."]
    assert not Tag.objects.exists()


def test_deleting_asks_first_and_spares_what_runs(act, alice, make_transcript, django_capture_on_commit_callbacks):
    rows = [make_transcript(title="Over", state="completed"), make_transcript(title="Running", state="running")]
    asked = act(alice, "delete", rows, back="state=completed").content.decode()
    assert "Delete this transcript?" in asked
    assert "1 other stays: still running." in asked
    assert re.findall(r'name="pick" value="(.*?)"', asked) == [str(rows[0].pk)]
    assert Transcript.objects.count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        after = act(alice, "delete", rows, sure="1", back="state=completed")
    assert told(after) == ["1 done, 1 skipped: still running."]
    assert after.redirect_chain == [("/library?state=completed", 302)]
    assert Transcript.objects.get().title == "Running"


def test_recordings_are_deleted_after_a_question_and_the_text_stays(
    act,
    alice,
    bob,
    say,  # noqa: F811
    django_capture_on_commit_callbacks,
):
    media = {"media_key": "ab/cd", "media_bytes": 7}
    rows = [say("The quay.", title="Heard", **media), say("quay", title="Silent"), say(state="running", **media)]
    assert told(act(bob, "forget", rows, sure="1")) == ["0 done, 3 skipped: your role does not allow it."]
    asked = act(alice, "forget", rows).content.decode()
    assert "Delete this recording?" in asked
    assert 'name="do" value="forget"' in asked
    assert "2 others stay: it has not ended, or has no recording." in asked
    with django_capture_on_commit_callbacks(execute=True):
        outcome = told(act(alice, "forget", rows, sure="1"))
    assert outcome == ["1 done, 2 skipped: it has not ended, or has no recording."]
    assert Transcript.objects.exclude(media_key="").get() == rows[2]
    assert rows[0].segments.get().text == "The quay."
    entry = AuditEntry.objects.get(act=Act.DELETED)
    assert (entry.actor_id, entry.target_id, entry.details["what"]) == (alice.pk, str(rows[0].pk), "recording")


@pytest.mark.parametrize("who", ["bob", "victor"])
def test_deleting_is_for_managers(request, act, make_transcript, who):
    row = make_transcript(state="completed")
    person = request.getfixturevalue(who)
    for more in ({}, {"sure": "1"}):
        assert told(act(person, "delete", [row], **more)) == ["0 done, 1 skipped: your role does not allow it."]
    assert Transcript.objects.exists()


@pytest.mark.parametrize(
    ("do", "before", "after", "unfit"),
    [("retry", "failed", "queued", "nothing to try again"), ("cancel", "queued", "cancelled", "ended already")],
)
def test_retry_and_cancel_take_what_they_fit(act, bob, victor, make_transcript, do, before, after, unfit):
    rows = [make_transcript(title="Fits", state=before), make_transcript(title="Over", state="completed")]
    assert told(act(victor, do, rows)) == ["0 done, 2 skipped: your role does not allow it."]
    assert told(act(bob, do, rows)) == [f"1 done, 1 skipped: {unfit}."]
    assert list(Transcript.objects.order_by("title").values_list("state", flat=True)) == [after, "completed"]


def test_the_export_is_a_zip_of_all_that_may_be_seen(act, victor, say, other_team):  # noqa: F811
    rows = [say("The quay.", title="Same"), say("The pier.", title="Same")]
    secret = say("Nobody's business.", title="Theirs", team=other_team)
    response = act(victor, "export", [*rows, secret], format="srt")
    assert response["Content-Type"] == "application/zip"
    assert re.search(r'filename="transcripts-[\d-]+-srt\.zip"', response["Content-Disposition"])
    with zipfile.ZipFile(io.BytesIO(b"".join(response))) as made:
        texts = {name: made.read(name).decode() for name in made.namelist()}
    assert texts.keys() == {"Same.srt", "Same (2).srt"}
    assert "The pier." in texts["Same.srt"]
    assert "business" not in str(texts)


@pytest.mark.parametrize("do", ["tag", "untag", "retry", "cancel", "delete", "export"])
def test_for_a_stranger_the_rows_do_not_exist(act, charlie, make_transcript, do):
    row = make_transcript(title="Ours", state="failed")
    tagging.put([row], "kept")
    response = act(charlie, do, [row], tag="kept", sure="1")
    assert "Ours" not in response.content.decode()
    if do != "export":
        assert told(response) == ["0 done, 1 skipped: not there any more."]
    row.refresh_from_db()
    assert row.state == "failed"
    assert tagged("kept") == {"Ours"}
    assert Tag.objects.count() == 1


@pytest.mark.parametrize("do", ["tag", "retry", "delete", "export"])
def test_ids_of_others_among_ones_own_are_as_if_they_were_not_there(act, bob, alice, make_transcript, other_team, do):
    theirs = make_transcript(title="Theirs", team=other_team, state="failed")
    before = Transcript.objects.filter(pk=theirs.pk).values().get()
    answers = []
    for pk in (theirs.pk, uuid4()):
        ours = make_transcript(title="Ours", state="failed")
        response = act(alice, do, [ours, Transcript(pk=pk)], tag="kept", sure="1", format="txt")
        answers.append((response.status_code, told(response) if do != "export" else None))
    assert answers[0] == answers[1]
    assert Transcript.objects.filter(pk=theirs.pk).values().get() == before
    assert "Theirs" not in tagged("kept")


def test_rights_are_those_of_each_rows_team(act, bob, make_transcript, other_team):
    Membership.objects.create(team=other_team, user=bob, role=Role.VIEWER)
    rows = [make_transcript(title="Ours"), make_transcript(title="Theirs", team=other_team)]
    assert told(act(bob, "tag", rows, tag="x")) == ["1 done, 1 skipped: your role does not allow it."]
    assert tagged("x") == {"Ours"}


@pytest.mark.parametrize(
    "sent",
    [{}, {"do": "tag"}, {"do": "explode", "pick": "x"}, {"do": "tag", "pick": ["x", "\x00"]}, {"do": "export"}],
    ids=["nothing", "no rows", "no deed", "no ids", "no rows to export"],
)
def test_nonsense_changes_nothing_and_is_answered(client, alice, sent):
    client.force_login(alice)
    response = client.post("/picked", {**sent, "back": "//evil.example/?x=1&q=quay"}, follow=True)
    assert told(response) == ["Nothing was done: tick some transcripts first, then choose what to do."]
    assert response.redirect_chain[0][0].startswith("/library?")


def test_too_many_at_once_are_refused(client, alice):
    client.force_login(alice)
    picks = [f"00000000-0000-4000-8000-{number:012}" for number in range(101)]
    assert "at most 100" in told(client.post("/picked", {"do": "tag", "pick": picks}, follow=True))[0]


def test_the_bar_offers_what_the_role_allows(client, alice, bob, victor, make_transcript):
    make_transcript()
    offers = {}
    for person in (alice, bob, victor):
        client.force_login(person)
        offers[person.username] = re.findall(r'name="do" value="(\w+)"', client.get("/library").content.decode())
    assert offers["alice"] == ["tag", "untag", "export", "retry", "cancel", "forget", "delete"]
    assert offers["bob"] == ["tag", "untag", "export", "retry", "cancel"]
    assert offers["victor"] == ["export"]


def test_many_rows_take_few_queries(client, bob, make_transcript, django_assert_max_num_queries):
    rows = [make_transcript(title=str(number)) for number in range(20)]
    client.force_login(bob)
    with django_assert_max_num_queries(20):
        client.post("/picked", {"do": "tag", "pick": [str(row.pk) for row in rows], "tag": "news"})
    assert len(tagged("news")) == 20
