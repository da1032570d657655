"""Feeds of podcasts to episodes; a feed with a document type is no feed."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.media.origins import Origin, podcast, running
from transcripts.media.feeds import (
    MAX_BYTES,
    MAX_EPISODES,
    Episode,
    FeedError,
    is_feed,
    parse_feed,
    read_date,
    read_duration,
)

URL = "https://podcast.sttweb.org/feed.xml"

ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title type="text">An Atom feed</title>
<entry><title>First</title><link rel="alternate" href="https://x.sttweb.org/page"/>
<link rel="enclosure" href="/one.mp3" type="audio/mpeg" length="77"/>
<published>2026-03-01T10:00:00+01:00</published><updated>2026-03-02T10:00:00Z</updated></entry>
<entry><title>No recording</title><link href="https://x.sttweb.org/page"/></entry></feed>"""


def rss(item: str, channel: str = "") -> bytes:
    return f'<rss version="2.0"><channel><title>T</title>{channel}<item>{item}</item></channel></rss>'.encode()


def refusal(data: bytes) -> str:
    with pytest.raises(FeedError) as caught:
        parse_feed(data, URL)
    return caught.value.code


def test_rss_episodes_carry_title_date_length_and_type() -> None:
    feed = parse_feed(podcast(214).encode(), URL)
    assert (feed.title, len(feed.episodes), feed.truncated) == ("A podcast", 214, False)
    assert feed.episodes[-1] == Episode(
        title="Episode 1 & more",
        url="https://cdn.sttweb.org/1.mp3",
        published="2026-01-01T07:01:00+00:00",
        duration_s=3663,
        length_bytes=1001,
        type="audio/mpeg",
    )


def test_atom_entries_with_an_enclosure_are_episodes() -> None:
    feed = parse_feed(ATOM.encode(), URL)
    assert feed.title == "An Atom feed"
    assert feed.episodes == (
        Episode("First", "https://podcast.sttweb.org/one.mp3", "2026-03-01T09:00:00+00:00", None, 77, "audio/mpeg"),
    )


def test_media_rss_content_counts_when_it_is_sound() -> None:
    item = '<media:content url="a.jpg" medium="image"/><media:content url="a.mp3" type="audio/mpeg" fileSize="9"/>'
    (episode,) = parse_feed(rss(item), URL).episodes
    assert (episode.url, episode.length_bytes) == ("https://podcast.sttweb.org/a.mp3", 9)


def test_a_feed_in_another_encoding_is_read() -> None:
    data = '<?xml version="1.0" encoding="windows-1252"?><rss><channel><title>Köln – “ja”</title></channel></rss>'
    assert parse_feed(data.encode("cp1252"), URL).title == "Köln – “ja”"


def test_hostile_titles_become_one_visible_line() -> None:
    item = "<title><![CDATA[ <script>x</script>\u202e\u200bevil\n\n{} ]]></title><enclosure url='a.mp3'/>".format(
        "y" * 9999
    )
    (episode,) = parse_feed(rss(item), URL).episodes
    assert episode.title is not None
    assert episode.title.startswith("<script>x</script> evil yyy")
    assert len(episode.title) == 300


