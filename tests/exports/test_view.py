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
    assert f'href="/s/{row.pk}/export/{name}?times=1&amp;columns=30"' in html
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
    ],
)
def test_options_are_read_leniently(values, options):
    assert read_options(values, "srt") == options


def test_a_document_has_times_unless_told_otherwise():
    assert read_options({}, "docx").times
    assert not read_options({"times": "0"}, "docx").times
