"""The library page: what it lists, what it finds, and how it says so."""

from __future__ import annotations

import re

import pytest

from tests.search.conftest import say  # noqa: F401 - a fixture
from transcripts.models import Membership, Review, Role

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(client, alice):
    """The page's HTML: ``read("?q=quay")``."""
    client.force_login(alice)

    def page(address: str = "", **headers: str) -> str:
        response = client.get(f"/library{address}", headers=headers)
        assert response.status_code == 200
        return response.content.decode()

    return page


def titles(html: str) -> list[str]:
    found = re.findall(r'class="row-title"><bdi>(.*?)</bdi>', html)
    return [re.sub("</?mark>", "", title) for title in found]


def test_a_hit_is_a_link_to_the_second_with_its_words_marked(read, say):  # noqa: F811
    row = say("Nothing.", "And then the quay was there", title="Evening")
    html = read("?q=quay")
    assert f'href="/s/{row.pk}?t=13&amp;seg=1#seg-1"' in html
    assert "And then the <mark>quay</mark> was there" in html


def test_speech_and_titles_stay_text(read, say):  # noqa: F811
    say("He said <script>alert(1)</script> & quay", title="<img src=x onerror=quay>")
    html = read("?q=quay")
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; <mark>quay</mark>" in html
    assert "<script>" not in read("?q=<script>&language=<script>&team=<script>")


def test_an_empty_search_says_what_was_searched_and_offers_to_clear(read, say):  # noqa: F811
    say("The quay.")
    html = read("?q=zebra&state=failed")
    assert "No transcript contains “zebra”" in html
    assert "within the filters above" in html
    assert 'href="/library?q=zebra">Clear the filters' in html
    assert 'href="/library?q=zebra"><span class="chip-label">State:</span> Failed' in html
    assert "No transcript passes the filters above" in read("?state=failed")
    assert "Clear the filters" not in read("?q=zebra")


def test_filters_work_as_links_and_without_a_script(read, say):  # noqa: F811
    say("quay", title="Done one", language="de")
    say("quay", title="Failed one", state="failed")
    assert titles(read("?state=failed")) == ["Failed one"]
    assert titles(read("?q=quay&language=de")) == ["Done one"]
    html = read("?state=failed&kind=nonsense&since=never&q=")
    assert '<option value="failed" selected>' in html
    assert 'class="chip" href="/library?">' in html
    assert html.count('class="chip"') == 1


def test_pages_go_to_older_ones_and_keep_the_filters(read, say, monkeypatch):  # noqa: F811
    monkeypatch.setattr("transcripts.search.find.__defaults__", ("", 2, ""))
    for number in range(3):
        say("quay", title=str(number))
    html = read("?q=quay&kind=url")
    (older,) = re.findall(r'rel="next" href="/library(.*?)"', html)
    assert "kind=url" in older
    assert titles(html) == ["2", "1"]
    html = read(older.replace("&amp;", "&"))
    assert titles(html) == ["0"]
    assert 'href="/library?q=quay&amp;kind=url">Newest' in html
    assert 'rel="next"' not in html


def test_words_that_stand_nowhere_are_taken_as_beginnings_and_the_page_says_so(read, say):  # noqa: F811
    say("The harbour.")
    html = read("?q=harb")
    assert "No transcript contains “harb” as whole words" in html
    assert "The <mark>harbour</mark>." in html


def test_the_short_view_leaves_out_text_and_all_passages_but_the_first(read, say):  # noqa: F811
    row = say("The quay.", "A quay.", title="Harbour", last_text="And that was all.")
    assert "And that was all." in read()
    assert "And that was all." not in read("?view=compact")
    assert read("?q=quay").count('class="hit"') == 2
    html = read("?q=quay&view=compact&kind=url")
    assert html.count('class="hit"') == 1
    assert 'href="/library?q=quay&amp;kind=url">Roomy' in html
    assert 'href="/library?q=quay&amp;view=compact">' in html, "a chip that is taken away leaves the view"
    assert '<input type="hidden" name="view" value="compact">' in html
    assert f'href="/s/{row.pk}/export"' in html


def test_where_it_stands_in_review_is_a_filter(read, say):  # noqa: F811
    Review.objects.create(transcript=say("quay", title="Approved one"), state="approved")
    say("quay", title="Never sent")
    html = read("?review=approved")
    assert titles(html) == ["Approved one"]
    assert '<span class="chip-label">Review:</span> Approved' in html
    assert titles(read("?q=quay&review=none")) == ["Never sent"]


def test_curly_quotes_are_quotes(read, say):  # noqa: F811
    say("the new quay")
    assert "<mark>new quay</mark>" in read("?q=\u201cnew quay\u201d")
    assert "in quotes, straight or curly" in read()


def test_a_search_that_stopped_for_lack_of_time_says_so_and_leads_on(read, say, monkeypatch):  # noqa: F811
    row = say("quay", title="Newest")
    for rows, said in (([row], "The search stopped here to stay quick"), ([], "older ones were not looked at yet")):
        monkeypatch.setattr("transcripts.search._rows", lambda *_, rows=rows: (rows, "1~" + "0" * 32))
        html = read("?q=quay&kind=url")
        assert said in html
        assert re.search(r'rel="next" href="/library\?q=quay&amp;kind=url&amp;after=1~0+"', html)
        assert titles(html) == [row.title for row in rows]


def test_htmx_gets_the_rows_alone(read, say):  # noqa: F811
    say("The quay.")
    html = read("?q=quay", **{"HX-Request": "true"})
    assert titles(html) == ["Evening news"]
    assert "<html" not in html
    assert 'role="search"' not in html


def test_other_teams_are_there_for_their_members_alone(client, read, say, alice, other_team):  # noqa: F811
    say("The quay.", title="Ours")
    say("The quay.", title="Theirs", team=other_team)
    for asked in (str(other_team.pk), "all", ""):
        assert titles(read(f"?q=quay&team={asked}")) == ["Ours"]
    Membership.objects.create(team=other_team, user=alice, role=Role.VIEWER)
    assert titles(read("?q=quay&team=all")) == ["Theirs", "Ours"]
    assert titles(read(f"?team={other_team.pk}")) == ["Theirs"]
    assert "Competitors" in read(f"?team={other_team.pk}")


def test_a_page_takes_the_same_queries_however_much_it_shows(read, say, django_assert_max_num_queries):  # noqa: F811
    for number in range(30):
        say("The quay.", "The pier", title=str(number))
    for address in ("", "?q=quay"):
        with django_assert_max_num_queries(16):
            assert len(titles(read(address))) == 25
