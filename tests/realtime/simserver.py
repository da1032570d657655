"""The other side of the protocol as a model without I/O: one session of section 16's server, with faults to order.

It hears position-coded audio (tape.py) and answers with the numbers of the blocks that it heard.
"""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.realtime.tape import BASE, BLOCK

RATE = 16_000


@dataclass
class Behaviour:
    """What this session does differently from a faithful one."""

    timed: bool = True
    words: bool = True
    vad: bool = False
    vad_silence_s: float = 1.5
    auto_commit_s: float = 35.75
    floor_s: float = 0.3
    latency_s: float = 0.25
    twin_s: float = 0.015
    #: From one answer to the next, at least.
    spacing_s: float = 0.1
    echo: bool = True
    partials: bool = True
    idle_s: float = 15.5
    start_delay_s: float = 0.05
    #: Numbers of answers (from 0, per session) that are treated so.
    swallow: frozenset[int] = frozenset()
    double: frozenset[int] = frozenset()
    double_plain: frozenset[int] = frozenset()
    no_timed: frozenset[int] = frozenset()
    no_plain: frozenset[int] = frozenset()
    flip: frozenset[int] = frozenset()
    phantom_after: frozenset[int] = frozenset()
    #: Seconds of audio after which it dies so: (seconds, code, reason, error frame or None).
    dies: tuple[float, int, str, dict[str, Any] | None] | None = None
    mute_after_s: float | None = None
    limit_s: float | None = None
    refuse: dict[str, Any] | None = None
    #: Error frames that leave the session open, by the number of the frame they follow.
    complaints: dict[int, dict[str, Any]] = field(default_factory=dict)


