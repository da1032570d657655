from __future__ import annotations

import numpy as np

from transcripts.media.pcm import SAMPLE_RATE, Chunk
from transcripts.media.status import NowPlaying, QuietWatch, Reporter, SourceState, SourceStatus


def test_only_changes_are_told() -> None:
    told: list[object] = []
    reporter = Reporter(told.append)
    reporter.tell(SourceState.PLAYING)
    reporter.tell(SourceState.RECONNECTING, attempt=1, attempts=3)
    reporter.tell(SourceState.RECONNECTING, attempt=1, attempts=3)
    reporter.tell(SourceState.RECONNECTING, attempt=2, attempts=3)
    reporter.tell(SourceState.PLAYING)
    reporter.title("News")
    assert told == [
        SourceStatus(SourceState.RECONNECTING, 1, 3),
        SourceStatus(SourceState.RECONNECTING, 2, 3),
        SourceStatus(SourceState.PLAYING),
        NowPlaying("News"),
    ]


def test_silence_is_noticed_after_a_while_and_the_first_sound_ends_it() -> None:
    watch = QuietWatch(after_s=2.0)
    hiss = np.random.default_rng(1).integers(-9, 10, SAMPLE_RATE).astype("<i2").tobytes()
    loud = np.full(SAMPLE_RATE, -2000, "<i2").tobytes()
    chunks = [hiss, hiss, hiss, loud, hiss]
    assert [watch.feed(Chunk(0, data)) for data in chunks] == [None, 2.0, 3.0, None, None]
