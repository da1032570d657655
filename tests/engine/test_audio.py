from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transcripts.engine.audio import FORMATS, AudioDecoder, ulaw_table
from transcripts.engine.meter import Meter


def tone(rate: int, seconds: float = 1.0) -> np.ndarray:
    return np.rint(8000 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)).astype("<i2")


@pytest.mark.parametrize("name", [name for name in FORMATS if name.startswith("pcm")])
def test_every_rate_becomes_the_same_tone_at_16_khz(name: str):
    decoder = AudioDecoder(name)
    made = np.frombuffer(decoder.decode(tone(decoder.rate).tobytes()), "<i2").astype(int)
    wanted = tone(16_000)[: made.size].astype(int)
    assert made.size > 15_900
    assert np.abs(made - wanted)[200:].max() < 40


@given(st.sampled_from(sorted(FORMATS)), st.lists(st.integers(1, 3000), max_size=20))
def test_any_cut_of_the_bytes_gives_the_same_samples(name: str, cuts: list[int]):
    data = tone(AudioDecoder(name).rate, 0.25).tobytes()
    whole, pieces, at = AudioDecoder(name), AudioDecoder(name), 0
    made = b""
    for cut in cuts:
        made += pieces.decode(data[at : at + cut])
        at += cut
    made += pieces.decode(data[at:])
    assert made == whole.decode(data)


def test_ulaw_follows_g711():
    table = ulaw_table()
    assert [int(table[code]) for code in (0xFF, 0x7F, 0x80, 0x00, 0xF0, 0x8F)] == [0, 0, 32124, -32124, 120, 16764]


def test_frequencies_that_16_khz_cannot_hold_are_filtered_out():
    high = np.rint(8000 * np.sin(2 * np.pi * 15_000 * np.arange(48_000) / 48_000)).astype("<i2")
    made = np.frombuffer(AudioDecoder("pcm_48000").decode(high.tobytes()), "<i2")
    assert np.abs(made.astype(int))[100:].max() < 80


def test_the_meter_asks_for_a_commit_at_the_exact_sample():
    meter = Meter(1.0)
    meter.received(1.5)
    assert meter.room() == 16_000
    assert meter.fed(16_000)
    meter.committed()
    assert meter.uncommitted == pytest.approx(0.5)
    assert not meter.fed(8_000)
    assert meter.room() == 8_000
