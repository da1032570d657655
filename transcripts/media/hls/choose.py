"""Which stream of a master playlist is heard: the least to fetch that has the wanted sound. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from .model import MasterPlaylist, Rendition, Variant, invalid

#: Below this, in bits a second, sound-only streams are coded so hard that words suffer.
GOOD_BANDWIDTH = 64_000

_AUDIO_CODECS = ("mp4a", "ac-3", "ec-3", "ac-4", "opus", "flac", "alac", "mp3", "vorbis", "usac", "mhm1", "mha1")


@dataclass(frozen=True, slots=True)
class Choice:
    """Address of the media playlist to follow; ``audio_only`` whether no picture comes with it; ``bandwidth`` in bits
    a second as announced for it (0: unknown); ``name`` and ``language`` of the rendition, a stranger's text."""

    uri: str
    audio_only: bool
    bandwidth: int = 0
    name: str = ""
    language: str = ""


def choose(master: MasterPlaylist, language: str = "") -> Choice:
    """The audio rendition in ``language`` (a BCP 47 tag, empty for no wish), else the default one; if its sound is
    inside the variants or there are no renditions, a sound-only variant, else the variant of lowest bandwidth."""
    rendition = min(master.renditions, key=lambda one: _rank(one, language, master), default=None)
    if rendition is not None and rendition.uri:
        return Choice(rendition.uri, audio_only=True, name=rendition.name, language=rendition.language)
    variants = _with_group(master.variants, rendition)
    sound = [variant for variant in variants if _audio_only(variant)]
    if not variants:
        raise invalid("offers no stream with sound")
    best = _best_sound(sound) if sound else min(variants, key=_cost)
    return Choice(best.uri, audio_only=bool(sound), bandwidth=best.bandwidth)


def _rank(rendition: Rendition, language: str, master: MasterPlaylist) -> tuple[bool, bool, bool, bool, int]:
    """Smaller is better; among equals the group of the cheapest variant, then the playlist's order."""
    costs = [_cost(variant) for variant in master.variants if variant.audio == rendition.group]
    return (
        bool(language) and not _speaks(rendition.language, language),
        rendition.described,
        not rendition.default,
        not rendition.autoselect,
        min(costs, default=2**62),
    )


def _speaks(tag: str, wish: str) -> bool:
    return tag.split("-")[0] == wish.lower().split("-")[0]


def _with_group(variants: tuple[Variant, ...], rendition: Rendition | None) -> tuple[Variant, ...]:
    """Variants that carry the wanted rendition inside, or all when none says so."""
    group = rendition.group if rendition else ""
    return tuple(variant for variant in variants if group and variant.audio == group) or variants


def _audio_only(variant: Variant) -> bool:
    return bool(variant.codecs) and not variant.picture and all(c.startswith(_AUDIO_CODECS) for c in variant.codecs)


def _best_sound(variants: list[Variant]) -> Variant:
    """The cheapest that does not harm speech, else the dearest."""
    good = [variant for variant in variants if variant.bandwidth >= GOOD_BANDWIDTH]
    return min(good, key=_cost) if good else max(variants, key=lambda variant: variant.bandwidth)


def _cost(variant: Variant) -> int:
    return variant.bandwidth or 2**61
