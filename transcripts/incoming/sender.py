"""One connection's part of a stream: holds the file, writes what comes, says how much is safe and how much may come.

The pace is bounded by credit: a client may be a minute ahead of the clock and then send at twice the speed of sound,
which is what it needs after its network was away. Who sends beyond the credit is not waited for but ended.
"""

from __future__ import annotations

import time
from uuid import UUID, uuid4

from django.conf import settings

from transcripts.incoming import rows
from transcripts.incoming.beginning import Refused
from transcripts.jobs.source import media_store
from transcripts.media.appending import Appender
from transcripts.media.errors import StorageError
from transcripts.media.formats import SoundFormat
from transcripts.models import Transcript

#: Seconds of sound that may come at once, and times real time after that.
BURST_SECONDS, RATE = 60.0, 2.0
#: Seconds to wait for another connection from which this one takes over: it looks every few seconds.
TAKE_OVER_SECONDS = 10.0
#: Bytes of a container's first message that say what it is.
HEAD_BYTES = 4


class Credit:
    """A bucket of bytes that fills with time. Pure but for the clock."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate = bytes_per_second * RATE
        self.most = int(bytes_per_second * BURST_SECONDS)
        self._level, self._at = float(self.most), time.monotonic()

    def spend(self, size: int) -> None:
        """So many bytes came."""
        self._level = self.left() - size

    def left(self) -> float:
        """Bytes that may come now; below zero when more came than was allowed."""
        now = time.monotonic()
        self._level, self._at = min(self.most, self._level + (now - self._at) * self._rate), now
        return self._level


class Sender:
    """Made and used by one connection; every method but `credit` blocks on the disk or the database."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript_id: UUID = transcript.pk
        self.sound: SoundFormat = rows.sound_of(transcript.stream)
        self.credit = Credit(self.sound.bytes_per_second)
        self._connection = uuid4()
        self._path = media_store().place(transcript.media_key)
        self._file: Appender | None = None
        hours = settings.STTWEB_MAX_HOURS * 3600 * self.sound.bytes_per_second
        self._most = min(round(hours), settings.STTWEB_MAX_MEDIA_BYTES)

    @property
    def received(self) -> int:
        """Bytes in the file, whether safe yet or not."""
        return self._file.size if self._file else 0

    def claim(self) -> None:
        """Say that this connection writes now; another one notices within seconds. Raises Refused."""
        if not rows.take(self.transcript_id, self._connection):
            raise Refused("stream_ended", "Nothing more is taken for this transcript.", "Start a new one.")

    def open(self, *, take_over: bool) -> int:
        """Hold the file; bytes that are safe in it. Raises Refused."""
        try:
            self._file = Appender(self._path, TAKE_OVER_SECONDS if take_over else 0.0)
        except StorageError as error:
            raise Refused(error.code, error.message, error.next_step) from error
        return self._file.safe

    def write(self, data: bytes) -> None:
        """Keep what came. Raises Refused: ``bad_audio``, ``too_fast``, ``stream_full``, ``disk_full``."""
        assert self._file is not None
        if not self._file.size and not self.sound.begins(data[:HEAD_BYTES]):
            step = "Send the recording's bytes from its beginning, in the announced format."
            raise Refused("bad_audio", f"This is not the beginning of {self.sound.encoding} sound.", step)
        self.credit.spend(len(data))
        if self.credit.left() < -self.credit.most:
            raise Refused("too_fast", "This came much faster than sound is spoken.", "Obey may_send, or upload a file.")
        if self._file.size + len(data) > self._most:
            raise Refused("stream_full", "This is longer than a recording may be here.", "Go on in a new transcript.")
        try:
            self._file.append(data)
        except StorageError as error:
            raise Refused(error.code, error.message, error.next_step) from error

    def flush(self) -> int:
        """How many bytes are safe now."""
        return self._file.flush() if self._file else 0

    def beat(self) -> str:
        """Say that the client is there; empty, or why it must end."""
        return rows.beat(self.transcript_id, self._connection)

    def finish(self) -> None:
        """All came: put it on the disk, and say so."""
        self.flush()
        rows.close(self.transcript_id)

    def leave(self) -> None:
        """The client is gone, and may come back."""
        if self._file is not None:
            file, self._file = self._file, None
            try:
                file.flush()
            finally:
                file.close()
        rows.let_go(self.transcript_id, self._connection)
