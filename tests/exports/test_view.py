"""The options of the export's address, and the beginning of a file as a page shows it."""

from __future__ import annotations

import pytest

from tests.search.conftest import say  # noqa: F401 - a fixture
from transcripts.exports import FORMATS, Options
from transcripts.views.exports import read_options

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_preview_with_its_download(client, victor, say, name):  # noqa: F811
    row = say("The <b>pelican</b> came back.", "Nobody <script>saw</script> it.")
    client.force_login(victor)
    response = client.get(f"/s/{row.pk}/export/preview", {"format": name, "times": "1", "columns": "30"})
    html = response.content.decode()
    assert "pelican" in html
    assert "<script>" not in html
    assert "<b>" not in html
    chosen = {"txt": "?times=1", "docx": "?times=1"} | dict.fromkeys(("srt", "vtt", "ttml"), "?columns=30")
    assert f'href="/s/{row.pk}/export/{name}{chosen.get(name, "")}"' in html
    assert response["Cache-Control"] == "private, no-store"


def test_a_preview_of_an_unknown_format_does_not_exist(client, victor, say):  # noqa: F811
    client.force_login(victor)
    assert client.get(f"/s/{say('x').pk}/export/preview?format=exe").status_code == 404


def test_a_preview_is_closed_to_strangers(client, charlie, say):  # noqa: F811
    client.force_login(charlie)
    assert client.get(f"/s/{say('x').pk}/export/preview?format=srt").status_code == 404


def test_a_preview_reads_the_beginning_only(client, victor, say):  # noqa: F811
    row = say(*(f"Sentence number {number}." for number in range(300)))
    client.force_login(victor)
    html = client.get(f"/s/{row.pk}/export/preview?format=srt").content.decode()
    assert html.count("--&gt;") == 5


def test_the_page_of_a_running_one_says_that_it_is_the_text_so_far(client, victor, say):  # noqa: F811
    client.force_login(victor)
    assert "the text so far" in client.get(f"/s/{say('x', state='running').pk}/export/preview").content.decode()


@pytest.mark.parametrize(
    ("values", "options"),
    [
        ({}, Options()),
        ({"times": "1", "header": "on"}, Options(times=True, header=True)),
        ({"speakers": "0", "times": "0"}, Options(speakers=False)),
        ({"columns": "30"}, Options(columns=30)),
        ({"columns": "1"}, Options(columns=20)),
        ({"columns": "999"}, Options(columns=60)),
        ({"columns": "²"}, Options()),
        ({"from": "1:23", "to": "1:02:03.5"}, Options(start_ms=83_000, end_ms=3_723_500)),
        ({"from": "90", "to": "the end"}, Options(start_ms=90_000)),
        ({"from": "-1", "to": "1:99:00"}, Options()),
    ],
)
def test_options_are_read_leniently(values, options):
    assert read_options(values, "srt") == options


def test_a_document_has_times_unless_told_otherwise():
    assert read_options({}, "docx").times
    assert not read_options({"times": "0"}, "docx").times


def test_the_dialog_is_a_page_without_a_script_and_a_piece_for_one(client, victor, say):  # noqa: F811
    row = say("The pelican came back.", title="Rück/schau")
    client.force_login(victor)
    page = client.get(f"/s/{row.pk}/export", {"format": "vtt", "columns": "30", "speakers": "0"})
    html = page.content.decode()
    assert "<html" in html
    assert 'value="vtt" checked' in html
    assert 'value="30"' in html
    assert f'href="/s/{row.pk}/export/vtt?columns=30&amp;speakers=0" download="Rück schau.vtt"' in html
    assert "<html" not in client.get(f"/s/{row.pk}/export", headers={"hx-request": "true"}).content.decode()


def test_the_dialog_is_closed_to_strangers_and_knows_its_formats(client, charlie, victor, say):  # noqa: F811
    row = say("x")
    client.force_login(charlie)
    assert client.get(f"/s/{row.pk}/export").status_code == 404
    client.force_login(victor)
    assert client.get(f"/s/{row.pk}/export?format=exe").status_code == 404


def test_a_part_of_a_transcript_is_exported_with_a_note_that_says_so(client, victor, say):  # noqa: F811
    row = say(*(f"Sentence number {number}." for number in range(10)))
    second, third = row.segments.order_by("index")[1:3]
    client.force_login(victor)
    values = {"from": f"{second.start_ms / 1000}", "to": f"{third.end_ms / 1000}", "header": "1"}
    text = client.get(f"/s/{row.pk}/export/txt", values).content.decode()
    assert [number for number in range(10) if f"number {number}." in text] == [1, 2]
    assert "Only the part from" in text


def test_a_time_that_cannot_be_read_is_named_and_left_out(client, victor, say):  # noqa: F811
    row = say("The pelican came back.")
    client.force_login(victor)
    html = client.get(f"/s/{row.pk}/export/preview", {"format": "txt", "from": "noon"}).content.decode()
    assert "“noon” is no time" in html
    assert "pelican" in html