@pytest.mark.parametrize(
    "declaration",
    [
        pytest.param('<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>', id="a local file"),
        pytest.param('<!DOCTYPE rss [<!ENTITY x SYSTEM "{canary}">]>', id="an address on the inside"),
        pytest.param('<!DOCTYPE rss SYSTEM "{canary}">', id="an external document type"),
        pytest.param('<!DOCTYPE rss [<!ENTITY % p SYSTEM "{canary}"> %p;]>', id="a parameter entity"),
        pytest.param(
            "<!DOCTYPE rss [<!ENTITY a 'ha'>"
            + "".join(f"<!ENTITY a{n} '{f'&a{n - 1 or str()};' * 10}'>" for n in range(1, 10))
            + "]>",
            id="a billion laughs",
        ),
        pytest.param("<!DOCTYPE rss>", id="any at all"),
    ],
)
async def test_a_document_type_is_refused_and_nothing_is_fetched(declaration: str) -> None:
    async with running(Origin()) as origin:
        text = declaration.replace("{canary}", origin.url("/dtd"))
        data = f'<?xml version="1.0"?>{text}<rss><channel><title>&x;&a9;</title></channel></rss>'
        assert refusal(data.encode()) == "feed_dtd"
        assert origin.requests == []


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "feed_invalid"),
        (b"<html><body>no</body></html>", "feed_invalid"),
        (b"<rss><channel>&nbsp;</channel></rss>", "feed_invalid"),
        (b"<rss><channel><title>cut", "feed_invalid"),
        (b'<?xml version="1.0" encoding="klingon"?><rss/>', "feed_invalid"),
        (b"<rss>" + b"<a>" * 100, "feed_limits"),
        (b"<rss>" + b" " * MAX_BYTES, "feed_limits"),
    ],
)
def test_what_is_no_feed_for_us_is_named(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_a_feed_that_breaks_off_gives_what_came_before() -> None:
    feed = parse_feed(podcast(10).encode()[:-500], URL)
    assert 0 < len(feed.episodes) < 10
    assert feed.truncated


def test_more_episodes_than_are_listed_are_cut_off_and_said_so() -> None:
    items = "<item><enclosure url='a.mp3'/></item>" * (MAX_EPISODES + 1)
    feed = parse_feed(f"<rss><channel>{items}</channel></rss>".encode(), URL)
    assert (len(feed.episodes), feed.truncated) == (MAX_EPISODES, True)


def test_five_megabytes_of_enclosures_are_one_episode_and_cheap() -> None:
    def cost(count: int) -> float:
        data = rss("<enclosure url='http://127.0.0.1/a.mp3'/>" * count)
        began = time.process_time()
        assert len(parse_feed(data, URL).episodes) == 1
        return time.process_time() - began

    small = max(cost(10_000), 0.002)
    assert cost(100_000) < 40 * small


@pytest.mark.parametrize("url", ["", "  ", "http://["])
def test_an_episode_without_an_address_is_left_out(url: str) -> None:
    assert parse_feed(rss(f"<title>x</title><enclosure url='{url}'/>"), URL).episodes == ()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("3663", 3663), ("61:03", 3663), ("1:01:03", 3663), (" 12.5 ", 12), ("0", None), ("99999999", None), ("1h", None),
     ("", None), ("-5", None), ("٣", None)],
)  # fmt: skip
def test_durations_are_read_in_every_form(text: str, seconds: int | None) -> None:
    assert read_duration(text) == seconds


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Thu, 01 Jan 2026 08:00:00 GMT", "2026-01-01T08:00:00+00:00"),
        ("Thu, 1 Jan 26 08:00 -0500", "2026-01-01T13:00:00+00:00"),
        ("2026-01-01", "2026-01-01T00:00:00+00:00"),
        ("yesterday", None),
        ("", None),
        ("0001-01-01T00:00:00+14:00", None),
    ],
)
def test_dates_are_told_in_utc(text: str, iso: str | None) -> None:
    assert read_date(text) == iso


def test_a_feed_is_known_by_its_first_bytes() -> None:
    assert is_feed(podcast(1).encode())
    assert is_feed(b"\xef\xbb\xbf\n" + ATOM.encode())
    assert not is_feed(b"<html><body>rss</body></html>")
    assert not is_feed(b"ID3 <rss>")


PIECES = st.sampled_from(
    ["<rss>", "<channel>", "<item>", "</item>", "<feed>", "<entry>", "</entry>", "<title>", "</title>",
     "<enclosure url='", "'/>", "<pubDate>", "</pubDate>", "<!DOCTYPE", "<![CDATA[", "]]>", "&amp;", "&#x1;", "\x00",
     "é", "Thu, 99 Foo 0000 +9999"]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES).map(lambda parts: "".join(parts).encode())))
def test_any_bytes_become_a_feed_or_our_error(data: bytes) -> None:
    is_feed(data)
    try:
        parse_feed(data, URL)
    except FeedError:
        return


@given(st.text(max_size=70))
def test_any_text_is_a_date_and_a_duration_or_none(text: str) -> None:
    assert read_date(text) is None or read_date(text)
    assert read_duration(text) is None or read_duration(text)
