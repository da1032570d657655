"""`manage.py transcribe`: the product's own work in a terminal, for one file or link, saved like any other."""

from __future__ import annotations

import asyncio
import signal
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from transcripts import exporting, services
from transcripts.exports import FORMATS
from transcripts.jobs import leases
from transcripts.jobs.claims import Claim, Outcome
from transcripts.jobs.runner import Runner
from transcripts.jobs.session import COMPLETE
from transcripts.jobs.source import media_store
from transcripts.jobs.threads import DatabaseThread
from transcripts.management.firstrun import ensure_database, first_team
from transcripts.management.terminal import Display
from transcripts.media.errors import MediaError
from transcripts.models import Engine, IllegalTransition, SourceKind, State, Team, Transcript
from transcripts.realtime.options import SessionOptions
from transcripts.titling import title_of_file, title_of_link

#: Failures in a row that a person at a terminal sits through.
RETRIES = 3
READ_BYTES = 1024 * 1024
USAGE, INTERRUPTED = 2, 130


class Command(BaseCommand):
    """Exit codes: 0 done, 1 failed (one sentence on stderr), 2 wrong usage, 130 ended by Ctrl-C."""

    help = "Transcribe one file or link: live text on stderr, the result on stdout, saved like any other transcript."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command line."""
        parser.add_argument("source", metavar="FILE_OR_URL")
        parser.add_argument("--engine", choices=Engine.values, default=settings.STTWEB_ENGINE)
        parser.add_argument("--language", default="", help="ISO 639 code such as en; empty: detected")
        parser.add_argument("--format", choices=list(FORMATS), default="txt")
        parser.add_argument("--team", default="", help="name of the team that gets it; empty: the first one")
        parser.add_argument("--title", default="")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command; ends the process with the exit code on failure."""
        try:
            self._transcribe(options)
        except CommandError as error:
            # The sentence alone: whoever reads it did not ask for the name of a class.
            self.stderr.write(str(error))
            sys.exit(error.returncode)

    def _transcribe(self, options: dict[str, Any]) -> None:
        if options["language"]:
            for problem in SessionOptions(language_code=options["language"]).problems().values():
                raise CommandError(problem, returncode=USAGE)
        ensure_database()
        team = _team(options["team"])
        try:
            submission = _submission(options)
        except MediaError as error:
            raise CommandError(error.message) from error
        work = _Work(team, submission, Display(sys.stderr))
        outcome = asyncio.run(work.run())
        if work.interrupted:
            self._show(work, options["format"])
            sys.exit(INTERRUPTED)
        if outcome is None or outcome.state not in COMPLETE:
            raise CommandError(_sentence(outcome))
        self._show(work, options["format"])

    def _show(self, work: _Work, name: str) -> None:
        if work.transcript is None:
            return
        work.transcript.refresh_from_db()
        sys.stdout.buffer.write(exporting.export(work.transcript, name).content)
        sys.stdout.buffer.flush()


def _sentence(outcome: Outcome | None) -> str:
    if outcome is None:
        return "Another worker has taken this over; its page shows how it goes on."
    text = outcome.message or f"It ended as: {outcome.state.label}."
    return f"{text} {outcome.next_step}".strip()


def _team(name: str) -> Team:
    if not name:
        return first_team()
    team = Team.objects.filter(name=name).first()
    if team is None:
        raise CommandError(f"There is no team {name!r}.", returncode=USAGE)
    return team


def _submission(options: dict[str, Any]) -> services.Submission:
    """A link as it is; a file is copied into the media store first, so that it can be played later."""
    source: str = options["source"]
    common = {"engine": Engine(options["engine"]), "language": options["language"]}
    if "://" in source:
        title = options["title"] or title_of_link(source)
        return services.Submission(title=title, kind=SourceKind.URL, url=source, **common)
    path = Path(source)
    if not path.is_file():
        raise CommandError(f"There is no file {source!r}.", returncode=USAGE)
    with path.open("rb") as file:
        stored = media_store().store(iter(lambda: file.read(READ_BYTES), b""), size_hint=path.stat().st_size)
    return services.Submission(
        title=options["title"] or title_of_file(path.name),
        kind=SourceKind.UPLOAD,
        media_key=stored.key,
        media_bytes=stored.size,
        media_sha256=stored.sha256,
        **common,
    )


class _Work:
    """One transcript, claimed by this process from its first moment, on the same runner that workers use."""

    def __init__(self, team: Team, submission: services.Submission, display: Display) -> None:
        self._team, self._submission, self._display = team, submission, display
        self.transcript: Transcript | None = None
        self.interrupted = False
        self._database = DatabaseThread("transcribe")

    async def run(self) -> Outcome | None:
        """Work until the end; None when another worker has it now."""
        runner = Runner(capacity=0)
        asks: set[asyncio.Task[None]] = set()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGINT, lambda: asks.add(asyncio.create_task(self._interrupt())))
        loop.add_signal_handler(signal.SIGTERM, runner.stop)
        running = asyncio.create_task(runner.run(), name="runner")
        try:
            return await self._to_the_end(runner)
        finally:
            self._display.close()
            runner.stop()
            await running
            self._database.close()

    async def _to_the_end(self, runner: Runner) -> Outcome | None:
        claim: Claim | None = await self._database(self._submit, runner.name)
        while claim is not None:
            session = runner.adopt(claim, observe=self._display.observe, retry_limit=RETRIES)
            length = asyncio.create_task(self._tell_length(claim), name="length")
            outcome = await session
            length.cancel()
            if outcome is None or outcome.state != State.WAITING:
                return outcome
            self._display.note(f"{outcome.message} Trying again in {outcome.retry_in:.0f} s.")
            await asyncio.sleep(outcome.retry_in + 0.1)
            lease = settings.STTWEB_LEASE_SECONDS
            claim = await self._database(leases.claim_one, claim.transcript_id, runner.name, lease)
        return None

    def _submit(self, worker: str) -> Claim | None:
        """Make and claim in one transaction: no other worker ever sees it free."""
        with transaction.atomic():
            self.transcript = services.submit(self._team, None, self._submission, wake=False)
            return leases.claim_one(self.transcript.pk, worker, settings.STTWEB_LEASE_SECONDS)

    async def _tell_length(self, claim: Claim) -> None:
        """Tell the display how long the source is, once that is known."""
        while True:
            row = await Transcript.objects.filter(pk=claim.transcript_id).only("duration_samples").afirst()
            if row is not None and row.duration_samples:
                self._display.length = row.duration_samples
                return
            await asyncio.sleep(0.5)

    async def _interrupt(self) -> None:
        """Ctrl-C: the first finishes the words that were heard, the second ends it."""
        again, self.interrupted = self.interrupted, True
        if self.transcript is None:
            return
        self._display.note("Ending." if again else "Finishing the last words; Ctrl-C again ends at once.")
        try:
            await self._database(self._ask, services.cancel if again else services.stop)
        except IllegalTransition:
            return

    def _ask(self, what: Any) -> None:
        assert self.transcript is not None
        self.transcript.refresh_from_db()
        what(self.transcript)
