"""Languages by whatever people call them, and what a probe found in words."""

from __future__ import annotations

import pytest
from django.utils import translation

from transcripts import languages
from transcripts.media.findings import Part, Probe, ProbeKind
from transcripts.realtime.options import SessionOptions
from transcripts.views import said


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("de", "de"),
        ("German", "de"),
        ("deutsch", "de"),
        ("German (de)", "de"),
        ("日本語", "ja"),
        (" Cantonese ", "yue"),
        ("xx", "xx"),
        ("Klingonese", None),
        ("en-US", None),
    ],
)
def test_a_language_is_found_by_code_name_and_own_name(typed, code):
    assert languages.find(typed) == code


def test_every_language_of_the_list_is_taken_by_the_service_and_found_by_its_label():
    assert len(languages.LANGUAGES) > 90
    for code in languages.LANGUAGES:
        assert not SessionOptions(language_code=code).problems()
        assert languages.find(languages.label(code)) == code


def test_the_list_is_sorted_as_people_read_it():
    labels = [label for label, _own in languages.choices()]
    assert labels == sorted(labels, key=str.casefold)


@pytest.mark.parametrize(
    ("parts", "sentence"),
    [
        ((Part("live_hls_radio"), Part("bit_rate", {"kbps": 128})), "Live HLS radio, 128 kb/s"),
        ((Part("feed"), Part("episodes", {"count": 1214})), "Podcast feed, 1,214 episodes"),
        ((Part("feed"), Part("episodes", {"count": 1})), "Podcast feed, 1 episode"),
        ((Part("audio_file"), Part("duration", {"seconds": 4320})), "Audio file, 1 h 12 min"),
        ((Part("url_address", text="Blocked: private address"),), "Blocked: private address"),
        ((Part("some_new_code", text="Something else."),), "Something else."),
    ],
)
def test_a_finding_is_said_as_its_english_sentence(parts, sentence):
    with translation.override("en"):
        found = Probe(ProbeKind.AUDIO, parts)
        assert said.sentence(found) == sentence == found.sentence
