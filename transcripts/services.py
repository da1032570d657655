"""What people do: submit, stop, pause, commit, cancel, retry, delete. Each is one transaction and tells who must know.

Callers have been through `access.py`; nothing here asks for rights again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext as _

from transcripts import access, auditing
from transcripts.incoming.rows import close
from transcripts.jobs.wake import nudge_on_commit, wake_on_commit
from transcripts.live.publish import ring_on_commit
from transcripts.models import (
    FINAL,
    Act,
    Control,
    Engine,
    EventKind,
    IllegalTransition,
    Review,
    ReviewState,
    SourceKind,
    State,
    Team,
    Transcript,
    check_transition,
)
from transcripts.models.log import Entry, Fenced, append, hold
from transcripts.models.states import BY_PERSON

#: What a person may queue again.
RESTING = frozenset({State.FAILED, State.CANCELLED, State.WAITING, State.PAUSED})
#: What a person may pause: what waits, and what is heard at the moment.
PAUSABLE = frozenset({State.QUEUED, State.WAITING, State.RUNNING})


@dataclass(frozen=True, slots=True)
class Submission:
    """What a new transcript is made from: exactly one of a link, a stored upload (``media_key``) or the sample."""

    title: str
    kind: SourceKind
    url: str = ""
    media_key: str = ""
    media_bytes: int = 0
    media_sha256: str = ""
    engine: Engine = Engine.EMBEDDED
    language: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    published_at: datetime | None = None


class TooMany(Exception):
    """The person has as many unfinished transcripts as one may have. ``message`` and ``next_step`` are for them."""

    code = "too_many_unfinished"

    def __init__(self, most: int, place: int) -> None:
        self.message = _("You have %(most)s transcripts that have not ended, which is the most at once.") % {
            "most": most
        }
        if place:
            self.message += " " + _("Your next one is number %(place)s in the queue.") % {"place": place}
        self.next_step = _("Wait until some have ended, or cancel those that you no longer need.")
        super().__init__(self.message)


class Approved(IllegalTransition):
    """Its text is approved: nothing is added until somebody reopens it. ``message`` and ``next_step`` are for them."""

    code = "approved"

    def __init__(self, before: State) -> None:
        super().__init__(before, State.QUEUED)
        self.message = _("This transcript is approved and read-only.")
        self.next_step = _("A reviewer can reopen it with a reason.")


def require_room(person: User, more: int = 1) -> None:
    """The person may have ``more`` unfinished transcripts than now. Raises TooMany. STTWEB_USER_UNFINISHED decides."""
    most = settings.STTWEB_USER_UNFINISHED
    mine = Transcript.objects.filter(created_by=person).exclude(state__in=FINAL)
    if most and mine.count() + more > most:
        first = mine.filter(state=State.QUEUED).order_by("-is_live", "created_at").first()
        raise TooMany(most, place_in_queue(first) if first else 0)


def place_in_queue(transcript: Transcript) -> int:
    """How many are before it in the queue, itself included: live sources first, then the oldest.

    Teams with little at work may still overtake (jobs/leases.py), so this is the latest, not the exact place.
    """
    before = Q(created_at__lte=transcript.created_at, is_live=transcript.is_live)
    if not transcript.is_live:
        before |= Q(is_live=True)
    return Transcript.objects.filter(before, state=State.QUEUED).count()


@transaction.atomic
def submit(team: Team, person: User | None, submission: Submission, *, wake: bool = True) -> Transcript:
    """Make a queued transcript and, after the commit, tell a worker. ``wake=False`` leaves that to the caller.

    Raises Http404 when the team was deleted meanwhile."""
    access.hold_team(team.pk)
    transcript = Transcript.objects.create(
        team=team,
        created_by=person,
        title=submission.title[:200],
        source_kind=submission.kind,
        source_url=submission.url,
        media_key=submission.media_key,
        media_bytes=submission.media_bytes,
        media_sha256=submission.media_sha256,
        engine=submission.engine,
        language=submission.language,
        options=dict(submission.options),
        published_at=submission.published_at,
    )
    last = append(transcript.pk, [_state_entry(State.QUEUED)], when={})
    transcript.refresh_from_db()
    ring_on_commit(transcript.pk, team.pk, last)
    if wake:
        wake_on_commit()
    return transcript


def _state_entry(state: State, **details: str) -> Entry:
    return Entry(EventKind.STATE, {"state": state.value, **{key: text for key, text in details.items() if text}})


def _move(transcript: Transcript, after: State, changes: Mapping[str, Any], **details: str) -> None:
    """Compare-and-set the state, log it and tell the watchers. Raises IllegalTransition."""
    before = State(transcript.state)
    check_transition(before, after)
    try:
        last = append(
            transcript.pk,
            [_state_entry(after, **details)],
            when={"state": before},
            changes={"state": after, **changes},
        )
    except Fenced as error:
        raise IllegalTransition(before, after) from error
    ring_on_commit(transcript.pk, transcript.team_id, last)
    transcript.refresh_from_db()


@transaction.atomic
def stop(transcript: Transcript) -> None:
    """End a running session gracefully: its worker takes no more audio and writes the last words.

    One that has not started is cancelled, but of sound that somebody sends all that came is still written down. Raises
    IllegalTransition for one that has ended.
    """
    if transcript.source_kind == SourceKind.SOCKET and not transcript.is_final and close(transcript.pk):
        return
    if not transcript.is_active:
        cancel(transcript)
        return
    _ask(transcript, Control.STOP)


@transaction.atomic
def cancel(transcript: Transcript) -> None:
    """End it now; the text so far stays. Raises IllegalTransition for one that has ended."""
    if transcript.is_active:
        _ask(transcript, Control.CANCEL)
        return
    _move(transcript, State.CANCELLED, {"finished_at": timezone.now(), "worker": "", "lease_until": None})


@transaction.atomic
def pause(transcript: Transcript) -> None:
    """Let it rest until somebody says `retry`. A recording goes on exactly where its text ends; what a live source
    gives meanwhile nobody hears, which its text shows as a gap. Raises IllegalTransition for one that is about to end,
    has ended, or rests already."""
    state = State(transcript.state)
    if state not in PAUSABLE:
        raise IllegalTransition(state, State.PAUSED)
    if state != State.RUNNING:
        _move(transcript, State.PAUSED, {"not_before": None, **BY_PERSON}, **BY_PERSON)
        return
    # Who asked for its end before has asked for more.
    Transcript.objects.filter(pk=transcript.pk, control=Control.NONE).update(control=Control.PAUSE)
    nudge_on_commit()


def _ask(transcript: Transcript, control: Control) -> None:
    """Leave a request on a running row for its worker."""
    Transcript.objects.filter(pk=transcript.pk).update(control=control)
    nudge_on_commit()


@transaction.atomic
def commit_now(transcript: Transcript) -> None:
    """Ask the running session to settle what it has heard so far. Harmless for any other."""
    Transcript.objects.filter(pk=transcript.pk).update(commit_requests=F("commit_requests") + 1)
    nudge_on_commit()


@transaction.atomic
def retry(transcript: Transcript) -> None:
    """Queue a failed, cancelled, waiting or paused one again; it goes on after its last committed sample.

    Raises IllegalTransition otherwise, Approved (which is one) for a text that was approved as it stands.
    """
    changes = {
        "control": Control.NONE,
        "code": "",
        "message": "",
        "next_step": "",
        "not_before": None,
        "finished_at": None,
        "attempts": 0,
        "crash_claims": 0,
        "delay_ms": None,
    }
    _check_rests(transcript)
    _move(transcript, State.QUEUED, changes)
    wake_on_commit()


def _check_rests(transcript: Transcript) -> None:
    """Take the row's lock, as approving does. Raise IllegalTransition for what a worker holds: it may be queued by that
    worker, but not by a person."""
    try:
        hold(transcript.pk)
    except Transcript.DoesNotExist as error:
        raise IllegalTransition(State(transcript.state), State.QUEUED) from error
    if transcript.state not in RESTING:
        raise IllegalTransition(State(transcript.state), State.QUEUED)
    if Review.objects.filter(transcript=transcript, state=ReviewState.APPROVED).exists():
        raise Approved(State(transcript.state))


def can_continue_embedded(transcript: Transcript) -> bool:
    """Whether the embedded engine could go on where the hosted one was refused: it hears English only."""
    return transcript.can_go_embedded


@transaction.atomic
def continue_embedded(transcript: Transcript) -> None:
    """Queue it again for the embedded engine; words and place stay. Raises IllegalTransition where `retry` would, and
    for one that is not (any more) with the hosted engine."""
    before = State(transcript.state)
    if not can_continue_embedded(transcript):
        raise IllegalTransition(before, State.QUEUED)
    _check_rests(transcript)
    entry = Entry(EventKind.REVISE, {"engine": Engine.EMBEDDED.value, "before": Engine.ELEVENLABS.value})
    try:
        when = {"state": before, "engine": Engine.ELEVENLABS}
        append(transcript.pk, [entry], when=when, changes={"engine": Engine.EMBEDDED})
    except Fenced as error:
        raise IllegalTransition(before, State.QUEUED) from error
    retry(transcript)


@transaction.atomic
def rename(transcript: Transcript, title: str) -> None:
    """Give a transcript another title; open pages are told by the log."""
    transcript.title = title[:200]
    entry = Entry(EventKind.REVISE, {"title": transcript.title})
    last = append(transcript.pk, [entry], when={}, changes={"title": transcript.title})
    ring_on_commit(transcript.pk, transcript.team_id, last)


@transaction.atomic
def set_keeping(
    team: Team, media_days: int | None, text_days: int | None, stream_sound: bool, *, by: User | str = ""
) -> None:
    """How many days after its end a team keeps a transcript's recording and the transcript itself (None: for ever), and
    whether the sound of live streams is kept at all."""
    now = {"keep_media_days": media_days, "keep_text_days": text_days, "keep_stream_sound": stream_sound}
    before = Team.objects.select_for_update().values(*now).get(pk=team.pk)
    changed: dict[str, Any] = {name: [before[name], value] for name, value in now.items() if before[name] != value}
    Team.objects.filter(pk=team.pk).update(**now)
    if changed:
        auditing.record(Act.KEEPING_CHANGED, actor=by, team=team, target=team, **changed)


@transaction.atomic
def delete(transcript: Transcript) -> str:
    """Delete the row with its log and segments; return the media key of its recording, whose file goes after the commit
    (`upkeep.erasing` leaves a tombstone at every deletion). A running session stops at its next write.
    """
    key = transcript.media_key
    transcript.delete()
    return key
