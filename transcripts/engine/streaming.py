"""What the recogniser process knows about one stream: its audio, its segments, its commits. No threads, no I/O.

All positions are samples from the first sample of the connection. A *segment* is a run of speech of at most 15 s; a
*commit* answers with the words of all segments since the commit before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from transcripts.engine.alignment import HeardWord
from transcripts.engine.guards import stable_prefix
from transcripts.engine.recognizer import StreamOptions
from transcripts.engine.vad import FRAME, SAMPLE_RATE, Segmenter, Span, VadSettings

Array = NDArray[np.float32]

#: Silence after which the end of the open segment is decoded ahead of the commit that will probably follow.
SPECULATE_AFTER = int(0.3 * SAMPLE_RATE)

#: A feed counts as bulk (a file) when it runs this much faster than real time over the window.
BULK_RATE, BULK_WINDOW = 1.5, 2.0


@dataclass(slots=True, eq=False)
class Segment:
    """A run of speech. ``tokens`` is the newest hypothesis; ``words`` are set once it is closed and decoded.

    ``decoded_end`` is the end of the audio that ``draft`` was made from: when the segment closes exactly there, the
    draft is its result.
    """

    start: int
    end: int
    closed: bool = False
    busy: bool = False
    tokens: list[int] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    draft: list[HeardWord] | None = None
    decoded_end: int = -1
    words: list[HeardWord] | None = None


@dataclass(slots=True)
class Commit:
    """A commit that waits for its segments. ``start`` to ``end`` is all audio it answers for."""

    start: int
    end: int
    segments: list[Segment]

    @property
    def done(self) -> bool:
        """Whether every segment has its words."""
        return all(segment.words is not None for segment in self.segments)

    def words(self) -> list[HeardWord]:
        """The words of all segments in order."""
        return [word for segment in self.segments for word in segment.words or ()]


class Tail:
    """The newest audio of a stream, addressed by absolute sample."""

    def __init__(self) -> None:
        self.start = 0
        self._parts: deque[Array] = deque()
        self.end = 0

    def append(self, audio: Array) -> None:
        """Adds ``audio`` at the end."""
        self._parts.append(audio)
        self.end += audio.size

    def slice(self, start: int, end: int) -> Array:
        """The samples ``[start, end)`` as one array."""
        if len(self._parts) > 1:
            joined = np.concatenate(list(self._parts))
            self._parts = deque([joined])
        whole = self._parts[0] if self._parts else np.zeros(0, np.float32)
        return whole[max(0, start - self.start) : max(0, end - self.start)]

    def forget(self, before: int) -> None:
        """Drops everything before sample ``before``."""
        while self._parts and self.start + self._parts[0].size <= before:
            self.start += self._parts.popleft().size
        if self._parts and self.start < before:
            self._parts[0] = self._parts[0][before - self.start :]
            self.start = before


@dataclass(slots=True)
class Endpoint:
    """The provider-side VAD strategy: says when enough silence followed enough speech."""

    threshold: float
    silence: float
    shortest_speech: float
    shortest_silence: float
    _speech: int = 0
    _silence: int = 0

    def push(self, probability: float) -> bool:
        """Takes the next frame; True when the server should commit after it."""
        if probability >= self.threshold:
            self._speech += FRAME
            self._silence = 0
            return False
        self._silence += FRAME
        needed = max(self.silence, self.shortest_silence) * SAMPLE_RATE
        if self._speech < self.shortest_speech * SAMPLE_RATE or self._silence < needed:
            return False
        self._speech = self._silence = 0
        return True


class StreamState:
    """One stream. The owner serialises calls; ``now`` is a monotonic clock in seconds."""

    def __init__(self, options: StreamOptions, now: float) -> None:
        self.options = options
        self.audio = Tail()
        self.segmenter = Segmenter(VadSettings())
        self.segments: list[Segment] = []
        self.commits: deque[Commit] = deque()
        self.committed = 0
        self.spent = 0.0
        self.spent_at = now
        self.endpoint = Endpoint(*options.vad) if options.vad else None
        self._voiced: list[bool] = []
        self._voiced_from = 0
        self._window = (now, 0)
        self._bulk = False
        self._partial_at = 0
        self._partial_allowed = now
        self._said = ""

    def feed(self, audio: Array, probabilities: list[float], now: float) -> None:
        """Adds audio and the speech probabilities of the VAD frames that it completed."""
        self.audio.append(audio)
        self._measure_rate(audio.size, now)
        for probability in probabilities:
            self._voiced.append(probability >= self.segmenter.settings.off)
            span = self.segmenter.push(probability)
            if span is not None:
                self._close(span)
            if self.endpoint is not None and self.endpoint.push(probability):
                self.commit(self.segmenter.position)
        self._follow_open()

    def commit(self, end: int | None = None) -> None:
        """Closes the range up to ``end`` (default: all audio so far); its answer is due when its segments are."""
        stop = self.audio.end if end is None else end
        span = self.segmenter.commit(stop)
        if span is not None:
            self._close(span)
        elif self._open() is not None:
            self.segments.pop()
        self.commits.append(Commit(self.committed, stop, self.segments))
        self.segments = []
        self.committed = stop
        self._partial_at = stop
        self._said = ""
        self._follow_open()

    def finished_commits(self) -> list[Commit]:
        """Takes the commits whose answers are complete, oldest first."""
        done = []
        while self.commits and self.commits[0].done:
            done.append(self.commits.popleft())
        return done

    def waiting(self) -> Segment | None:
        """The oldest closed segment that nobody decodes yet."""
        everything = [segment for commit in self.commits for segment in commit.segments] + self.segments
        return next((s for s in everything if s.closed and s.words is None and not s.busy), None)

    def late(self) -> bool:
        """Whether closed segments wait for words."""
        return any(not commit.done for commit in self.commits) or any(
            s.closed and s.words is None for s in self.segments
        )

    @property
    def bulk(self) -> bool:
        """Whether audio comes faster than real time."""
        return self._bulk

    def is_bulk(self, now: float) -> bool:
        """As ``bulk``, forgotten once the feed pauses."""
        return self._bulk and now - self._window[0] < 2 * BULK_WINDOW

    def partial_due(self, now: float) -> tuple[Segment, int] | None:
        """The open segment and the end to decode it to, when a partial is wanted."""
        segment = self._open()
        if segment is None or segment.busy or self.is_bulk(now) or self.late():
            return None
        end = min(self.segmenter.open_end(), self.audio.end)
        if self.segmenter.trailing_silence() >= SPECULATE_AFTER:
            return (segment, end) if segment.decoded_end != end else None
        heard = self.audio.end
        if heard - self.committed < self.options.first_partial or now < self._partial_allowed:
            return None
        if self._said and heard - self._partial_at < self.options.partial_interval:
            return None
        return segment, heard

    def partial_done(self, segment: Segment, now: float, cost: float) -> None:
        """Notes that a partial was made; the next must wait at least as long as this one took."""
        self._partial_at = self.audio.end
        self._partial_allowed = now + cost

    def partial_text(self, segment: Segment | None = None, words: list[str] | None = None) -> str | None:
        """The text to show for the open range, or None when it did not change."""
        if segment is not None and words is not None:
            segment.shown = stable_prefix(segment.text, words)
            segment.text = words
        text = " ".join(filter(None, self._shown_parts()))
        if not text or text == self._said:
            return None
        self._said = text
        return text

    def _shown_parts(self) -> Iterator[str]:
        for segment in self.segments:
            if segment.words is None:
                # What follows an unfinished segment would leave a hole in the text.
                yield " ".join(segment.shown)
                return
            yield " ".join(word.text for word in segment.words)

    def voiced(self, start: int, end: int) -> tuple[list[bool], int]:
        """Voice flags of the VAD frames that touch ``[start, end)`` and the first one's sample."""
        first = max(0, start // FRAME - self._voiced_from)
        last = -(-end // FRAME) - self._voiced_from
        return self._voiced[first:last], (first + self._voiced_from) * FRAME

    def progress(self) -> int:
        """All audio before this sample needs no more work."""
        pending = [s for commit in self.commits for s in commit.segments if s.words is None]
        pending += [s for s in self.segments if s.closed and s.words is None]
        return min([self.audio.end, *(segment.start for segment in pending)])

    def forget(self) -> None:
        """Drops audio and flags that nothing can need any more."""
        open_start = self.segmenter.start if self.segmenter.start is not None else self.segmenter.position
        keep = min(self.progress(), open_start - SAMPLE_RATE)
        self.audio.forget(keep)
        frames = max(0, keep // FRAME - self._voiced_from)
        del self._voiced[:frames]
        self._voiced_from += frames

    def _open(self) -> Segment | None:
        return self.segments[-1] if self.segments and not self.segments[-1].closed else None

    def _follow_open(self) -> None:
        start = self.segmenter.start
        segment = self._open()
        if start is None:
            if segment is not None:
                self.segments.pop()
        elif segment is None:
            self.segments.append(Segment(start, self.audio.end))
        elif segment.start != start:
            self.segments[-1] = Segment(start, self.audio.end)
        else:
            segment.end = self.audio.end

    def _close(self, span: Span) -> None:
        segment = self._open()
        if segment is None:
            segment = Segment(span.start, span.end)
            self.segments.append(segment)
        segment.start, segment.end, segment.closed = span.start, span.end, True
        if segment.decoded_end == span.end and segment.draft is not None and not segment.busy:
            segment.words = segment.draft

    def _measure_rate(self, samples: int, now: float) -> None:
        since, count = self._window
        count += samples
        elapsed = now - since
        self._window = (since, count)
        if count > SAMPLE_RATE * 2 * BULK_RATE and count / SAMPLE_RATE > BULK_RATE * max(elapsed, 0.01):
            self._bulk = True
        if elapsed >= BULK_WINDOW:
            self._bulk = count / SAMPLE_RATE > BULK_RATE * elapsed
            self._window = (now, 0)
