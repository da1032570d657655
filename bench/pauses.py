"""CPU that the local pause detector costs, in seconds per hour of audio.

    python -m bench.pauses [--minutes 60] [--chunk-ms 200]

Noise bursts and pauses stand in for speech: the detector's work does not depend on what is said. Printed, not asserted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator

import numpy as np

from transcripts.media.pcm import SAMPLE_RATE, ms_to_samples
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.pauses import PauseDetector
from transcripts.realtime.policy import CommitPolicy, View
from transcripts.realtime.tuning import Tuning


def minute() -> bytes:
    """A minute of 3 s bursts and 0.6 s pauses over a quiet floor, s16le."""
    rng = np.random.default_rng(1)
    audio = rng.normal(0, 30, 60 * SAMPLE_RATE)
    for start in range(0, 60 * SAMPLE_RATE, int(3.6 * SAMPLE_RATE)):
        burst = audio[start : start + 3 * SAMPLE_RATE]
        burst += rng.normal(0, 3000, len(burst))
    return np.clip(audio, -32768, 32767).astype("<i2").tobytes()


def chunks(minutes: int, samples: int) -> Iterator[bytes]:
    """The minute again and again, cut into chunks."""
    audio = minute()
    for _ in range(minutes):
        for at in range(0, len(audio), samples * 2):
            yield audio[at : at + samples * 2]


def measure(minutes: int, chunk_ms: int, *, policy: bool) -> tuple[float, int]:
    """CPU seconds and commits; with ``policy``, the decision when to commit is taken after every chunk too."""
    detector, decide = PauseDetector(0), CommitPolicy(SessionOptions(), Tuning(preset="live", live=True))
    samples, cursor, begin, commits = ms_to_samples(chunk_ms), 0, 0, 0
    started = time.process_time()
    for chunk in chunks(minutes, samples):
        detector.feed(cursor, chunk)
        available = cursor + len(chunk) // 2
        if policy:
            plan = decide.plan(View(begin, cursor, available, cursor - begin, cursor - begin), detector)
            if plan.cut:
                begin, commits = plan.limit, commits + 1
                detector.release(begin - SAMPLE_RATE)
        cursor = available
    return time.process_time() - started, commits


def main() -> None:
    """Print a small table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--chunk-ms", type=int, nargs="*", default=[100, 200, 1000])
    asked = parser.parse_args()
    for chunk_ms in asked.chunk_ms:
        for policy in (False, True):
            seconds, commits = measure(asked.minutes, chunk_ms, policy=policy)
            told = f", {commits} commits" if policy else ""
            what = "detector and policy" if policy else "detector alone"
            print(f"chunks of {chunk_ms:4d} ms, {what:20s}: {seconds * 60 / asked.minutes:6.3f} CPU s per hour{told}")


if __name__ == "__main__":
    main()
