"""Live text in a terminal: committed sentences as lines, guess and progress on one line that is redrawn."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from transcripts.jobs.clean import clean_text
from transcripts.media.pcm import samples_to_seconds
from transcripts.realtime.results import Committed, Gap, Interrupted, Partial, StreamEvent

#: Redraws a second at most.
REDRAW_SECONDS = 0.1


def clock(samples: int) -> str:
    """Samples as ``h:mm:ss``."""
    seconds = int(samples_to_seconds(samples))
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


class Display:
    """Writes to ``out``. The redrawn line is only for terminals; ``length`` is the source's in samples, or 0."""

    def __init__(self, out: TextIO) -> None:
        self.length = 0
        self._out = out
        self._redraws = out.isatty()
        self._started = time.monotonic()
        self._first: int | None = None
        self._at = 0
        self._drawn_at = 0.0
        self._drawn = False

    def observe(self, event: StreamEvent) -> None:
        """Show an event of the stream."""
        match event:
            case Partial(text, start, heard):
                self._progress(start, heard, text)
            case Committed(text, start, end):
                if text.strip():
                    self._line(f"[{clock(start)}] {_one_line(text)}")
                self._progress(start, end, "")
            case Gap(start, end, reason):
                self._line(f"[{clock(start)}] (nothing could be heard until {clock(end)}: {_one_line(reason)})")
            case Interrupted(_, message):
                self._line(f"({_one_line(message)})")
            case _:
                pass

    def note(self, text: str) -> None:
        """Say something in between."""
        self._line(f"({text})")

    def close(self) -> None:
        """Take the redrawn line away."""
        self._erase()
        self._out.flush()

    def _line(self, text: str) -> None:
        self._erase()
        self._out.write(text + "\n")
        self._out.flush()

    def _progress(self, start: int, end: int, guess: str) -> None:
        self._first = start if self._first is None else self._first
        self._at = max(self._at, end)
        now = time.monotonic()
        if not self._redraws or now - self._drawn_at < REDRAW_SECONDS:
            return
        self._drawn_at = now
        line = self._status(now)
        room = shutil.get_terminal_size().columns - len(line) - 3
        guess = _one_line(guess)
        self._erase()
        self._out.write(f"{line}  {guess[-room:] if room > 0 else ''}")
        self._out.flush()
        self._drawn = True

    def _status(self, now: float) -> str:
        speed = samples_to_seconds(self._at - (self._first or 0)) / max(now - self._started, 0.1)
        length = f" of {clock(self.length)} ({min(100 * self._at // self.length, 100)} %)" if self.length else ""
        return f"{clock(self._at)}{length} {speed:.1f}x"

    def _erase(self) -> None:
        if self._drawn:
            self._out.write("\r\x1b[K")
            self._drawn = False


def _one_line(text: str) -> str:
    """Strangers' text must not move the cursor."""
    return " ".join(clean_text(text).split())
