"""A connection on a desk: messages are said to it, time passes when told, and its answers are read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from transcripts.realtime.linkevents import Answer
from transcripts.realtime.options import SessionOptions
from transcripts.realtime.pauses import PauseDetector
from transcripts.realtime.protocol import Connection
from transcripts.realtime.tuning import Tuning

SECOND = 16_000
STARTED = {"message_type": "session_started", "session_id": "ab" * 16, "config": {"model_id": "m"}}


class Desk:
    """A connection with a clock; ``voice`` says in which seconds the audio is loud."""

    def __init__(
        self,
        options: SessionOptions | None = None,
        *,
        start: bool = True,
        voice: tuple[tuple[float, float], ...] = (),
        aim: tuple[int, int, str] = (0, 0, ""),
        **tuning: Any,
    ) -> None:
        self.now = 100.0
        audio = np.zeros(120 * SECOND, dtype="<i2")
        for begin, end in voice:
            audio[int(begin * SECOND) : int(end * SECOND)] = 8000
        self.levels = PauseDetector(0)
        self.levels.feed(0, audio.tobytes())
        self.link = Connection(options or SessionOptions(), Tuning(**tuning), self.levels)
        self.link.aim(*aim)
        self.link.opened(self.now)
        if start:
            self.say(STARTED)
            self.link.events()

    def say(self, *messages: dict[str, Any] | str) -> None:
        for message in messages:
            self.now += 0.01
            self.link.feed(message if isinstance(message, str) else json.dumps(message), self.now)

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.link.tick(self.now)

    def send(self, start: float, end: float, *, commit: bool = True) -> dict[str, Any]:
        pcm = bytes(int((end - start) * SECOND) * 2)
        return json.loads(self.link.audio(int(start * SECOND), pcm, self.now, commit=commit))

    def answers(self) -> list[tuple[str, float, bool]]:
        events = self.link.events()
        return [(event.text, event.end / SECOND, event.own) for event in events if isinstance(event, Answer)]


def plain(text: str) -> dict[str, Any]:
    return {"message_type": "committed_transcript", "text": text}


def timed(text: str, *times: tuple[float, float]) -> dict[str, Any]:
    words = [
        {"text": word, "start": a, "end": b, "type": "word"} for word, (a, b) in zip(text.split(), times, strict=True)
    ]
    spaced = [
        item
        for word in words
        for item in (word, {"text": " ", "start": word["end"], "end": word["end"], "type": "spacing"})
    ]
    return {
        "message_type": "committed_transcript_with_timestamps",
        "text": text,
        "language_code": None,
        "words": spaced[:-1],
    }


def partial(text: str) -> dict[str, Any]:
    return {"message_type": "partial_transcript", "text": text}
