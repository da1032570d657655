"""Links to public captions: made by those who control, shown once, opened by anybody, gone when taken back."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests.views.test_session_page import say
from transcripts import captionlocks, qr, sharing, throttling
from transcripts.live import doorstep
from transcripts.live.doorstep import Doorstep
from transcripts.models import AuditEntry, CaptionLink, Event
from transcripts.throttling import Limit

PASSWORD = "river stone"


@pytest.fixture(autouse=True)
def _fresh_doorstep(monkeypatch):
    monkeypatch.setattr(doorstep, "captions", Doorstep())


@pytest.fixture
def editor(client, bob):
    client.force_login(bob)
    return client


def made(editor: Client, transcript, **fields) -> str:
    """The path of a new link, as its maker is shown it."""
    page = editor.post(f"/s/{transcript.pk}/share", {"hours": 4, "delay": 0, **fields})
    assert page.status_code == 200, page.content.decode()
    assert page["Cache-Control"] == "no-store"
    (address,) = re.findall(r'value="http://testserver(/c/[\w-]{32})"', page.content.decode())
    return address


def test_anybody_reads_along_and_learns_nothing_else(editor, make_transcript):
    transcript = make_transcript(state="running", title="Secret title")
    say(transcript, "Older words.", 0)
    say(transcript, "Newest <b>words.", 1)
    path = made(editor, transcript)
    for suffix in ("", "/overlay"):
        answer = Client().get(path + suffix)
        page = answer.content.decode()
        assert "Newest &lt;b&gt;words." in page
        for kept in ("Secret title", "Older words", str(transcript.pk), "bob", "Newsroom"):
            assert kept not in page
        assert (answer["Cache-Control"], answer["Referrer-Policy"]) == ("no-store", "no-referrer")
        assert "noindex" in answer["X-Robots-Tag"]
        assert not answer.cookies
    assert 'data-style="clear"' in page


def test_the_token_is_shown_once_and_kept_as_a_hash(editor, make_transcript):
    transcript = make_transcript()
    token = made(editor, transcript).rpartition("/")[2]
    assert token not in editor.get(f"/s/{transcript.pk}/share").content.decode()
    kept = CaptionLink.objects.get()
    assert token not in str(vars(kept))
    assert sharing.find(token) == kept
    assert token not in str(list(Event.objects.values()))


def test_text_younger_than_the_delay_is_not_in_the_page(editor, make_transcript):
    transcript = make_transcript(state="running")
    seq = say(transcript, "Old enough.", 0)
    Event.objects.filter(transcript=transcript, seq=seq).update(at=timezone.now() - timedelta(seconds=90))
    say(transcript, "Too new.", 1)
    page = Client().get(made(editor, transcript, delay=60)).content.decode()
    assert "Old enough." in page
    assert "Too new." not in page


def test_taken_back_expired_and_unknown_links_are_the_same_404(editor, make_transcript):
    transcript = make_transcript()
    taken, expired = made(editor, transcript), made(editor, transcript)
    link = sharing.find(taken.rpartition("/")[2])
    assert link is not None
    assert editor.post(f"/s/{transcript.pk}/share/{link.pk}/revoke").url == f"/s/{transcript.pk}/share"
    CaptionLink.objects.exclude(pk=link.pk).update(expires_at=timezone.now())
    for path in (taken, expired, "/c/" + "x" * 32, "/c/" + "y" * 3000):
        assert Client().get(path).status_code == 404
        assert Client().get(path + "/overlay").status_code == 404
    log = editor.get(f"/s/{transcript.pk}").content.decode()
    assert "Public caption link made (Bob)" in log
    assert "Public caption link taken back (Bob)" in log


def test_a_link_of_another_transcript_is_not_taken_back_from_here(editor, charlie, make_transcript, other_team):
    mine, theirs = make_transcript(), make_transcript(team=other_team)
    link, token = sharing.make_link(theirs, charlie, 1, 0)
    assert editor.post(f"/s/{mine.pk}/share/{link.pk}/revoke").status_code == 404
    assert editor.post(f"/s/{theirs.pk}/share/{link.pk}/revoke").status_code == 404
    assert sharing.find(token) == link


@pytest.mark.parametrize(
    "fields", [{"delay": -1}, {"delay": 301}, {"delay": "soon"}, {"hours": 9999}, {"hours": ""}], ids=str
)
def test_wrong_wishes_are_said_at_the_field_and_make_nothing(editor, make_transcript, fields):
    transcript = make_transcript()
    answer = editor.post(f"/s/{transcript.pk}/share", {"hours": 4, "delay": 0, **fields})
    assert answer.status_code == 422
    assert 'class="field-error"' in answer.content.decode()
    assert not CaptionLink.objects.exists()


def test_a_transcript_has_a_bounded_number_of_links(editor, make_transcript, monkeypatch):
    monkeypatch.setattr(sharing, "MOST_LINKS", 1)
    transcript = make_transcript()
    made(editor, transcript)
    answer = editor.post(f"/s/{transcript.pk}/share", {"hours": 4, "delay": 0})
    assert answer.status_code == 422
    assert "Take one back first" in answer.content.decode()


def test_who_knocks_too_often_is_asked_to_wait(db, monkeypatch):
    monkeypatch.setattr(doorstep, "captions", Doorstep(rate=0.0, burst=1.0))
    assert Client().get("/c/nothing").status_code == 404
    answer = Client().get("/c/nothing")
    assert (answer.status_code, answer["Retry-After"]) == (429, "5")
    assert Client(REMOTE_ADDR="192.0.2.7").get("/c/nothing").status_code == 404


def test_the_doorstep_remembers_a_bounded_number_of_addresses(monkeypatch):
    monkeypatch.setattr(doorstep, "MOST", 3)
    step = Doorstep()
    for number in range(9):
        assert step.admits(str(number))
    assert len(step._buckets) == 3


def test_a_link_with_a_password_shows_nothing_before_it_was_given(editor, make_transcript):
    transcript = make_transcript(state="running", title="Secret title")
    say(transcript, "Spoken words.", 0)
    path = made(editor, transcript, password=PASSWORD)
    reader = Client()
    for suffix in ("", "/overlay"):
        answer = reader.get(path + suffix)
        page = answer.content.decode()
        assert 'name="password"' in page
        assert "Spoken words." not in page
        assert "captions-config" not in page
        assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    answer = reader.post(path, {"password": "river stones"})
    assert (answer.status_code, "That is not the password" in answer.content.decode()) == (403, True)
    assert 'name="password"' in reader.get(path).content.decode()
    answer = reader.post(path, {"password": PASSWORD})
    assert (answer.status_code, answer["Location"]) == (302, path)
    (cookie,) = (morsel for name, morsel in answer.cookies.items() if name.startswith("captions_"))
    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")
    for suffix in ("", "/overlay"):
        assert "Spoken words." in reader.get(path + suffix).content.decode()


def test_the_password_is_kept_hashed_and_comes_back_nowhere(editor, make_transcript):
    transcript = make_transcript()
    page = editor.post(f"/s/{transcript.pk}/share", {"hours": 4, "delay": 0, "password": PASSWORD}).content.decode()
    assert "with a password" in page
    assert PASSWORD not in page
    assert PASSWORD not in editor.get(f"/s/{transcript.pk}/share").content.decode()
    link = CaptionLink.objects.get()
    assert PASSWORD not in str(vars(link))
    assert link.password.count("$") >= 3
    assert PASSWORD not in str(list(AuditEntry.objects.values())) + str(list(Event.objects.values()))


def test_a_pass_opens_its_own_link_and_no_other_and_not_after_the_password_changed(editor, make_transcript):
    transcript = make_transcript()
    first, second = (made(editor, transcript, password=PASSWORD) for _ in range(2))
    reader = Client()
    reader.post(first, {"password": PASSWORD})
    assert 'name="password"' not in reader.get(first).content.decode()
    mine, other = (sharing.find(path.rpartition("/")[2]) for path in (first, second))
    assert mine is not None
    assert other is not None
    reader.cookies[captionlocks.cookie_of(other)] = reader.cookies[captionlocks.cookie_of(mine)].value
    assert 'name="password"' in reader.get(second).content.decode()
    reader.cookies[captionlocks.cookie_of(mine)] = "forged:" + reader.cookies[captionlocks.cookie_of(mine)].value
    assert 'name="password"' in reader.get(first).content.decode()
    del reader.cookies[captionlocks.cookie_of(mine)]
    reader.post(first, {"password": PASSWORD})
    CaptionLink.objects.filter(pk=mine.pk).update(password=other.password)
    assert 'name="password"' in reader.get(first).content.decode()


def test_guessing_is_slowed_down_and_right_passwords_are_not(editor, make_transcript, monkeypatch):
    monkeypatch.setattr(captionlocks, "OF_ADDRESS", Limit(1 / 3600, 3))
    path = made(editor, make_transcript(), password=PASSWORD)
    for _ in range(6):
        assert Client().post(path, {"password": PASSWORD}).status_code == 302
    codes = [Client().post(path, {"password": f"guess {n}"}).status_code for n in range(4)]
    assert codes == [403, 403, 403, 429]
    # A second process shares the count.
    throttling.turns.clear()
    answer = Client().post(path, {"password": PASSWORD})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 60
    assert "Too many wrong passwords" in answer.content.decode()
    assert Client(REMOTE_ADDR="192.0.2.9").post(path, {"password": PASSWORD}).status_code == 302


def test_many_addresses_together_guess_slowly_too(editor, make_transcript, monkeypatch):
    monkeypatch.setattr(captionlocks, "OF_ALL", Limit(1 / 3600, 4))
    path = made(editor, make_transcript(), password=PASSWORD)
    codes = [Client(REMOTE_ADDR=f"192.0.2.{n}").post(path, {"password": "guess"}).status_code for n in range(5)]
    assert codes == [403, 403, 403, 403, 429]


def test_one_address_that_goes_on_guessing_locks_nobody_else_out(editor, make_transcript, monkeypatch):
    monkeypatch.setattr(captionlocks, "OF_ADDRESS", Limit(0.001, 2))
    monkeypatch.setattr(captionlocks, "OF_ALL", Limit(0.001, 6))
    path = made(editor, make_transcript(), password=PASSWORD)
    guesses = [Client(REMOTE_ADDR="10.0.0.9").post(path, {"password": "wrong one"}).status_code for _ in range(12)]
    assert guesses == [403] * 2 + [429] * 10
    assert Client(REMOTE_ADDR="10.0.0.1").post(path, {"password": PASSWORD}).status_code == 302


def test_a_short_password_is_said_at_its_field(editor, make_transcript):
    answer = editor.post(f"/s/{make_transcript().pk}/share", {"hours": 4, "delay": 0, "password": "short"})
    assert answer.status_code == 422
    assert not CaptionLink.objects.exists()


def test_the_code_for_cameras_is_the_address_and_breaks_no_policy(editor, make_transcript):
    page = editor.post(f"/s/{make_transcript().pk}/share", {"hours": 4, "delay": 0}).content.decode()
    (address,) = re.findall(r'id="fresh-page" readonly value="([^"]+)"', page)
    (path,) = re.findall(r'<path d="([^"]+)" fill="#000"', page)
    assert qr.code(address).path == path
    figure = page[page.index('<figure class="share-code"') : page.index("</figure>")]
    assert "style" not in figure
    assert "<script" not in figure
    assert "share-code" not in editor.get(f"/s/{make_transcript().pk}/share").content.decode()
