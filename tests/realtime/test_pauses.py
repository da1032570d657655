from __future__ import annotations

import numpy as np
import pytest

from transcripts.realtime.pauses import HOP, PauseDetector

SECOND = 16_000


def noise(seconds: float, level_db: float, seed: int = 1):
    return np.random.default_rng(seed).normal(0, 32768 * 10 ** (level_db / 20), int(seconds * SECOND))


def detect(*parts, chunk: int = 1600, start: int = 0) -> PauseDetector:
    audio = np.clip(np.concatenate(parts), -32768, 32767).astype("<i2")
    detector = PauseDetector(start)
    for at in range(0, len(audio), chunk):
        detector.feed(start + at, audio[at : at + chunk].tobytes())
    return detector


@pytest.mark.parametrize("floor_db", [-90, -60, -50])
def test_a_pause_between_two_stretches_of_speech_is_found_over_any_usual_room(floor_db):
    detector = detect(noise(1, floor_db), noise(2, -20), noise(0.6, floor_db), noise(1, -20))
    assert detector.pause_at(int(3.6 * SECOND)) >= 0.5 * SECOND
    assert detector.pause_at(int(2.9 * SECOND)) <= 2 * HOP
    assert 1.8 * SECOND <= detector.voice_in(SECOND, 3 * SECOND) <= 2 * SECOND


def test_digital_silence_is_no_voice_and_loud_speech_without_pause_is_all_voice():
    assert detect(np.zeros(5 * SECOND)).voice_in(0, 5 * SECOND) == 0
    loud = detect(noise(30, -18))
    assert loud.voice_in(0, 30 * SECOND) == 30 * SECOND


def test_steady_noise_stops_being_voice_after_a_while():
    detector = detect(noise(20, -45))
    assert detector.voice_in(15 * SECOND, 20 * SECOND) == 0


@pytest.mark.parametrize("chunk", [1, 77, 320, 4096, 50_000])
def test_chunk_borders_change_little(chunk):
    parts = noise(1, -80)[: SECOND // 4], noise(0.5, -20), noise(0.5, -80)
    if chunk == 1:
        parts = tuple(part[:640] for part in parts)
    detector = detect(*parts, chunk=chunk)
    assert detector.voice_in(0, sum(map(len, parts))) == pytest.approx(len(parts[1]), abs=3 * HOP)


def test_the_first_pause_after_voice_is_where_the_voice_ends():
    detector = detect(noise(1, -80), noise(1, -20), noise(0.2, -80), noise(1, -20), noise(1, -80))
    assert detector.first_pause(0, 5 * SECOND, SECOND // 2) == pytest.approx(3.2 * SECOND, abs=2 * HOP)
    assert detector.first_pause(0, 2 * SECOND, SECOND // 2) is None
    assert detector.first_pause(int(3.3 * SECOND), 5 * SECOND, SECOND // 2) is None


def test_a_hole_in_the_audio_starts_anew():
    detector = detect(noise(2, -20))
    detector.feed(10 * SECOND, noise(1, -20).astype("<i2").tobytes())
    assert detector.voice_in(0, 9 * SECOND) == 0
    assert detector.voice_in(10 * SECOND, 11 * SECOND) == SECOND


def test_released_levels_are_forgotten_and_later_ones_kept():
    detector = detect(noise(1, -20), noise(1, -90), noise(1, -20))
    before = detector.voice_in(int(1.5 * SECOND), 3 * SECOND)
    detector.release(int(1.5 * SECOND))
    assert detector.voice_in(int(1.5 * SECOND), 3 * SECOND) == before
    assert detector.voice_in(0, SECOND) == 0


def test_the_loudness_tells_the_quieter_of_two_places():
    detector = detect(noise(1, -20), noise(1, -40))
    assert detector.loudness_at(SECOND // 2, 1600) > detector.loudness_at(SECOND * 3 // 2, 1600)
    assert detector.loudness_at(100 * SECOND, 1600) == 100
