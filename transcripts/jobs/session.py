"""One transcript end to end: its sound is opened, streamed, and what comes back is kept, until it ends or is ended.

A session never decides by itself that it may go on: it holds a claim, and everything it writes is fenced by it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError

from sttweb.observe import transcript_context
from transcripts.jobs import accounts, backoff, counts, leases, plan, reaching, source
from transcripts.jobs.claims import Claim, Held, LeaseLost, Outcome
from transcripts.jobs.faultpoints import passing
from transcripts.jobs.hearing import Hearing, forget_if_gone, unencrypted, was_told
from transcripts.jobs.outcomes import HANDED_OVER, of_failure
from transcripts.jobs.plan import Job
from transcripts.jobs.recorder import Recorder
from transcripts.jobs.recording import Position
from transcripts.jobs.threads import DatabaseThread
from transcripts.media.open import open_audio
from transcripts.media.pages import Page
from transcripts.media.pcm import Chunk
from transcripts.models import Control, SourceKind, State, Transcript
from transcripts.models.states import BY_PERSON
from transcripts.realtime.client import RealtimeClient
from transcripts.realtime.endpoint import Endpoint
from transcripts.realtime.errors import ErrorClass, ProviderError
from transcripts.realtime.results import Committed, Gap, StreamEvent

logger = logging.getLogger(__name__)

#: A session that was told to end has so long to close its connection and its decoder; nobody waits longer.
CLOSE_SECONDS = 3.0

#: After the source has ended, how often it is asked whether all of it was sent.
SENT_SECONDS = 0.05

CANCELLED = Outcome(State.CANCELLED)
PAUSED = Outcome(State.PAUSED, BY_PERSON["code"], BY_PERSON["message"], BY_PERSON["next_step"])
#: Failures that concern every transcript of the account.
ACCOUNT_TROUBLE = frozenset({ErrorClass.FATAL_KEY, ErrorClass.QUOTA})
#: Nothing is left to be heard again.
COMPLETE = frozenset({State.COMPLETED, State.COMPLETED_WITH_GAPS})


class Session:
    """Works on one claimed transcript.

    ``embedded_url`` gives the embedded engine's address when it is needed; ``observe`` is told every event before it
    is stored (a terminal's live view); ``retry_limit`` is how many failures without progress are borne.
    """

    def __init__(
        self,
        claim: Claim,
        embedded_url: Callable[[], Awaitable[str]],
        *,
        observe: Callable[[StreamEvent], None] | None = None,
        retry_limit: int = backoff.RETRY_LIMIT,
    ) -> None:
        self.claim = claim
        self._embedded_url = embedded_url
        self._observe = observe
        self._retry_limit = retry_limit
        self._database = DatabaseThread("session")
        self._job: Job | None = None
        self._recorder: Recorder | None = None
        self._client: RealtimeClient | None = None
        self._work: asyncio.Task[None] | None = None
        #: Why the work was broken off; the first reason holds.
        self._reason: Outcome | Exception | None = None
        self._broken_off = asyncio.Event()
        self._stopping = self._handing_over = self._resting = self._lost = self._blocks_account = False
        #: The hosted account that is used, and whether it has answered.
        self._endpoint: Endpoint | None = None
        self._answered = False
        self._commits_seen = 0
        self._counter = counts.Counter()
        self._side: set[asyncio.Task[None]] = set()

    # --- What the runner may ask ---------------------------------------------------------------------------------

    def obey(self, held: Held) -> None:
        """Do what people asked of it since the last look."""
        if held.control == Control.CANCEL:
            self._break_off(CANCELLED)
        elif held.control == Control.STOP and not self._stopping:
            self._stop()
        elif held.control == Control.PAUSE and not self._stopping:
            self._rest()
        if held.commit_requests > self._commits_seen:
            self._commits_seen = held.commit_requests
            if self._client is not None:
                self._client.request_commit()

    def hand_over(self, *, now: bool = False) -> None:
        """Let another worker go on: after the next commit, so that no word is cut in two; ``now``: at once.

        One that is about to end anyway may end.
        """
        if now or self._client is None:
            self._break_off(HANDED_OVER)
        elif not self._stopping and not self._handing_over:
            self._handing_over = True
            if self._job is not None and self._job.row.is_live:
                # What is not committed here is lost with this process: a live source does not repeat itself.
                self._client.request_commit()

    def pause(self, outcome: Outcome) -> None:
        """End for now: what is stored stays, and it goes on when the reason is gone."""
        self._break_off(outcome)

    def lose(self) -> None:
        """The lease is not ours any more, or may not be: send nothing, write nothing."""
        self._lost = True
        self._break_off(LeaseLost("the lease has passed"))
        if self._recorder is not None:
            self._recorder.abandon()

    # --- Its life ------------------------------------------------------------------------------------------------

    async def run(self) -> Outcome | None:
        """Work until the end and let go of the row; return how, or None when the claim was lost. Never raises."""
        with transcript_context(self.claim.transcript_id):
            try:
                return await self._run()
            except LeaseLost:
                logger.warning("transcript %s: another worker has it now", self.claim.transcript_id)
                await self._forget_if_gone()
                return None
            finally:
                for task in self._side:
                    task.cancel()
                self._database.close()

    async def _run(self) -> Outcome:
        self._work = asyncio.create_task(self._transcribe(), name=f"transcribe {self.claim.transcript_id}")
        try:
            await self._work_ended(self._work)
        finally:
            self._work.cancel()
        failure = await self._keep_the_rest(self._failure(self._work))
        outcome = self._outcome(failure)
        if isinstance(failure, ProviderError):
            counts.failed(failure.code)
        self._blocks_account = isinstance(failure, ProviderError) and failure.klass in ACCOUNT_TROUBLE
        await self._settle(outcome)
        if outcome.state in COMPLETE:
            await asyncio.to_thread(source.forget_spooled, self.claim.transcript_id)
            await self._forget_received()
        return outcome

    async def _work_ended(self, work: asyncio.Task[None]) -> None:
        """Wait for the work, but not long once it was broken off: a stuck connection must not keep the row."""
        broken_off = asyncio.create_task(self._broken_off.wait(), name="broken off")
        try:
            await asyncio.wait({work, broken_off}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            broken_off.cancel()
        if self._reason is not None:
            work.cancel()
        await asyncio.wait({work}, timeout=CLOSE_SECONDS)

    def _failure(self, work: asyncio.Task[None]) -> BaseException | Outcome | None:
        """Why the work ended, or None when all was heard."""
        error = HANDED_OVER if not work.done() or work.cancelled() else work.exception()
        return self._reason or error

    async def _keep_the_rest(self, failure: BaseException | Outcome | None) -> BaseException | Outcome | None:
        """Store what had come in before the end; if that fails, this is why the session ended."""
        if self._recorder is None or self._lost:
            return failure
        try:
            await self._recorder.close()
        except Exception as error:  # noqa: BLE001 - becomes the outcome
            return failure or error
        return failure

    def _outcome(self, failure: BaseException | Outcome | None) -> Outcome:
        if isinstance(failure, Outcome):
            return failure
        if isinstance(failure, LeaseLost):
            raise failure
        if failure is not None:
            return of_failure(failure, self._attempts(), self._retry_limit)
        if self._resting:
            return PAUSED
        gaps = self._recorder is not None and self._recorder.position.gaps > 0
        return Outcome(State.COMPLETED_WITH_GAPS if gaps else State.COMPLETED)

    def _attempts(self) -> int:
        """Failures in a row before this one."""
        if self._job is None:
            return 0
        progressed = self._recorder is not None and self._recorder.position.committed > self._job.row.committed_samples
        return 0 if progressed else self._job.row.attempts

    async def _forget_received(self) -> None:
        if self._job is not None and self._job.row.source_kind == SourceKind.SOCKET:
            try:
                await asyncio.shield(self._database(source.forget_received, self.claim.transcript_id))
            except (OperationalError, InterfaceError) as error:
                logger.warning("what was received is left to the retention (%s)", error)

    async def _forget_if_gone(self) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await asyncio.shield(self._database(forget_if_gone, self.claim.transcript_id))
        except (OperationalError, InterfaceError, TimeoutError) as error:
            logger.warning("transcript %s: strays are left to the upkeep (%r)", self.claim.transcript_id, error)

    async def _settle(self, outcome: Outcome) -> None:
        """Let go of the row; a database that is away is waited for until the lease has passed anyway."""
        attempt, unbilled = 0, self._recorder.unbilled() if self._recorder is not None else 0
        while not self._lost:
            try:
                await asyncio.shield(self._database(self._let_go, outcome, unbilled))
                return
            except (OperationalError, InterfaceError) as error:
                attempt += 1
                logger.warning("transcript %s: not settled yet (%s)", self.claim.transcript_id, error)
                await asyncio.sleep(backoff.delay(attempt, base=0.1, cap=2.0))
        raise LeaseLost

    def _let_go(self, outcome: Outcome, unbilled: int) -> None:
        if self._blocks_account and self._endpoint is not None:
            # First the account: a sweep must not let this one go on before it is known why it paused.
            accounts.block(self._endpoint, outcome)
        passing("settle.before_commit")
        leases.settle(self.claim, outcome, unbilled)

    def _break_off(self, reason: Outcome | Exception) -> None:
        """End the work now; what is stored stays."""
        if self._reason is None:
            self._reason = reason
            self._broken_off.set()

    def _stop(self) -> None:
        """No more audio; the last words are waited for."""
        self._stopping = True
        if self._client is None:
            self._break_off(self._so_far())
        else:
            self._client.request_stop()
            self._aside(self._finishing())

    def _rest(self) -> None:
        """A person paused it: what can be heard again is left at once, of a live source the last words are awaited."""
        self._resting = True
        repeats = self._job is None or not self._job.row.is_live or self._job.row.source_kind == SourceKind.SOCKET
        if self._client is None or repeats:
            self._break_off(PAUSED)
        else:
            self._stop()

    def _so_far(self) -> Outcome:
        """What becomes of it when nothing more is to be heard; a lost worker of a live source left a gap."""
        job = self._job
        if job is None or not job.row.segment_count:
            return CANCELLED
        return Outcome(State.COMPLETED_WITH_GAPS if job.row.gap_samples or job.unheard else State.COMPLETED)

    # --- The work ------------------------------------------------------------------------------------------------

    async def _transcribe(self) -> None:
        passing("session.start")
        job = self._job = await self._database(plan.load, self.claim)
        row = job.row
        self._commits_seen = row.commit_requests
        at = Position(row.committed_samples, row.segment_count, row.gap_samples)
        self._recorder = Recorder(self.claim, at, row.last_seq, self._database, self._break_off, self._sent)
        passing("decode.start")
        await self._obey_the_row(job, self._recorder)
        options = plan.options_of(row)
        hearing = Hearing(self.claim, self._recorder.put, job.start)
        found: list[Page] = []
        ears = hearing.watch.hear, found.append, reaching.telling(row, self._database)
        request = source.source_of(row, job.start, self._database, *ears)
        async with aclosing(hearing), open_audio(request) as audio:
            await self._database(
                leases.describe, self.claim, audio.live, audio.duration_samples or 0, audio.sha256 or ""
            )
            for page in found[:1]:
                await self._database(leases.entitle, self.claim, page.title or "", page.published_at)
            if notice := unencrypted(row.source_url, audio.source_url):
                await self._recorder.put(notice)
            row.is_live = audio.live
            endpoint = await self._database(plan.endpoint_of, row, await self._engine_url(row))
            self._endpoint = None if plan.needs_embedded(row) else endpoint
            tuning = plan.tuning_of(row, live=audio.live)
            client = self._client = RealtimeClient(
                endpoint,
                options,
                tuning,
                start=row.committed_samples,
                previous_text=job.previous_text,
                breaker=plan.breaker_of(endpoint),
            )
            keep_sound = row.team.keep_stream_sound if audio.live else settings.STTWEB_KEEP_SOUND
            await self._follow(client, hearing.chunks(audio, job.start, with_sound=keep_sound))
            await self._tell_missing(hearing.missing_at_end(audio))

    async def _obey_the_row(self, job: Job, recorder: Recorder) -> None:
        """What was asked while nobody worked on it."""
        if job.row.control == Control.STOP:
            if job.unheard:
                await recorder.put(Gap(job.row.committed_samples, job.start, job.absence))
            self._stop()
        elif job.row.control == Control.PAUSE:
            self._rest()

    async def _engine_url(self, row: Transcript) -> str:
        return await self._embedded_url() if plan.needs_embedded(row) else ""

    async def _tell_missing(self, gap: Gap | None) -> None:
        """The source ended before its announced length: told once, also when a claim broke off right behind it."""
        if gap is not None and not await self._database(was_told, self.claim.transcript_id):
            assert self._recorder is not None
            await self._recorder.put(gap)

    async def _follow(self, client: RealtimeClient, chunks: AsyncGenerator[Chunk, None]) -> None:
        assert self._recorder is not None
        async with aclosing(client.transcribe(self._feed(chunks))) as events:
            async for event in events:
                if self._observe is not None:
                    self._observe(event)
                self._counter.count(event)
                passing("session.event")
                await self._recorder.put(self._explained(event))
                if isinstance(event, Committed) and not self._answered:
                    await self._account_works()
                if self._handing_over and isinstance(event, Committed):
                    self._break_off(HANDED_OVER)

    def _explained(self, event: StreamEvent) -> StreamEvent:
        """A gap right at the start lies between two claims: it was not the source that dropped out."""
        job = self._job
        if isinstance(event, Gap) and job is not None and job.absence and event.start == job.row.committed_samples:
            return replace(event, reason=job.absence)
        return event

    async def _account_works(self) -> None:
        self._answered = True
        if self._endpoint is None:
            return
        try:
            await self._database(accounts.works, self._endpoint)
        except (OperationalError, InterfaceError) as error:
            logger.warning("could not say that the account works: %s", error)

    def _sent(self) -> int:
        return self._client.billed if self._client is not None else 0

    async def _feed(self, chunks: AsyncGenerator[Chunk, None]) -> AsyncGenerator[Chunk, None]:
        """The sound, and at its end, once all of it was sent, the news that only the last words are missing."""
        async with aclosing(chunks):
            async for chunk in chunks:
                yield chunk
        self._stopping = True
        self._aside(self._finishing_when_sent())

    async def _finishing_when_sent(self) -> None:
        while self._client is not None and not self._client.all_sent:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(SENT_SECONDS)
        await self._finishing()

    def _last_words_in(self) -> float:
        return self._client.last_words_in if self._client is not None else 0.0

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"finishing {self.claim.transcript_id}")
        self._side.add(task)
        task.add_done_callback(self._side.discard)

    async def _finishing(self) -> None:
        try:
            await self._database(leases.finishing, self.claim, round(1000 * self._last_words_in()))
        except LeaseLost as error:
            self._break_off(error)
        except (OperationalError, InterfaceError) as error:
            logger.warning("transcript %s: could not say that it is finishing (%s)", self.claim.transcript_id, error)
