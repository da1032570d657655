"""The realtime client: audio in, transcript events out, over as many provider sessions as it takes.

A thin shell around stream.Stream, which decides everything, and run.Run, whose tasks do it.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterable

from transcripts.media.pcm import Chunk
from transcripts.realtime.breaker import Breaker
from transcripts.realtime.endpoint import Endpoint as Endpoint
from transcripts.realtime.errors import ErrorClass as ErrorClass
from transcripts.realtime.errors import ProviderError as ProviderError
from transcripts.realtime.options import OptionsError, SessionOptions
from transcripts.realtime.results import StreamEvent
from transcripts.realtime.run import Run
from transcripts.realtime.stream import Stream
from transcripts.realtime.transport import Target
from transcripts.realtime.tuning import Tuning as Tuning


class RealtimeClient:
    """One transcript's client. Use it for one ``transcribe``.

    ``start`` is the transcript sample to begin at (what lies before it was committed earlier), ``previous_text`` the
    end of the text before it. ``breaker`` is shared by all clients of one endpoint account.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        options: SessionOptions,
        tuning: Tuning = Tuning(),  # noqa: B008 - frozen
        *,
        start: int = 0,
        previous_text: str = "",
        breaker: Breaker | None = None,
    ) -> None:
        problems = options.problems()
        for name, sentence in problems.items():
            raise OptionsError(name, sentence)
        self._target = Target(endpoint.url(options), endpoint.headers(), endpoint.addresses)
        self._tuning = tuning
        self._stream = Stream(
            options,
            tuning,
            start=start,
            previous_text=previous_text,
            breaker=breaker or Breaker(),
            rng=random.Random(),  # noqa: S311 - spreads retries, hides nothing
        )
        self._run: Run | None = None
        self._stop_requested = False

    @property
    def billed(self) -> int:
        """Samples sent to the provider so far, silence, keep-alive and replays included; also after a failure."""
        return self._stream.billed

    @property
    def all_sent(self) -> bool:
        """The audio has ended and all of it was sent and committed; only answers may be missing."""
        return self._stream.all_sent

    @property
    def last_words_in(self) -> float:
        """Seconds until the last answers are there, asked for again, or given up. Call from the event loop's thread."""
        return self._stream.last_words_in(asyncio.get_running_loop().time())

    async def transcribe(self, audio: AsyncIterable[Chunk]) -> AsyncGenerator[StreamEvent, None]:
        """Transcribe ``audio`` (s16le mono 16 kHz chunks of any size, in order) and yield events; ends after Finished.

        Raises ProviderError when the job cannot go on; what was yielded as Committed before stays valid. An exception
        of ``audio`` itself is raised after everything that it gave was answered. Closing the generator (or cancelling
        its task) closes the sockets and ends every task.
        """
        self._run = run = Run(self._stream, self._target, self._tuning)
        try:
            run.begin(audio)
            if self._stop_requested:
                run.stop()
            while (event := await run.next_event()) is not None:
                yield event
            run.raise_error()
        finally:
            await run.close()

    def request_commit(self) -> None:
        """Commit now, or as soon as there is enough to commit. Call from the event loop's thread."""
        self._stream.request_commit()
        if self._run is not None:
            self._run.wake()

    def request_stop(self) -> None:
        """Take no more audio and finish: flush, commit, wait for the answers, close. Call from the loop's thread."""
        self._stop_requested = True
        if self._run is not None:
            self._run.stop()
