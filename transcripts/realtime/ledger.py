"""What was had so far: the committed end, the gaps, the context, and the events that tell of them in order.

Pure. The ledger alone moves the committed end, and only for an answer, a gap that is settled or a piece that was given
up; so what it tells abuts and is complete. Positions are samples on the transcript's clock.
"""

from __future__ import annotations

from bisect import insort
from collections import deque

from transcripts.realtime.linkevents import Answer, Note
from transcripts.realtime.results import Annotation, Committed, Gap, Partial, StreamEvent, Word

#: The service's advice for ``previous_text`` is less than 50 characters.
CONTEXT_CHARS = 50


class Ledger:
    """Append-only; ``events`` is taken by the stream."""

    def __init__(self, start: int, previous_text: str) -> None:
        #: End of what is settled: the place to resume from.
        self.done = start
        #: Words before this were told.
        self.words_until = start
        self.events: deque[StreamEvent] = deque()
        self._context = previous_text
        self._partial = ""
        self._gaps: list[tuple[int, int, str]] = []

    @property
    def trim(self) -> int:
        """Words whose middle lies before this are not wanted again."""
        return max(self.done, self.words_until)

    @property
    def context(self) -> str:
        """The end of the text so far, cut at a word, as ``previous_text``."""
        tail = self._context.strip()
        if len(tail) <= CONTEXT_CHARS:
            return tail
        tail = tail[-CONTEXT_CHARS:]
        _, space, rest = tail.partition(" ")
        return rest if space else tail

    def gap(self, start: int, end: int, reason: str) -> None:
        """The audio ``[start, end)`` will never be heard. What other gaps cover already stays theirs."""
        start = max(start, self.done)
        for known_start, known_end, _ in list(self._gaps):
            if known_end > start and known_start < end:
                if known_start > start:
                    insort(self._gaps, (start, known_start, reason))
                start = known_end
        if start < end:
            insort(self._gaps, (start, end, reason))
        self._settle()

    def partial(self, text: str, heard: int) -> None:
        """A guess. Only the newest waits to be told."""
        self._partial = text
        told = Partial(text, self.done, heard)
        if self.events and isinstance(self.events[-1], Partial):
            self.events[-1] = told
        else:
            self.events.append(told)

    def note(self, note: Note) -> None:
        """Anything else that was said."""
        self.events.append(Annotation(note.kind, note.payload, None if note.end is None else min(note.end, self.done)))

    def answer(self, answer: Answer) -> bool:
        """A final. Returns whether the committed end moved."""
        start, self.done = self.done, max(self.done, answer.end)
        words = tuple(word for word in answer.words if _middle(word) >= self.words_until)
        text = answer.text if len(words) == len(answer.words) else "".join(word.text for word in words).strip()
        self._partial = ""
        if text or self.done > start:
            self.events.append(
                Committed(text, start, self.done, words if text else (), answer.language, raw=answer.raw)
            )
        if text:
            self._context = f"{self._context} {text}"[-4 * CONTEXT_CHARS :]
            spoken = [word.end for word in words if word.kind != "spacing"]
            self.words_until = max([self.words_until, *spoken])
        self._settle()
        return self.done > start

    def give_up(self, end: int) -> None:
        """The audio up to ``end`` will get no answer: keep the last guess, flagged, or else say that it is missing."""
        while self.done < end:
            stop = min(end, self._gaps[0][0]) if self._gaps else end
            if self._partial:
                self.events.append(Committed(self._partial, self.done, stop, unconfirmed=True))
                self._partial = ""
            else:
                self.events.append(Gap(self.done, stop, "unanswered"))
            self.done = self.words_until = stop
            self._settle()

    def _settle(self) -> None:
        while self._gaps and self._gaps[0][0] <= self.done:
            _, end, reason = self._gaps.pop(0)
            while self._gaps and self._gaps[0][0] <= end and self._gaps[0][2] == reason:
                end = max(end, self._gaps.pop(0)[1])
            if end > self.done:
                self.events.append(Gap(self.done, end, reason))
                self.done = end


def _middle(word: Word) -> int:
    return (word.start + word.end) // 2
