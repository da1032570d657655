"""Tags on the pages: those of a transcript, and a team's own list."""

from __future__ import annotations

import re

import pytest

from transcripts import tagging
from transcripts.models import Tag

pytestmark = pytest.mark.django_db


def shown(html: str) -> list[str]:
    return re.findall(r'class="tag"><a href="/library\?tag=\w+"><bdi>(.*?)</bdi>', html)


def test_an_editor_tags_a_transcript_on_its_page(client, bob, make_transcript):
    row = make_transcript()
    client.force_login(bob)
    page = client.post(f"/s/{row.pk}/tag", {"put": "News"}, follow=True).content.decode()
    assert shown(page) == ["News"]
    assert shown(client.get("/library").content.decode()) == ["News"]
    assert shown(client.post(f"/s/{row.pk}/tag", {"take": "News"}, follow=True).content.decode()) == []


def test_htmx_gets_the_tags_alone_and_the_reason_of_a_refusal(client, bob, make_transcript):
    row = make_transcript()
    client.force_login(bob)
    html = client.post(f"/s/{row.pk}/tag", {"put": ""}, headers={"HX-Request": "true"}).content.decode()
    assert "A tag needs a name." in html
    assert "<html" not in html


def test_a_viewer_sees_tags_and_changes_none(client, victor, make_transcript):
    row = make_transcript()
    tagging.put([row], "News")
    client.force_login(victor)
    html = client.get(f"/s/{row.pk}").content.decode()
    assert shown(html) == ["News"]
    assert f"/s/{row.pk}/tag" not in html
    assert client.post(f"/s/{row.pk}/tag", {"take": "News"}).status_code == 403
    assert client.post("/tags", {"tag": Tag.objects.get().pk, "do": "delete"}).status_code == 403
    assert Tag.objects.exists()


def test_a_name_stays_text(client, alice, make_transcript):
    row = make_transcript()
    tagging.put([row], "<b>&'\"x")
    client.force_login(alice)
    for path in ("/library", "/tags", f"/s/{row.pk}"):
        html = client.get(path).content.decode()
        assert "<b>&" not in html
        assert "&lt;b&gt;&amp;" in html


def test_an_owner_renames_merges_and_deletes(client, alice, make_transcript):
    first, second = make_transcript(), make_transcript()
    (news,) = tagging.put([first], "news")
    tagging.put([second], "old")
    client.force_login(alice)
    html = client.get("/tags").content.decode()
    assert html.count("1 transcript<") == 2
    page = client.post("/tags", {"tag": news.pk, "do": "rename", "name": "News today"}, follow=True)
    assert "“news” is “News today” now." in page.content.decode()
    page = client.post("/tags", {"tag": news.pk, "do": "rename", "name": "OLD"}, follow=True)
    assert "“News today” and “old” are one tag now." in page.content.decode()
    assert "2 transcripts" in page.content.decode()
    page = client.post("/tags", {"tag": Tag.objects.get().pk, "do": "delete"}, follow=True)
    assert "its transcripts stay" in page.content.decode()
    assert first.taggings.count() == 0


@pytest.mark.parametrize("number", ["", "x", "0", "9" * 30, "-1"])
def test_a_tag_that_is_not_there_is_404(client, alice, number):
    client.force_login(alice)
    assert client.post("/tags", {"tag": number, "do": "delete"}).status_code == 404


def test_another_teams_tag_is_404(client, charlie, make_transcript):
    (tag,) = tagging.put([make_transcript()], "news")
    client.force_login(charlie)
    assert client.post("/tags", {"tag": tag.pk, "do": "delete"}).status_code == 404
    assert "news" not in client.get("/tags").content.decode()
    assert Tag.objects.exists()
