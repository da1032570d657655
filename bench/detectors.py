"""What the detectors of review find: on real speech as the embedded engine wrote it, and on built cases.

    python -m bench.detectors [FOLDER]

FOLDER (default ../shared/speech/dev) holds recordings and a ``manifest.jsonl`` with what was said. Each recording goes
through the engine with commits at pauses; its passages then stand after each other as one transcript, and are built
upon: loops, text over silence, text too fast, the same words in many pauses, put in by a fixed seed. Printed: flags an
hour on speech that nobody tampered with; for low confidence, how many flags hold a wrong word and how many of the wrong
words they hold; precision and recall of the built cases. Recordings that are not English go through the same (English)
engine: what it writes of them is wrong, and should be flagged.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
from websockets.asyncio.client import connect
from whisper_normalizer.english import EnglishTextNormalizer

from bench.engine_common import ROOT, decode, receive, running_engine, send_audio
from bench.engine_wer import STEP, commit_points
from transcripts.engine.profile import PRODUCT
from transcripts.media.pcm import Chunk
from transcripts.media.peaks import PeakMeter
from transcripts.reviewing import detectors
from transcripts.reviewing.detectors import Finding, Heard, Loudness

#: Silence between two recordings, and of each built place, in ms.
BETWEEN, QUIET = 1_000, 20_000
ROUNDS = 20
#: What engines write where nobody speaks, in several scripts.
PHANTOMS = [
    "Thank you for watching.",
    "Thanks for listening, see you next time.",
    "Untertitel der Amara.org-Community",
    "ご視聴ありがとうございました。",
    "请不吝点赞订阅转发",
    "Продолжение следует...",
    "ขอบคุณที่รับชมครับ",
]


@dataclass(frozen=True)
class Spoken:
    """One recording: what was said, what the engine wrote, and its waveform."""

    language: str
    text: str
    passages: list[Heard]
    peaks: bytes
    length_ms: int


@dataclass(frozen=True)
class Built:
    """A transcript made of recordings and of what was put in: ``put`` holds kind and indexes of each."""

    passages: list[Heard]
    peaks: bytes
    put: list[tuple[str, set[int]]]


async def hear(url: str, path: Path, language: str, text: str) -> Spoken:
    """One recording through the engine."""
    pcm = await asyncio.to_thread(decode, path)
    passages: list[Heard] = []
    # No pings: on a busy machine the engine may hear for longer than a ping waits.
    async with connect(url + "&include_timestamps=true", compression=None, ping_interval=None) as socket:
        await receive(socket)
        reader = asyncio.create_task(_collect(socket, passages))
        points, since = list(commit_points(pcm)), 0
        for at, point in zip(range(0, len(pcm), STEP), points, strict=True):
            await send_audio(socket, pcm[at : at + STEP], commit=point)
            since = 0 if point else since + len(pcm[at : at + STEP])
        await send_audio(socket, bytes(max(0, 9600 - since)), commit=True)
        await reader
    meter = PeakMeter()
    peaks = meter.feed(Chunk(0, _levelled(pcm))) + meter.end()
    return Spoken(language, text, passages, peaks, len(pcm) // 32)


def _levelled(pcm: bytes) -> bytes:
    """At one level, as parts of one recording are; some of these are 40 dB softer than others."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float64)
    return (samples * (16_000 / max(1.0, float(np.abs(samples).max())))).astype("<i2").tobytes()


async def _collect(socket: Any, passages: list[Heard]) -> None:
    """Passages until the server closes, with the times and confidences of their words."""
    from contextlib import suppress

    from websockets.exceptions import ConnectionClosedOK

    with suppress(ConnectionClosedOK):
        while True:
            message = await receive(socket)
            if message["message_type"] == "committed_transcript_with_timestamps" and message["text"].strip():
                words = [_word(word) for word in message["words"] if word["type"] == "word"]
                start, end = (words[0][1], words[-1][2]) if words else (0, 0)
                passages.append(Heard(len(passages), start, end, message["text"], words))


def _word(word: dict[str, Any]) -> list[Any]:
    sure = word.get("logprob")
    confidence = None if sure is None else round(float(np.exp(sure)), 3)
    return [word["text"], round(word["start"] * 1000), round(word["end"] * 1000), confidence]


