"""The least to fetch that has the wanted sound."""

from __future__ import annotations

import pytest

from transcripts.media.hls.choose import choose
from transcripts.media.hls.model import HlsError, MasterPlaylist, Rendition, Variant

LOW = Variant("low", 800_000, ("avc1.42", "mp4a.40.2"), picture=True, audio="a")
HIGH = Variant("high", 5_000_000, ("avc1.64", "mp4a.40.2"), picture=True, audio="b")
ENGLISH = Rendition("a", "English", "en", language="en-gb", default=True, autoselect=True)
SPANISH = Rendition("a", "Español", "es", language="es", autoselect=True)


def chosen(*parts: Variant | Rendition, language: str = "") -> str:
    variants = tuple(part for part in parts if isinstance(part, Variant))
    renditions = tuple(part for part in parts if isinstance(part, Rendition))
    return choose(MasterPlaylist(variants, renditions), language).uri


def test_a_separate_audio_track_is_heard_instead_of_pictures() -> None:
    choice = choose(MasterPlaylist((HIGH, LOW), (SPANISH, ENGLISH)))
    assert (choice.uri, choice.audio_only, choice.name) == ("en", True, "English")


@pytest.mark.parametrize(("wish", "uri"), [("es", "es"), ("ES-mx", "es"), ("en", "en"), ("fr", "en")])
def test_the_wanted_language_comes_before_the_default(wish: str, uri: str) -> None:
    assert chosen(LOW, ENGLISH, SPANISH, language=wish) == uri


def test_a_default_track_inside_the_pictures_is_not_exchanged_for_another_language() -> None:
    inside = Rendition("a", "English", None, language="en", default=True)
    assert chosen(HIGH, LOW, inside, SPANISH) == "low"
    assert chosen(HIGH, LOW, inside, SPANISH, language="es") == "es"


def test_a_track_that_describes_the_picture_is_the_last_choice() -> None:
    described = Rendition("a", "Described", "ad", language="en", autoselect=True, described=True)
    assert chosen(LOW, described, Rendition("a", "Plain", "plain", language="en")) == "plain"


def test_of_equal_tracks_the_one_of_the_cheapest_variant_is_taken() -> None:
    dear = Rendition("b", "Surround", "surround", default=True)
    assert chosen(HIGH, LOW, dear, Rendition("a", "Stereo", "stereo", default=True)) == "stereo"


def test_without_audio_tracks_the_lowest_bandwidth_wins() -> None:
    assert chosen(HIGH, Variant("unknown"), LOW) == "low"


def test_a_sound_only_variant_is_preferred_but_not_one_that_harms_speech() -> None:
    radio = [Variant(f"{rate}k", rate * 1000, ("mp4a.40.5",)) for rate in (320, 24, 96)]
    assert chosen(LOW, *radio) == "96k"
    assert chosen(LOW, *radio[1:2]) == "24k"


def test_a_master_without_any_sound_is_refused() -> None:
    with pytest.raises(HlsError):
        choose(MasterPlaylist((), (Rendition("a", "inside"),)))
