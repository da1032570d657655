"""What was transcribed, kept for listening on the transcript's own clock, and its waveform, from the PCM passing by.

The format is MP3 of constant bit rate without a bit reservoir: every browser plays it, every frame has the same length
and stands for itself. So a byte offset is a time (seeking by range needs no index), a killed worker leaves a playable
file, another one goes on at the exact frame, and silence costs nothing to make. Holes are silence: the clock holds.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from . import ffmpeg as programs
from .disk import CHECK_EVERY_BYTES, require_space
from .errors import MediaError, StorageError
from .pcm import SAMPLE_BYTES, SAMPLE_RATE, Chunk, silence
from .peaks import PAIR_BYTES, PeakMeter, pairs_before
from .sandbox import Cage, spawn, stop
from .storage import write_all

#: Samples and bytes of a frame (MPEG-2 layer III at 16 kHz and 48 kb/s: 21.6 MB an hour).
FRAME_SAMPLES = 576
FRAME_BYTES = 216

#: A frame whose side information is all zeros: nothing to be heard (ISO/IEC 13818-3).
_SILENT_FRAME = b"\xff\xf3\x68\xc4".ljust(FRAME_BYTES, b"\x00")

#: Samples by which what is decoded lags behind what was encoded (LAME 576, every decoder 529). So many samples are
#: left out when an encoder starts, and everything after them is played at its time.
_ENCODER_DELAY = 1105

#: A longer hole is made of silent frames, a shorter one goes through the encoder, in samples.
_LONG_HOLE = 10 * SAMPLE_RATE

#: The encoder may take so long for what it is given, in seconds; then it is given up.
_PATIENCE_S = 20.0

#: Bytes of waveform written at once: 6.4 s of it.
_PEAKS_AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Kept:
    """What is on disk: ``size`` of the sound in bytes, ``samples`` of the clock that the waveform covers, and why the
    sound is not complete, or None."""

    size: int
    samples: int
    failure: MediaError | None = None


class Keeper:
    """Writes ``sound`` (MP3, or None when the original can be played) and ``peaks`` (see ``peaks``) from sample
    ``start`` on; what the files hold of an earlier try is kept up to there, and cut or filled up with silence.

    Keeping never ends a transcription: what fails is told by ``close``, and by ``failure`` before that.
    """

    def __init__(
        self,
        sound: Path | None,
        peaks: Path,
        *,
        start: int = 0,
        ffmpeg: str | None = None,
        cage: Cage | None = None,
    ) -> None:
        self.failure: MediaError | None = None
        self._sound = sound
        self._peaks = peaks
        self._ffmpeg = ffmpeg
        self._cage = cage or Cage()
        self._encoder: _Encoder | None = None
        self._position = start
        self._meter = PeakMeter(start)
        self._pairs = bytearray()
        self._pairs_before = pairs_before(start) * PAIR_BYTES
        self._prepared = False

    async def feed(self, chunk: Chunk) -> None:
        """Keep ``chunk``. Waits while the encoder is behind, which it hardly ever is."""
        self._pairs += self._meter.feed(chunk)
        if len(self._pairs) >= _PEAKS_AT_ONCE:
            await self._write_peaks()
        if self._sound is not None and self.failure is None:
            try:
                await self._encode(self._sound, chunk)
            except (MediaError, OSError) as error:
                self.failure = error if isinstance(error, MediaError) else _failed()
                await self._end_encoder()
        self._position = max(self._position, chunk.end)

    async def close(self) -> Kept:
        """Finish the files."""
        self._pairs += self._meter.end()
        await self._write_peaks()
        await self._end_encoder()
        size = self._sound.stat().st_size if self._sound is not None and self._sound.exists() else 0
        return Kept(size, self._position, self.failure)

    async def _encode(self, path: Path, chunk: Chunk) -> None:
        hole = chunk.start - self._position
        if hole > _LONG_HOLE:
            await self._end_encoder()
            self._position, hole = chunk.start, 0
        if self._encoder is None:
            self._encoder = await _Encoder.begin(path, self._position, self._ffmpeg, self._cage)
        if hole > 0:
            await self._encoder.feed(silence(hole))
        await self._encoder.feed(chunk.data[max(0, -hole) * SAMPLE_BYTES :])

    async def _end_encoder(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is None:
            return
        try:
            await encoder.end(complete=self.failure is None)
        except (MediaError, OSError) as error:
            self.failure = self.failure or (error if isinstance(error, MediaError) else _failed())

    async def _write_peaks(self) -> None:
        pairs, self._pairs = bytes(self._pairs), bytearray()
        try:
            if not self._prepared:
                await asyncio.to_thread(_align, self._peaks, self._pairs_before, b"\x00")
                self._prepared = True
            await asyncio.to_thread(_append, self._peaks, pairs)
        except (StorageError, OSError) as error:
            self.failure = self.failure or (error if isinstance(error, StorageError) else _failed())


class _Encoder:
    """A caged encoder that appends to a file from a frame boundary on."""

    def __init__(self, process: asyncio.subprocess.Process, path: Path, skip: int) -> None:
        assert process.stdin is not None
        self._process = process
        self._stdin = process.stdin
        self._stdin.write(programs.WAV_HEADER)
        self._skip = skip * SAMPLE_BYTES
        self._drain = asyncio.create_task(self._write_out(path))
        self._errors = asyncio.create_task(self._read_errors())

    @classmethod
    async def begin(cls, path: Path, position: int, ffmpeg: str | None, cage: Cage) -> _Encoder:
        """Start one for sound from sample ``position`` on. Raises ``MediaError``."""
        frames, inside = divmod(position, FRAME_SAMPLES)
        await asyncio.to_thread(_align, path, frames * FRAME_BYTES, _SILENT_FRAME)
        command = programs.encode_command(programs.find_program(ffmpeg))
        process = await spawn(command, stdin=asyncio.subprocess.PIPE, cage=cage)
        return cls(process, path, max(0, _ENCODER_DELAY - inside))

    async def feed(self, pcm: bytes) -> None:
        """Encode ``pcm``. Raises ``MediaError`` when the encoder has ended or hangs, or the disk is full."""
        if self._skip:
            pcm, self._skip = pcm[self._skip :], max(0, self._skip - len(pcm))
        if self._drain.done():
            self._drain.result()
            raise _failed()
        try:
            async with asyncio.timeout(_PATIENCE_S):
                self._stdin.write(pcm)
                await self._stdin.drain()
        except (TimeoutError, ConnectionError):
            raise _failed() from None

    async def end(self, *, complete: bool) -> None:
        """Finish (or break off) and reap. Raises ``MediaError`` when not everything could be written."""
        try:
            if complete:
                self._stdin.close()
                async with asyncio.timeout(_PATIENCE_S):
                    await self._drain
                    if await self._process.wait() != 0:
                        raise _failed()
        except TimeoutError:
            raise _failed() from None
        finally:
            self._drain.cancel()
            await asyncio.wait([self._drain])
            await stop(self._process)
            self._errors.cancel()
            await asyncio.wait([self._errors])

    async def _write_out(self, path: Path) -> None:
        assert self._process.stdout is not None
        written = 0
        while data := await self._process.stdout.read(65536):
            await asyncio.to_thread(_append, path, data)
            written += len(data)
            if written >= CHECK_EVERY_BYTES:
                written = 0
                await asyncio.to_thread(require_space, path.parent, 0)

    async def _read_errors(self) -> None:
        assert self._process.stderr is not None
        while await self._process.stderr.read(65536):
            pass


def _align(path: Path, size: int, filling: bytes) -> None:
    """Make ``path`` exactly ``size`` bytes long, a multiple of ``filling``'s length: cut, or filled up with it."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StorageError("keep_failed", "What is heard cannot be kept for listening.") from error
    try:
        have = os.fstat(descriptor).st_size
        have = min(have - have % len(filling), size)
        os.ftruncate(descriptor, have)
        os.lseek(descriptor, 0, os.SEEK_END)
        block = filling * max(1, 65536 // len(filling))
        for at in range(have, size, len(block)):
            write_all(descriptor, block[: size - at])
    finally:
        os.close(descriptor)


def _append(path: Path, data: bytes) -> None:
    if not data:
        return
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError as error:
        raise StorageError("keep_failed", "What is heard cannot be kept for listening.") from error
    try:
        write_all(descriptor, data)
    finally:
        os.close(descriptor)


def _failed() -> StorageError:
    return StorageError("keep_failed", "What is heard cannot be kept for listening.")