# --- Building ------------------------------------------------------------------------------------------------------


class Builder:
    """Puts recordings and made-up passages after each other."""

    def __init__(self) -> None:
        self.passages: list[Heard] = []
        self.peaks = bytearray()
        self.put: list[tuple[str, set[int]]] = []

    @property
    def now(self) -> int:
        """Length so far, in ms."""
        return len(self.peaks) // 2 * detectors.PEAK_MS

    def speak(self, spoken: Spoken) -> None:
        """A recording and a short silence."""
        for passage in spoken.passages:
            self.add(passage.text, [list(word) for word in passage.words], self.now, passage.start_ms, passage.end_ms)
        self.peaks += spoken.peaks
        self.rest(BETWEEN)

    def rest(self, ms: int) -> None:
        """Silence with a faint hiss."""
        self.peaks += bytes([255, 1]) * (ms // detectors.PEAK_MS)

    def add(self, text: str, words: list[list[Any]], shift: int, start: int, end: int) -> int:
        """A passage; its index."""
        moved = [[word[0], word[1] + shift, word[2] + shift, *word[3:]] for word in words]
        self.passages.append(Heard(len(self.passages), start + shift, end + shift, text, moved))
        return len(self.passages) - 1

    def say(self, text: str, ms: int, shift: int) -> int:
        """Made-up text of a confident engine, over ``ms``."""
        parts = text.split() if " " in text else list(text)
        step = ms / len(parts)
        words = [[part, round(place * step), round((place + 1) * step), 0.9] for place, part in enumerate(parts)]
        return self.add(text, words, shift, 0, ms)


def tampered(spoken: Sequence[Spoken], chance: random.Random) -> Built:
    """All recordings, with one of each trouble put between them at random places."""
    builder = Builder()
    order = list(spoken)
    chance.shuffle(order)
    places = chance.sample(range(1, len(order)), 4)
    troubles = dict(zip(places, (_loop, _loop_in_one, _over_silence, _hurry), strict=True))
    refrain: set[int] = set()
    phantom = chance.choice(PHANTOMS[:4])
    for place, one in enumerate(order):
        builder.speak(one)
        if place in troubles:
            troubles[place](builder, one, chance)
        if place % (len(order) // 5) == 2:
            builder.rest(5_000)
            # Over hum, not over silence: only that it comes again and again tells.
            refrain.add(builder.say(phantom, 1_500, builder.now))
            builder.peaks += bytes([256 - 30, 30]) * 30
            builder.rest(5_000)
    builder.put.append(("refrain", refrain))
    return Built(builder.passages, bytes(builder.peaks), builder.put)


def _loop(builder: Builder, one: Spoken, chance: random.Random) -> None:
    """A phrase over and over, a passage each, while somebody speaks."""
    text = chance.choice([*PHANTOMS, "and I think that", "the, the, the, the"])
    times = range(chance.randint(6, 30))
    builder.put.append(("loop", {builder.say(text, 1_500, builder.now + 1_600 * n) for n in times}))
    builder.speak(replace(one, passages=[]))
    builder.speak(replace(one, passages=[], peaks=one.peaks * 8))


def _loop_in_one(builder: Builder, one: Spoken, chance: random.Random) -> None:
    """A real passage whose end repeats."""
    words = one.text.split()
    tail = " ".join(words[-chance.randint(2, 6) :])
    repeated = one.text + f" {tail}" * (2 + 40 // len(tail) + chance.randint(2, 20))
    builder.put.append(("loop", {builder.say(repeated, len(repeated) * 70, builder.now)}))
    builder.speak(replace(one, passages=[], peaks=one.peaks * 10))


def _over_silence(builder: Builder, one: Spoken, chance: random.Random) -> None:
    """Text where nothing is heard."""
    builder.rest(QUIET // 2)
    builder.put.append(("silence", {builder.say(chance.choice(PHANTOMS), 2_000, builder.now)}))
    builder.rest(QUIET // 2)


def _hurry(builder: Builder, one: Spoken, chance: random.Random) -> None:
    """A whole sentence in a moment."""
    text = one.text[:200]
    builder.put.append(("rate", {builder.say(text, len(text) * 12, builder.now)}))
    builder.speak(replace(one, passages=[]))


def plain(spoken: Sequence[Spoken]) -> Built:
    """The recordings as they are."""
    builder = Builder()
    for one in spoken:
        builder.speak(one)
    return Built(builder.passages, bytes(builder.peaks), [])


def search(built: Built) -> list[Finding]:
    """Everything that is found in a whole transcript."""
    typical = detectors.typical_of(detectors.counted([], built.passages))
    return detectors.find(built.passages, typical=typical, loudness=Loudness(built.peaks))


# --- Measuring -------------------------------------------------------------------------------------------------------


def hours(spoken: Sequence[Spoken]) -> float:
    """Length of recordings."""
    return sum(one.length_ms for one in spoken) / 3_600_000


def report_plain(name: str, spoken: Sequence[Spoken]) -> None:
    """Flags an hour on speech as it is."""
    built = plain(spoken)
    found = Counter(finding.kind for finding in search(built))
    per_hour = ", ".join(f"{kind} {number} ({number / hours(spoken):.1f}/h)" for kind, number in found.items())
    print(f"{name}: {hours(spoken) * 60:.1f} min, {len(built.passages)} passages; flags: {per_hour or 'none'}")


def report_confidence(spoken: Sequence[Spoken]) -> None:
    """Low confidence against what was really said, word by word."""
    normalise = EnglishTextNormalizer()
    typical = detectors.typical_of(detectors.counted([], [passage for one in spoken for passage in one.passages]))
    flagged = right = held = wrong = 0
    for one in spoken:
        pieces = [normalise(passage.text).split() for passage in one.passages]
        bad = _wrong_words(normalise(one.text), [word for piece in pieces for word in piece])
        at = 0
        for passage, piece in zip(one.passages, pieces, strict=True):
            errors = sum(at <= place < at + len(piece) for place in bad)
            at, wrong = at + len(piece), wrong + errors
            if list(detectors.unsure(passage, typical)):
                flagged, right, held = flagged + 1, right + bool(errors), held + errors
    print(
        f"low confidence, English: middle word {typical.middle:.2f}, low under {typical.low_word:.2f}, passages under "
        f"{typical.low_mean:.2f}; {flagged} passages flagged, {right} of them with a wrong "
        f"word; they hold {held} of {wrong} wrong words; {(flagged - right) / hours(spoken):.1f} false flags/h"
    )


def _wrong_words(said: str, heard: Sequence[str]) -> list[int]:
    """Places in ``heard`` that differ from what was said (a missing word counts where it is missing)."""
    if not heard:
        return []
    [chunks] = jiwer.process_words(said, " ".join(heard)).alignments
    return [
        min(place, len(heard) - 1)
        for chunk in chunks
        if chunk.type != "equal"
        for place in range(chunk.hyp_start_idx, max(chunk.hyp_end_idx, chunk.hyp_start_idx + 1))
    ]


def report_built(spoken: Sequence[Spoken]) -> None:
    """Precision and recall of what was put in, over many transcripts."""
    chance = random.Random(5)
    put, got, raised, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for _ in range(ROUNDS):
        built = tampered(spoken, chance)
        found = search(built)
        tampering = {index for _, indexes in built.put for index in indexes}
        for kind, indexes in built.put:
            put[kind] += 1
            got[kind] += any(finding.kind == kind and finding.segment in indexes for finding in found)
        for finding in found:
            raised[finding.kind] += 1
            right[finding.kind] += finding.segment in tampering
    for kind in put:
        shares = f"recall {got[kind]}/{put[kind]}", f"precision {right[kind]}/{raised[kind]}"
        print(f"built, {kind}: {', '.join(shares)}")


async def main() -> None:
    """Hear, build, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT.parent / "shared" / "speech" / "dev")
    folder = parser.parse_args().folder
    entries = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    async with running_engine(replace(PRODUCT, idle=2.0)) as (url, _):
        gate = asyncio.Semaphore(4)

        async def one(entry: dict[str, Any]) -> Spoken:
            async with gate:
                return await hear(url, folder / entry["file"], entry["lang"], entry["text"])

        spoken = await asyncio.gather(*map(one, entries))
    english = [one for one in spoken if one.language == "en"]
    report_plain("English", english)
    report_plain("other languages, heard as English", [one for one in spoken if one.language != "en"])
    report_confidence(english)
    report_built(english)


if __name__ == "__main__":
    asyncio.run(main())
