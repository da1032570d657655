"""The Moonshine network on onnxruntime: one encoder pass and greedy decoding with a cache. No threads, no clock.

Shapes: audio is float32 [samples] at 16 kHz in -1..1; encoder states are [1, frames, width] with one frame per 384
samples; a cache holds key and value [1, heads, tokens, size] per layer. Both sessions are thread-safe.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from transcripts.engine.guards import loop_start, token_cap
from transcripts.engine.tokenizer import Tokenizer
from transcripts.engine.weights import DECODER, ENCODER, TOKENIZER

Array = NDArray[np.float32]

#: Samples per encoder frame (24 ms).
FRAME_SAMPLES = 384

#: The encoder's convolutions need some audio to give one frame at all; shorter input is padded with zeros.
SHORTEST_SAMPLES = 4000

START_TOKEN, END_TOKEN, TEXT_TOKENS = 1, 2, 32_000

#: (layer, head) pairs whose cross attention follows the audio best, by number of decoder layers.
ALIGNMENT_HEADS: Mapping[int, tuple[tuple[int, int], ...]] = {
    8: ((5, 5), (4, 2), (5, 4), (7, 2)),
    6: ((5, 6), (4, 7), (3, 5), (5, 3)),
}


@dataclass(slots=True)
class Decoded:
    """Greedy output: ``tokens`` without start and end, natural-log probability of each, and, when asked for, the
    cross attention [heads, tokens, frames] of the step that predicted each token. ``cancelled`` when it was stopped."""

    tokens: list[int]
    logprobs: list[float]
    attention: Array | None = None
    cancelled: bool = False


def session(path: Path) -> ort.InferenceSession:
    """A session that uses the calling thread only: many streams share two workers, so more threads only fight."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Moonshine:
    """Loads the files of one model folder (about 1.6 s) and runs them."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = Tokenizer.from_bytes((folder / TOKENIZER).read_bytes())
        self._encoder = session(folder / ENCODER)
        self._decoder = session(folder / DECODER)
        names = [value.name for value in self._decoder.get_inputs()]
        self._past = [name for name in names if name.startswith("past_key_values.")]
        shape = next(value.shape for value in self._decoder.get_inputs() if value.name == self._past[0])
        self._empty = np.zeros((1, shape[1], 0, shape[3]), np.float32)
        self._masked = "encoder_attention_mask" in names
        self._layers = len(self._past) // 4
        outputs = {value.name for value in self._decoder.get_outputs()}
        self._heads = ALIGNMENT_HEADS.get(self._layers, ()) if "cross_attentions.0" in outputs else ()

    def encode(self, audio: Array) -> Encoded:
        """One pass over ``audio`` (it normalises the level itself)."""
        if audio.size < SHORTEST_SAMPLES:
            audio = np.concatenate([audio, np.zeros(SHORTEST_SAMPLES - audio.size, np.float32)])
        feed: dict[str, Any] = {"input_values": audio[None, :]}
        if self._masked:
            feed["attention_mask"] = np.ones((1, audio.size), np.int64)
        (states,) = self._encoder.run(["last_hidden_state"], feed)
        return Encoded(states, audio.size)

    def decode(
        self,
        encoded: Encoded,
        hypothesis: Sequence[int] = (),
        *,
        attention: bool = False,
        cancelled: Callable[[], bool] = lambda: False,
    ) -> Decoded:
        """Greedy decoding that starts from ``hypothesis``, keeping its longest prefix that the network confirms.

        Stops at the end token, at a repeating phrase (which it cuts to one occurrence) and at the token cap for the
        length of the audio; ``cancelled`` is asked before every step.
        """
        heads = self._heads if attention else ()
        run = _Run(self, encoded, heads)
        run.verify(hypothesis)
        cap = token_cap(encoded.samples)
        while not run.ended and len(run.tokens) < cap:
            if cancelled():
                return Decoded(run.tokens, run.logprobs, cancelled=True)
            run.step()
            cut = loop_start(run.tokens)
            if cut is not None:
                run.truncate(cut)
                break
        return run.result()


@dataclass(frozen=True, slots=True)
class Encoded:
    """Encoder states [1, frames, width] of so many samples."""

    states: Array
    samples: int


@dataclass(slots=True)
class _Run:
    """One decoding: the tokens so far and the caches behind them."""

    model: Moonshine
    encoded: Encoded
    heads: tuple[tuple[int, int], ...]
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    ended: bool = False
    _rows: list[Array] = field(default_factory=list)
    _next: tuple[int, float] = (END_TOKEN, 0.0)
    _cache: dict[str, Any] = field(default_factory=dict)

    def verify(self, hypothesis: Sequence[int]) -> None:
        """One pass over start + hypothesis; keeps the tokens the network would have chosen itself."""
        model = self.model
        self._cache = dict.fromkeys(model._past, model._empty)
        names = [name.replace("past_key_values", "present") for name in model._past]
        logits, present, rows = self._forward([START_TOKEN, *hypothesis], names, cached=False)
        best = logits.argmax(axis=1)
        agree = 0
        while agree < len(hypothesis) and best[agree] == hypothesis[agree]:
            agree += 1
        scores = _logprobs(logits[: agree + 1], best[: agree + 1])
        self.tokens = list(hypothesis[:agree])
        self.logprobs = scores[:agree]
        self._rows = [rows[:, index] for index in range(agree + 1)] if self.heads else []
        for name, value in zip(model._past, present, strict=True):
            self._cache[name] = value if ".encoder." in name else np.ascontiguousarray(value[:, :, : agree + 1])
        self._offer(int(best[agree]), scores[agree])

    def step(self) -> None:
        """Appends the token offered by the last pass and looks one further."""
        token, score = self._next
        self.tokens.append(token)
        self.logprobs.append(score)
        past = [name for name in self.model._past if ".decoder." in name]
        names = [name.replace("past_key_values", "present") for name in past]
        logits, present, rows = self._forward([token], names, cached=True)
        self._cache.update(zip(past, present, strict=True))
        if self.heads:
            self._rows.append(rows[:, 0])
        best = int(logits[0].argmax())
        self._offer(best, _logprobs(logits, np.array([best]))[0])

    def truncate(self, length: int) -> None:
        """Drops everything after ``length`` tokens and ends."""
        del self.tokens[length:], self.logprobs[length:]
        self.ended = True

    def result(self) -> Decoded:
        """What was decoded."""
        rows = self._rows[: len(self.tokens)]
        attention = np.stack(rows, axis=1) if rows else None
        return Decoded(self.tokens, self.logprobs, attention)

    def _offer(self, token: int, score: float) -> None:
        self._next = (token, score)
        self.ended = token == END_TOKEN

    def _forward(self, tokens: list[int], names: list[str], *, cached: bool) -> tuple[Array, list[Array], Array]:
        layers = sorted({layer for layer, _ in self.heads})
        wanted = ["logits", *names, *(f"cross_attentions.{layer}" for layer in layers)]
        feed: dict[str, Any] = {
            "input_ids": np.array([tokens], np.int64),
            "encoder_hidden_states": self.encoded.states,
            "use_cache_branch": np.array([cached]),
            **self._cache,
        }
        if self.model._masked:
            feed["encoder_attention_mask"] = np.ones((1, self.encoded.samples), np.int64)
        found = self.model._decoder.run(wanted, feed)
        logits = found[0][0, :, :TEXT_TOKENS]
        attention = dict(zip(layers, found[1 + len(names) :], strict=True))
        rows = np.stack([attention[layer][0, head] for layer, head in self.heads]) if self.heads else _NOTHING
        return logits, found[1 : 1 + len(names)], rows


_NOTHING = np.zeros((0, 0, 0), np.float32)


def _logprobs(logits: Array, tokens: NDArray[np.intp]) -> list[float]:
    top = logits.max(axis=1, keepdims=True)
    total = top[:, 0] + np.log(np.exp(logits - top).sum(axis=1))
    return [float(value) for value in logits[np.arange(len(tokens)), tokens] - total]
