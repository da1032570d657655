"""Shares the processor among streams: worker threads, commits first, then whoever was served least.

onnxruntime releases the interpreter lock, so two threads use two cores. One lock guards all stream states; the network
runs outside it.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from transcripts.engine.model import Decoded, Moonshine
from transcripts.engine.recognizer import StreamOptions
from transcripts.engine.result import segment_words
from transcripts.engine.streaming import Segment, StreamState

#: Spent seconds are forgotten by half in this time, so that a newcomer and an old stream soon are equals.
SPENT_HALF_LIFE = 5.0

Emit = Callable[[list[object]], None]


@dataclass(slots=True)
class Job:
    """One decoding. ``rank`` sorts: class 0 (a live stream's commit or closed segment) before 1, least served first."""

    stream: int
    state: StreamState
    segment: Segment
    end: int
    final: bool
    rank: tuple[int, float]


class Scheduler:
    """Owns the streams. ``emit`` gets ``[kind, stream, ...]`` messages, called with the lock held, in order."""

    def __init__(self, model: Moonshine, emit: Emit, workers: int = 2) -> None:
        self._model = model
        self._emit = emit
        self._streams: dict[int, StreamState] = {}
        self._ready = threading.Condition()
        self._idle = 0
        self._urgent = False
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def open(self, stream: int, options: StreamOptions) -> None:
        """A new stream under the caller's number."""
        with self._ready:
            self._streams[stream] = StreamState(options, time.monotonic())

    def feed(self, stream: int, audio: NDArray[np.float32], probabilities: list[float]) -> None:
        """Audio and the VAD frames that it completed."""
        with self._ready:
            state = self._streams.get(stream)
            if state is not None:
                state.feed(audio, probabilities, time.monotonic())
                self._settle(stream, state)

    def commit(self, stream: int) -> None:
        """Commits everything fed so far."""
        with self._ready:
            state = self._streams.get(stream)
            if state is not None:
                state.commit()
                self._settle(stream, state)

    def close(self, stream: int) -> None:
        """Forgets the stream."""
        with self._ready:
            self._streams.pop(stream, None)

    def _settle(self, stream: int, state: StreamState) -> None:
        """Emits what is finished and wakes the workers for what is not."""
        for commit in state.finished_commits():
            words = [[word.text, word.start, word.end, word.logprob] for word in commit.words()]
            self._emit(["final", stream, commit.start, commit.end, words])
        self._emit(["progress", stream, state.progress()])
        state.forget()
        job = self._pick()
        if job is not None:
            self._urgent = job.rank[0] == 0 and self._idle == 0
            self._ready.notify()

    def _work(self) -> None:
        while True:
            with self._ready:
                while (job := self._pick()) is None:
                    self._idle += 1
                    self._ready.wait()
                    self._idle -= 1
                job.segment.busy = True
                self._urgent = False
                audio = job.state.audio.slice(job.segment.start, job.end).copy()
            began = time.monotonic()
            decoded = self._decode(job, audio)
            with self._ready:
                self._finish(job, decoded, time.monotonic() - began)

    def _decode(self, job: Job, audio: NDArray[np.float32]) -> Decoded:
        def cancelled() -> bool:
            return not job.final and (self._urgent or job.segment.closed)

        encoded = self._model.encode(audio)
        return self._model.decode(encoded, job.segment.tokens, attention=True, cancelled=cancelled)

    def _finish(self, job: Job, decoded: Decoded, cost: float) -> None:
        state, segment, now = job.state, job.segment, time.monotonic()
        segment.busy = False
        segment.tokens = decoded.tokens
        state.spent = _faded(state, now) + cost
        state.spent_at = now
        if self._streams.get(job.stream) is not state:
            return
        voiced, origin = state.voiced(segment.start, job.end)
        if not decoded.cancelled:
            segment.draft = segment_words(self._model, decoded, segment.start, job.end, voiced, origin)
            segment.decoded_end = job.end
        if segment.closed and segment.decoded_end == segment.end:
            segment.words = segment.draft
        words = [word.text for word in segment.draft or ()]
        text = state.partial_text() if segment.words is not None else state.partial_text(segment, words)
        if not job.final:
            state.partial_done(segment, now, cost)
        if text is not None and segment in state.segments:
            self._emit(["partial", job.stream, text])
        self._settle(job.stream, state)

    def _pick(self) -> Job | None:
        now = time.monotonic()
        jobs = [job for number, state in self._streams.items() if (job := _job(number, state, now)) is not None]
        return min(jobs, key=lambda job: job.rank, default=None)


def _job(number: int, state: StreamState, now: float) -> Job | None:
    waiting = state.waiting()
    if waiting is not None:
        kind = 1 if state.is_bulk(now) else 0
        return Job(number, state, waiting, waiting.end, True, (kind, _faded(state, now)))
    due = state.partial_due(now)
    if due is None:
        return None
    return Job(number, state, due[0], due[1], False, (1, _faded(state, now)))


def _faded(state: StreamState, now: float) -> float:
    return float(state.spent * 0.5 ** ((now - state.spent_at) / SPENT_HALF_LIFE))
