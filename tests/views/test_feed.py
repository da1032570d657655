"""Episodes are picked from a feed's page, also without a script, and keep their titles and dates."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.core import signing

from tests.media.origins import podcast
from transcripts import episodes
from transcripts.models import Transcript
from transcripts.views import feed as feed_view
from transcripts.views import probing

HOSTILE = "<script>alert(1)</script>"


class Site:
    """A web site on loopback: path -> bytes; anything under ``/locked`` asks for a login. ``asked`` are its paths."""

    def __init__(self, port: int) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.pages: dict[str, bytes] = {}
        self.asked: list[str] = []

    def serve(self, path: str, body: str | bytes) -> str:
        self.pages[path] = body if isinstance(body, bytes) else body.encode()
        return self.base + path


@pytest.fixture
def site(settings: Any) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            here.asked.append(self.path)
            body = here.pages.get(self.path)
            self.send_response(401 if self.path.startswith("/locked") else 200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        here = Site(server.server_port)
        settings.FETCH_ALLOW_NETWORKS, settings.FETCH_ALLOW_PORTS = ["127.0.0.0/8"], [server.server_port]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield here
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def _nobody_asked_before() -> None:
    feed_view._kept.clear()


@pytest.fixture
def editor(client: Any, bob: Any) -> Any:
    client.force_login(bob)
    return client


def rss(*items: str) -> str:
    return f'<rss version="2.0"><channel><title>The Harbour</title>{"".join(items)}</channel></rss>'


def item(title: str, url: str, extra: str = "") -> str:
    return f'<item><title>{title}</title><enclosure url="{url}" type="audio/mpeg"/>{extra}</item>'


def opened(client: Any, link: str, **query: Any) -> Any:
    """The page of episodes that pasting ``link`` leads to."""
    answer = client.post("/feed", {"link": link})
    assert answer.status_code == 302, answer.content
    return client.get("/feed", dict(parse_qsl(answer.url.partition("?")[2])) | query)


def titles(page: Any) -> list[str]:
    return [offer.title for offer, _here in page.context["rows"]]


def test_a_feed_of_214_episodes_is_paged_newest_first(editor: Any, site: Site) -> None:
    page = opened(editor, site.serve("/feed.xml", podcast(214)))
    assert (page.status_code, len(titles(page)), page.context["page"].paginator.num_pages) == (200, 100, 3)
    assert "214 episodes" in page.content.decode()
    dates = [offer.published for offer, _here in page.context["rows"]]
    assert dates == sorted(dates, reverse=True)
    last = editor.get("/feed" + page.context["older"].replace("page=2", "page=3"))
    assert len(titles(last)) == 14
    assert site.asked == ["/feed.xml"], "turning pages does not fetch again"


def test_the_search_finds_words_of_titles_and_descriptions(editor: Any, site: Site) -> None:
    about = "<description>&lt;p&gt;With the &lt;b&gt;PELICAN&lt;/b&gt; man.&lt;/p&gt;</description>"
    link = site.serve(
        "/f", rss(item("One", "https://a.sttweb.org/1.mp3", about), item("Two", "https://a.sttweb.org/2.mp3"))
    )
    assert titles(opened(editor, link, q="pelican man")) == ["One"]
    nothing = opened(editor, link, q=HOSTILE)
    assert titles(nothing) == []
    assert HOSTILE not in nothing.content.decode()


def test_what_is_picked_becomes_transcripts_with_the_titles_and_dates_of_the_feed(editor: Any, site: Site) -> None:
    page = opened(editor, site.serve("/feed.xml", podcast(3)))
    keys = [offer.key for offer, _here in page.context["rows"]]
    answer = editor.post("/feed/take", {"at": page.context["at"], "episode": keys[:2], "engine": "embedded"})
    assert answer.url == "/"
    made = {one.title: one for one in Transcript.objects.all()}
    assert set(made) == {"Episode 3 & more", "Episode 2 & more"}
    assert made["Episode 3 & more"].published_at == datetime(2026, 1, 1, 7, 3, tzinfo=UTC)
    assert made["Episode 3 & more"].source_url == "https://cdn.sttweb.org/3.mp3"
    shown = editor.get(f"/s/{made['Episode 3 & more'].pk}").content.decode()
    assert "1 Jan 2026" in shown
    again = editor.get("/feed", {"at": page.context["at"]})
    assert [here is not None for _offer, here in again.context["rows"]] == [True, True, False]


def test_one_episode_opens_its_page(editor: Any, site: Site) -> None:
    page = opened(editor, site.serve("/feed.xml", podcast(1)))
    answer = editor.post("/feed/take", {"at": page.context["at"], "episode": page.context["rows"][0][0].key})
    assert answer.url == f"/s/{Transcript.objects.get().pk}"


def test_an_address_on_the_inside_is_shown_and_cannot_be_picked(editor: Any, site: Site) -> None:
    hostile = (
        "http://169.254.169.254/latest",
        "http://10.0.0.7/a.mp3",
        "file:///etc/passwd",
        "http://u:p@a.sttweb.org/",
    )
    link = site.serve("/f", rss(*(item(f"Bad {n}", url) for n, url in enumerate(hostile))))
    page = opened(editor, link)
    assert all(offer.refused for offer, _here in page.context["rows"])
    key = page.context["rows"][0][0].key
    assert f'value="{key}" disabled' in page.content.decode()
    answer = editor.post("/feed/take", {"at": page.context["at"], "episode": key})
    assert answer.status_code == 422
    assert not Transcript.objects.exists()


def test_the_words_of_a_feed_are_text(editor: Any, site: Site) -> None:
    escaped = HOSTILE.replace("<", "&lt;").replace(">", "&gt;")
    about = f"<description>&amp;lt;script&amp;gt;alert(1)&amp;lt;/script&amp;gt; {escaped}</description>"
    link = site.serve("/f", rss(item(escaped, "https://a.sttweb.org/1.mp3", about)).replace("The Harbour", escaped))
    assert "alert(1)" in (text := opened(editor, link).content.decode())
    assert not re.search(r"<script>alert", text)


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/locked", "", "source_forbidden"),
        ("/missing", None, "source_not_found"),
        ("/page", "<html><body>Hello</body></html>", "feed_invalid"),
        ("/bomb", '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel/></rss>', "feed_dtd"),
        ("/external", '<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/x"><rss><channel/></rss>', "feed_dtd"),
        ("/huge", b"<rss>" + b" " * (5 * 1024**2), "source_too_large"),
        ("/deep", "<rss>" + "<a>" * 100, "feed_limits"),
        ("/broken", "<rss><channel><item>", "feed_invalid"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("/") else "",
)  # fmt: skip
def test_what_is_no_feed_is_said_and_the_link_stays(editor: Any, site: Site, path: str, body: Any, code: str) -> None:
    if body is not None:
        site.serve(path, body)
    answer = editor.post("/feed", {"link": site.base + path})
    assert (answer.status_code, answer.context["problem"].code) == (422, code)
    assert site.base + path in answer.content.decode()


@pytest.mark.parametrize("link", ["", "no link", "http://10.0.0.7/feed", "ftp://a.sttweb.org/f", "x" * 3000])
def test_what_is_no_link_is_refused(editor: Any, link: str) -> None:
    assert editor.post("/feed", {"link": link}).status_code == 422


def test_nothing_picked_and_an_episode_that_is_gone_are_said(editor: Any, site: Site) -> None:
    page = opened(editor, site.serve("/feed.xml", podcast(2)))
    keys = [offer.key for offer, _here in page.context["rows"]]
    none = editor.post("/feed/take", {"at": page.context["at"]})
    gone = editor.post("/feed/take", {"at": page.context["at"], "episode": [keys[0], "f" * 20]})
    assert (none.context["problem"].code, gone.context["problem"].code) == ("no_episode", "episode_gone")
    assert f'value="{keys[0]}" checked' in gone.content.decode()
    assert not Transcript.objects.exists()


def test_what_was_picked_on_another_page_is_kept_when_something_is_wrong(editor: Any, site: Site) -> None:
    page = opened(editor, site.serve("/feed.xml", podcast(episodes.PAGE + 1)))
    oldest = editor.get("/feed" + page.context["older"]).context["rows"][0][0].key
    answer = editor.post("/feed/take", {"at": page.context["at"], "episode": oldest, "language": "de"})
    assert answer.status_code == 422
    assert f'<input type="hidden" name="episode" value="{oldest}">' in answer.content.decode()


def test_a_list_that_nobody_here_made_is_refused_and_nothing_fetched(editor: Any, site: Site) -> None:
    link = site.serve("/feed.xml", podcast(1))
    for at in ("", "nonsense", signing.dumps(link, salt="another"), link):
        assert editor.get("/feed", {"at": at}).context["problem"].code == "feed_page_stale"
        assert editor.post("/feed/take", {"at": at}).status_code == 422
    assert site.asked == []


def test_a_viewer_picks_nothing(client: Any, victor: Any) -> None:
    client.force_login(victor)
    assert client.post("/feed", {"link": "https://a.sttweb.org/f"}).status_code == 403
    assert client.post("/feed/take", {"at": "x"}).status_code == 403


def test_nobody_asks_without_end(editor: Any, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probing, "A_MINUTE", 1)
    codes = [editor.post("/feed", {"link": site.serve(f"/{n}", podcast(1))}).status_code for n in range(2)]
    assert codes == [302, 422]
    assert site.asked == ["/0"]


def test_the_look_at_a_feed_offers_to_choose(editor: Any, site: Site) -> None:
    found = editor.post("/probe", {"link": site.serve("/feed.xml", podcast(214))}).json()
    assert (found["feed"], found["sentence"]) == (True, "Podcast feed, 214 episodes")


def test_a_feed_in_the_box_for_links_leads_to_its_episodes_also_without_a_script(editor: Any, site: Site) -> None:
    link = site.serve("/feed.xml", podcast(214))
    answer = editor.post("/new", {"links": link})
    assert "214 episodes" in editor.get(answer.url).content.decode()
    answer = editor.post("/new", {"links": link}, headers={"Accept": "application/json"})
    assert "214 episodes" in editor.get(answer.json()["location"]).content.decode()
    assert not Transcript.objects.exists()


def test_a_feed_among_other_links_is_said_where_they_stand(editor: Any, site: Site) -> None:
    link, other = site.serve("/feed.xml", podcast(3)), "https://media.example.org/a.mp3"
    answer = editor.post("/new", {"links": f"{other}\n{link}"})
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "One of the links is a podcast feed" in page
    assert 'href="/feed"' in page
    assert f"{other}\n{link}" in page
    assert not Transcript.objects.exists()


def test_what_only_sounds_like_a_feed_is_taken_as_it_is(editor: Any, site: Site) -> None:
    answer = editor.post("/new", {"links": site.serve("/podcast/talk", b"RIFF....WAVE")})
    assert answer.url == f"/s/{Transcript.objects.get().pk}"


@pytest.mark.parametrize(
    ("link", "may_be"),
    [
        ("https://feeds.example.org/harbour", True),
        ("https://example.org/harbour/rss", True),
        ("https://example.org/show.xml?x=1", True),
        ("https://example.org/?format=rss", True),
        ("https://podcasts.example.org/e/214.MP3", False),
        ("https://example.org/feed/live.m3u8", False),
        ("https://example.org/feedback", False),
        ("https://example.org/atomic", False),
    ],
)
def test_which_links_are_looked_at_first(link: str, may_be: bool) -> None:
    assert episodes.may_be_feed(link) is may_be


def test_a_feed_that_was_taken_for_a_recording_says_where_its_episodes_are(editor: Any, make_transcript: Any) -> None:
    made = make_transcript(source_url="https://example.org/a b?x=1&y", state="failed", code="is_feed", message="m")
    page = editor.get(f"/s/{made.pk}").content.decode()
    assert 'href="/feed?link=https%3A%2F%2Fexample.org%2Fa%20b%3Fx%3D1%26y"' in page


def test_the_choice_of_the_engine_has_a_label(editor: Any, site: Site) -> None:
    page = editor.post("/feed", {"link": site.serve("/feed.xml", podcast(3))}, follow=True).content.decode()
    (name,) = re.findall(r'<select name="engine" id="(\w+)"', page)
    assert f'<label for="{name}">' in page
