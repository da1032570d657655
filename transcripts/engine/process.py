"""The recogniser process: reads commands from a socket, answers on it.

It runs as ``python -m transcripts.engine.process FD MODEL VAD``.

It lives apart from the server so that a crash or a long pass of the network hits nobody else, and it ends when its
parent does: the socket then reads empty. The detector runs in the reading thread, the network in the scheduler's.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path

import msgpack
import numpy as np
from numpy.typing import NDArray

from transcripts.engine.model import Moonshine, session
from transcripts.engine.recognizer import StreamOptions
from transcripts.engine.scheduler import Scheduler
from transcripts.engine.vad import FRAME, Silero

#: Every message travels as its length (4 bytes, little-endian) and a msgpack array ``[kind, stream, ...]``.
HEADER = struct.Struct("<I")

#: Lower priority than the web process on the same machine: recognition may wait, pages may not.
NICENESS = 5


def pack(message: list[object]) -> bytes:
    """One framed message."""
    body: bytes = msgpack.packb(message)
    return HEADER.pack(len(body)) + body


def messages(connection: socket.socket) -> Iterator[list[object]]:
    """The framed messages of ``connection`` until the peer closes it."""
    with connection.makefile("rb", buffering=1 << 20) as stream:
        while len(header := stream.read(HEADER.size)) == HEADER.size:
            (length,) = HEADER.unpack(header)
            yield msgpack.unpackb(stream.read(length))


class Ear:
    """Feeds a stream's detector: PCM to float, whole frames to probabilities."""

    def __init__(self, detector: Silero) -> None:
        self._detector = detector
        self._rest = np.zeros(0, np.float32)

    def listen(self, pcm: bytes) -> tuple[NDArray[np.float32], list[float]]:
        """The audio as float32 and the probability of every frame it completed."""
        audio = np.frombuffer(pcm, "<i2").astype(np.float32) / np.float32(32768)
        whole = np.concatenate([self._rest, audio]) if self._rest.size else audio
        count = whole.size // FRAME
        probabilities = [self._detector(whole[at * FRAME : (at + 1) * FRAME]) for at in range(count)]
        self._rest = whole[count * FRAME :]
        return audio, probabilities


class Listener:
    """Carries out the parent's commands."""

    def __init__(self, scheduler: Scheduler, vad_model: Path) -> None:
        self._scheduler = scheduler
        self._session = session(vad_model)
        self._ears: dict[int, Ear] = {}

    def handle(self, message: list[object]) -> None:
        """One command: open, feed, commit or close."""
        kind, stream, *rest = message
        assert isinstance(stream, int)
        if kind == "feed" and stream in self._ears:
            pcm = rest[0]
            assert isinstance(pcm, bytes)
            self._scheduler.feed(stream, *self._ears[stream].listen(pcm))
        elif kind == "commit":
            self._scheduler.commit(stream)
        elif kind == "open":
            self._ears[stream] = Ear(Silero(self._session))
            self._scheduler.open(stream, _options(rest))
        elif kind == "close":
            self._ears.pop(stream, None)
            self._scheduler.close(stream)


def _options(values: list[object]) -> StreamOptions:
    first, interval, vad = values
    assert isinstance(first, int)
    assert isinstance(interval, int)
    numbers = [float(value) for value in vad] if isinstance(vad, list) else None
    return StreamOptions(first, interval, (numbers[0], numbers[1], numbers[2], numbers[3]) if numbers else None)


def _die(failure: threading.ExceptHookArgs) -> None:
    """A worker that fails would leave its streams waiting for ever; a dead process is restarted and they are told."""
    traceback.print_exception(failure.exc_value)
    os._exit(70)


def main(arguments: list[str]) -> None:
    """Serves the socket whose number is the first argument until it closes."""
    # Ctrl-C and service managers signal every process at once; this one ends when the socket does, answers first.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.nice(NICENESS)
    threading.excepthook = _die
    connection = socket.socket(fileno=int(arguments[0]))
    lock = threading.Lock()

    def emit(message: list[object]) -> None:
        with lock:
            connection.sendall(pack(message))

    listener = Listener(Scheduler(Moonshine(Path(arguments[1])), emit), Path(arguments[2]))
    emit(["ready", 0])
    for message in messages(connection):
        listener.handle(message)
    # Worker threads may be deep in a pass; nobody waits for its result.
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