class SimSession:
    """Feed frames with their time; take what is to be delivered, each with the time it is due."""

    def __init__(self, behaviour: Behaviour, now: float) -> None:
        self.how = behaviour
        self.opened = now
        self.out: list[tuple[float, str | tuple[int, str]]] = []
        self.closing = False
        self.frames: list[dict[str, Any]] = []
        self.audio = np.zeros(0, dtype="<i2")
        self.heard = 0
        self.base = 0
        self.emitted = 0
        self.answers = 0
        self.answer_at = 0.0
        self.commits = 0
        self.next_partial = 2 * RATE
        self.last_audio = now
        self.quiet = 0
        self.spoke = False
        if behaviour.refuse is not None:
            self.say(now + 0.05, behaviour.refuse)
            self.close(now + 0.06, 1008 if behaviour.refuse["message_type"] == "invalid_request" else 1000, "")
        else:
            self.say(
                now + behaviour.start_delay_s,
                {"message_type": "session_started", "session_id": "ab" * 16, "config": {"sample_rate": RATE}},
            )

    # Out.

    def say(self, at: float, message: dict[str, Any]) -> None:
        if not self.closing:
            self.out.append((at, json.dumps(message)))
            self.out.sort(key=lambda item: item[0])

    def close(self, at: float, code: int, reason: str, *, drop_pending: bool = False) -> None:
        if self.closing:
            return
        if drop_pending:
            self.out = [item for item in self.out if item[0] <= at - 0.17]
        self.out.append((at, (code, reason)))
        self.out = [item for item in self.out if item[0] <= at]
        self.closing = True

    @property
    def idle_at(self) -> float:
        return self.last_audio + self.how.idle_s

    def tick(self, now: float) -> None:
        if now >= self.idle_at:
            self.close(now, 1000, "")
        if self.how.limit_s is not None and now >= self.opened + self.how.limit_s:
            self.say(now, {"message_type": "session_time_limit_exceeded", "error": "Maximum session time reached."})
            self.close(now, 1000, "session_time_limit_exceeded")

    # In.

    def feed(self, frame: bytes, now: float) -> None:
        if self.closing:
            return
        message = json.loads(frame)
        self.frames.append(message)
        assert message["message_type"] == "input_audio_chunk"
        if message.get("previous_text") is not None and len(self.frames) > 1:
            self.say(now, {"message_type": "input_error", "error": "previous_text can only be set on the first"})
            return
        pcm = np.frombuffer(base64.b64decode(message["audio_base_64"]), dtype="<i2")
        if len(pcm):
            self.last_audio = now
            self.hear(pcm, now)
        if message["commit"]:
            self.client_commit(now)
        if len(self.frames) - 1 in self.how.complaints:
            self.say(now + 0.01, self.how.complaints[len(self.frames) - 1])
        dies = self.how.dies
        if dies is not None and self.heard >= dies[0] * RATE:
            if dies[3] is not None:
                self.say(now + 0.001, dies[3])
            self.close(now + 0.002, dies[1], dies[2])

    def hear(self, pcm: np.ndarray[Any, Any], now: float) -> None:
        if self.heard + len(pcm) > len(self.audio):
            grown = np.zeros(2 * (self.heard + len(pcm)), dtype="<i2")
            grown[: self.heard] = self.audio[: self.heard]
            self.audio = grown
        self.audio[self.heard : self.heard + len(pcm)] = pcm
        self.heard += len(pcm)
        if self.how.vad:
            self.vad(pcm, now)
        elif self.heard - self.base >= self.how.auto_commit_s * RATE:
            self.commit(self.base + int(self.how.auto_commit_s * RATE), now)
        if self.how.partials and self.heard - self.base >= 2 * RATE and self.heard >= self.next_partial:
            self.next_partial = self.heard + RATE
            text = self.text_of(self.words(self.base, self.heard))
            if text and not self.muted():
                self.say(now + 0.1, {"message_type": "partial_transcript", "text": text})

    def vad(self, pcm: np.ndarray[Any, Any], now: float) -> None:
        for at in range(0, len(pcm), 320):
            hop = pcm[at : at + 320]
            if hop.any():
                self.spoke, self.quiet = True, 0
                continue
            self.quiet += len(hop)
            if self.spoke and self.quiet >= self.how.vad_silence_s * RATE:
                self.spoke = False
                self.commit(self.heard - len(pcm) + at + len(hop), now)

    def client_commit(self, now: float) -> None:
        fresh = (self.heard - self.base) / RATE
        if fresh < self.how.floor_s:
            self.say(now, {"message_type": "commit_throttled", "error": f"only {fresh:.2f}s of uncommitted audio"})
            self.close(now + 0.18, 1000, "commit_throttled", drop_pending=True)
            return
        self.commit(self.heard, now)

    def muted(self) -> bool:
        return self.how.mute_after_s is not None and self.heard >= self.how.mute_after_s * RATE

    def commit(self, position: int, now: float) -> None:
        words = self.words(self.base, position)
        self.base = position
        self.next_partial = self.heard + RATE
        number, self.answers = self.answers, self.answers + 1
        if number not in self.how.swallow and not self.muted():
            self.answer(number, words, now + self.how.latency_s)

    def answer(self, number: int, words: list[tuple[int, int, int]], at: float) -> None:
        at = max(at, self.answer_at + self.how.spacing_s)
        self.answer_at = at
        text = self.text_of(words)
        plain = {"message_type": "committed_transcript", "text": text}
        timed = self.timed(words, text)
        first, second = (timed, plain) if number in self.how.flip else (plain, timed)
        for index, message in enumerate((first, second)):
            if message is timed and (not self.how.timed or number in self.how.no_timed):
                continue
            if message is plain and number in self.how.no_plain:
                continue
            again = number in self.how.double or (message is plain and number in self.how.double_plain)
            for _ in range(2 if again else 1):
                self.say(at + index * self.how.twin_s, message)
        if text and self.how.echo:
            self.say(at + 0.03, {"message_type": "partial_transcript", "text": text})
        if number in self.how.phantom_after:
            self.say(at + 0.05, plain)
            if self.how.timed:
                self.say(at + 0.06, timed)

    # What was heard.

    def words(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """Blocks of which more than half was heard by ``end``: (number, first sample, end sample); each once."""
        first = max(0, start - BLOCK)
        values = self.audio[first:end]
        if not len(values):
            return []
        edges = np.flatnonzero(np.diff(values)) + 1
        bounds = [0, *edges.tolist(), len(values)]
        found = []
        for low, high in itertools.pairwise(bounds):
            value = int(values[low])
            if value and high - low > BLOCK // 2 and first + (low + high) // 2 >= start - BLOCK // 2:
                found.append((value - BASE, first + low, first + high))
        return [word for word in found if word[1] + BLOCK // 2 >= self.emitted_until(start)]

    def emitted_until(self, start: int) -> int:
        return start if start == 0 else start - BLOCK // 2 + 1

    def text_of(self, words: list[tuple[int, int, int]]) -> str:
        return " ".join(f"b{number}" for number, _, _ in words)

    def timed(self, words: list[tuple[int, int, int]], text: str) -> dict[str, Any]:
        listed: list[dict[str, Any]] | None = []
        reached = None
        for number, start, end in words:
            if reached is not None:
                listed.append(self.token(" ", reached, start, "spacing"))
            listed.append(self.token(f"b{number}", start, end, "word"))
            reached = end
        return {
            "message_type": "committed_transcript_with_timestamps",
            "text": text,
            "language_code": None,
            "words": listed if self.how.words else None,
        }

    @staticmethod
    def token(text: str, start: int, end: int, kind: str) -> dict[str, Any]:
        return {
            "text": text,
            "start": start / RATE,
            "end": end / RATE,
            "type": kind,
            "speaker_id": None,
            "logprob": -0.1,
            "characters": None,
            "channel_index": None,
        }
