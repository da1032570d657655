from __future__ import annotations

import numpy as np
import pytest

from transcripts.realtime.formats import Encoder, ulaw
from transcripts.realtime.options import AUDIO_FORMATS


def tone(hertz: float, samples: int = 16_000):
    return (12_000 * np.sin(2 * np.pi * hertz * np.arange(samples) / 16_000)).astype("<i2")


def test_our_own_format_passes_untouched():
    pcm = tone(440).tobytes()
    assert Encoder("pcm_16000").encode(pcm) is pcm


@pytest.mark.parametrize("audio_format", [name for name in AUDIO_FORMATS if name != "pcm_16000"])
@pytest.mark.parametrize("chunk", [161, 1600, 16_000])
def test_the_time_that_left_is_the_time_that_came(audio_format, chunk):
    encoder, audio, rate = Encoder(audio_format), tone(300, 48_000), AUDIO_FORMATS[audio_format]
    width = 1 if audio_format.startswith("ulaw") else 2
    sent = 0
    for at in range(0, len(audio), chunk):
        piece = audio[at : at + chunk]
        sent += len(encoder.encode(piece.tobytes())) // width
        assert 0 <= sent / rate - (at + len(piece)) / 16_000 < 1 / rate + 1e-9


@pytest.mark.parametrize("rate", [8000, 22050, 24000, 44100, 48000])
def test_a_tone_stays_the_same_tone_whatever_the_chunks(rate):
    whole = Encoder(f"pcm_{rate}").encode(tone(1000).tobytes())
    parts, encoder, audio = [], Encoder(f"pcm_{rate}"), tone(1000).tobytes()
    for at in range(0, len(audio), 1000):
        parts.append(encoder.encode(audio[at : at + 1000]))
    assert b"".join(parts) == whole
    made = np.frombuffer(whole, dtype="<i2")[200:].astype(float)
    spectrum = np.abs(np.fft.rfft(made * np.hanning(len(made))))
    peak = np.argmax(spectrum) * rate / len(made)
    assert peak == pytest.approx(1000, abs=3)
    assert np.sqrt(np.mean(made**2)) == pytest.approx(12_000 / np.sqrt(2), rel=0.03)


def test_what_eight_kilohertz_cannot_hold_is_filtered_out():
    made = np.frombuffer(Encoder("pcm_8000").encode(tone(6500).tobytes()), dtype="<i2")[200:]
    assert np.sqrt(np.mean(made.astype(float) ** 2)) < 12_000 * 0.02


def test_silence_in_mu_law_is_all_ones():
    assert Encoder("ulaw_8000").encode(bytes(3200)) == b"\xff" * 800


def test_mu_law_knows_the_corner_values():
    samples = np.array([0, 32767, -32768, 1000, -1000], dtype=np.int16)
    assert ulaw(samples) == bytes([0xFF, 0x80, 0x00, 0xCE, 0x4E])
