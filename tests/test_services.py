"""What people do: each act changes the row, writes the log, and tells who must know once it is committed."""

from __future__ import annotations

import pytest
from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import transaction

from transcripts import services
from transcripts.jobs.wake import WORK_CHANNEL, WORKERS_GROUP
from transcripts.live.publish import team_group, transcript_group
from transcripts.models import (
    ACTIVE,
    CLAIMABLE,
    FINAL,
    Control,
    Engine,
    Event,
    EventKind,
    IllegalTransition,
    Segment,
    SourceKind,
    State,
    Transcript,
)
from transcripts.models.states import TRANSITIONS

pytestmark = pytest.mark.django_db
LINK = services.Submission("Evening news", SourceKind.URL, url="https://media.example.org/evening.mp3")


class Ears:
    """Listens on a channel of its own in the given groups, and on the workers' channel."""

    def __init__(self, *groups: str) -> None:
        self.layer = get_channel_layer()
        self.channel = async_to_sync(self.layer.new_channel)()
        for group in groups:
            async_to_sync(self.layer.group_add)(group, self.channel)

    def heard(self, channel: str | None = None) -> list[dict[str, object]]:
        """Everything that has arrived, without waiting."""
        queue = self.layer.channels.get(channel or self.channel)
        messages = [queue.get_nowait()[1] for _ in range(queue.qsize())] if queue else []
        return [{key: value for key, value in message.items() if key != "group"} for message in messages]


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    """A block after which everything that waits for the commit has run."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def states(transcript):
    return [event.payload["state"] for event in transcript.events.filter(kind=EventKind.STATE)]


def test_a_submission_is_queued_logged_and_announced(team, alice, commits):
    ears = Ears(team_group(team.pk))
    with commits():
        transcript = services.submit(team, alice, LINK)
        assert ears.heard() == []
    assert (transcript.state, transcript.last_seq, transcript.created_by) == (State.QUEUED, 1, alice)
    assert states(transcript) == ["queued"]
    assert ears.heard() == [{"type": "log.grown", "transcript": str(transcript.pk), "seq": 1}]
    assert ears.heard(WORK_CHANNEL) == [{"type": "transcribe.wake"}]


def test_a_submission_keeps_everything_it_was_given(team):
    submission = services.Submission(
        title="x" * 500,
        kind=SourceKind.UPLOAD,
        media_key="ab/abcdef",
        media_bytes=7,
        media_sha256="0" * 64,
        engine=Engine.ELEVENLABS,
        language="de",
        options={"preset": "live"},
    )
    transcript = services.submit(team, None, submission)
    transcript.refresh_from_db()
    assert transcript.title == "x" * 200
    assert (transcript.media_key, transcript.media_bytes, transcript.media_sha256) == ("ab/abcdef", 7, "0" * 64)
    assert (transcript.engine, transcript.language, transcript.options) == ("elevenlabs", "de", {"preset": "live"})


def test_a_submission_may_leave_the_waking_to_its_caller(team, commits):
    ears = Ears()
    with commits():
        services.submit(team, None, LINK, wake=False)
    assert ears.heard(WORK_CHANNEL) == []


def test_nobody_is_told_of_what_was_rolled_back(team, commits):
    ears = Ears(team_group(team.pk))
    with commits(), transaction.atomic():
        services.submit(team, None, LINK)
        transaction.set_rollback(True)
    assert ears.heard() == ears.heard(WORK_CHANNEL) == []
    assert not Transcript.objects.exists()


@pytest.mark.parametrize("state", sorted(CLAIMABLE | {State.PAUSED}))
@pytest.mark.parametrize("act", [services.cancel, services.stop])
def test_what_nobody_works_on_is_cancelled_at_once(make_transcript, commits, act, state):
    transcript = make_transcript(state=state)
    ears = Ears(transcript_group(transcript.pk))
    with commits():
        act(transcript)
    assert transcript.state == State.CANCELLED
    assert transcript.finished_at is not None
    assert states(transcript) == ["queued", "cancelled"]
    assert ears.heard() == [{"type": "log.grown", "transcript": str(transcript.pk), "seq": 2}]


@pytest.mark.parametrize("state", sorted(ACTIVE))
@pytest.mark.parametrize(("act", "control"), [(services.stop, Control.STOP), (services.cancel, Control.CANCEL)])
def test_a_running_one_is_asked_of_its_worker(make_transcript, commits, act, control, state):
    transcript = make_transcript(state=state, worker="w", epoch=3)
    ears = Ears(WORKERS_GROUP)
    with commits():
        act(transcript)
    transcript.refresh_from_db()
    assert (transcript.state, transcript.control, transcript.worker) == (state, control, "w")
    assert ears.heard() == [{"type": "control.changed"}]


@pytest.mark.parametrize("state", [State.QUEUED, State.WAITING])
def test_what_waits_is_paused_at_once(make_transcript, commits, state):
    transcript = make_transcript(state=state)
    ears = Ears(transcript_group(transcript.pk))
    with commits():
        services.pause(transcript)
    assert (transcript.state, transcript.code, transcript.rest) == (State.PAUSED, "paused_by_person", "rested")
    assert ears.heard() == [{"type": "log.grown", "transcript": str(transcript.pk), "seq": 2}]
    services.retry(transcript)
    assert (transcript.state, transcript.code, transcript.rest) == (State.QUEUED, "", "")


@pytest.mark.parametrize(("asked", "kept"), [("", Control.PAUSE), (Control.STOP, Control.STOP)])
def test_pausing_asks_the_worker_unless_it_was_asked_for_the_end(make_transcript, commits, asked, kept):
    transcript = make_transcript(state=State.RUNNING, worker="w", epoch=3, control=asked)
    ears = Ears(WORKERS_GROUP)
    with commits():
        services.pause(transcript)
    transcript.refresh_from_db()
    assert (transcript.state, transcript.control) == (State.RUNNING, kept)
    assert ears.heard() == [{"type": "control.changed"}]


@pytest.mark.parametrize("state", sorted(set(State) - {State.QUEUED, State.WAITING, State.RUNNING}))
def test_what_ends_or_rests_cannot_be_paused(make_transcript, state):
    transcript = make_transcript(state=state)
    with pytest.raises(IllegalTransition):
        services.pause(transcript)
    assert states(transcript) == ["queued"]


@pytest.mark.parametrize("state", sorted({state for state in FINAL if State.CANCELLED not in TRANSITIONS[state]}))
@pytest.mark.parametrize("act", [services.stop, services.cancel])
def test_what_has_ended_cannot_be_stopped(make_transcript, act, state):
    transcript = make_transcript(state=state)
    with pytest.raises(IllegalTransition):
        act(transcript)
    assert states(transcript) == ["queued"]


@pytest.mark.parametrize("state", [State.FAILED, State.CANCELLED, State.WAITING, State.PAUSED])
def test_retry_queues_again_and_forgets_the_reason(make_transcript, commits, state):
    transcript = make_transcript(
        state=state, code="quota", message="m", next_step="n", attempts=4, crash_claims=2, control=Control.CANCEL
    )
    Transcript.objects.filter(pk=transcript.pk).update(committed_samples=16_000, epoch=5)
    ears = Ears(transcript_group(transcript.pk))
    with commits():
        services.retry(transcript)
    assert transcript.state == State.QUEUED
    assert (transcript.code, transcript.message, transcript.next_step, transcript.control) == ("", "", "", "")
    assert (transcript.attempts, transcript.crash_claims, transcript.finished_at) == (0, 0, None)
    assert (transcript.committed_samples, transcript.epoch) == (16_000, 5)
    assert ears.heard() == [{"type": "log.grown", "transcript": str(transcript.pk), "seq": 2}]
    assert ears.heard(WORK_CHANNEL) == [{"type": "transcribe.wake"}]


@pytest.mark.parametrize("state", [State.QUEUED, State.CANCELLING, State.COMPLETED, State.COMPLETED_WITH_GAPS])
def test_retry_refuses_what_does_not_need_it(make_transcript, state):
    transcript = make_transcript(state=state)
    with pytest.raises(IllegalTransition):
        services.retry(transcript)
    assert states(transcript) == ["queued"]


def test_a_cancel_that_comes_after_a_worker_took_it_is_refused(make_transcript):
    seen_queued = make_transcript()
    Transcript.objects.filter(pk=seen_queued.pk).update(state=State.RUNNING, epoch=1)
    with pytest.raises(IllegalTransition):
        services.cancel(seen_queued)
    assert Transcript.objects.get(pk=seen_queued.pk).state == State.RUNNING


def test_commit_now_counts_every_request(make_transcript, commits):
    transcript = make_transcript(state=State.RUNNING)
    ears = Ears(WORKERS_GROUP)
    with commits():
        services.commit_now(transcript)
        services.commit_now(transcript)
    transcript.refresh_from_db()
    assert transcript.commit_requests == 2
    assert ears.heard() == [{"type": "control.changed"}] * 2


def test_a_new_title_reaches_the_watchers_and_touches_nothing_else(make_transcript, commits):
    transcript = make_transcript()
    ears = Ears(transcript_group(transcript.pk))
    Transcript.objects.filter(pk=transcript.pk).update(state=State.RUNNING, committed_samples=5)
    with commits():
        services.rename(transcript, "y" * 300)
    after = Transcript.objects.get(pk=transcript.pk)
    assert (after.title, after.state, after.committed_samples) == ("y" * 200, State.RUNNING, 5)
    assert len(ears.heard()) == 1


def test_deleting_takes_log_and_text_and_names_the_recording(make_transcript):
    transcript = make_transcript(media_key="ab/abcdef")
    Segment.objects.create(transcript=transcript, index=0, seq=2, start_ms=0, end_ms=1, text="x")
    assert services.delete(transcript) == "ab/abcdef"
    assert not Event.objects.exists()
    assert not Segment.objects.exists()


@pytest.mark.parametrize("state", [State.PAUSED, State.FAILED, State.WAITING])
def test_a_refused_session_goes_on_with_the_embedded_engine_and_keeps_its_words(make_transcript, commits, state):
    transcript = make_transcript(
        state=state, engine=Engine.ELEVENLABS, code="quota_exceeded", message="Spent.", committed_samples=16_000
    )
    Segment.objects.create(transcript=transcript, index=0, seq=2, start_ms=0, end_ms=900, text="Kept.")
    with commits():
        services.continue_embedded(transcript)
    transcript.refresh_from_db()
    assert (transcript.engine, transcript.state, transcript.code) == (Engine.EMBEDDED, State.QUEUED, "")
    assert (transcript.committed_samples, transcript.segments.get().text) == (16_000, "Kept.")
    told = [event.payload for event in transcript.events.order_by("seq")][-2:]
    assert told == [{"engine": "embedded", "before": "elevenlabs"}, {"state": "queued"}]


@pytest.mark.parametrize(
    "fields",
    [
        {"state": State.RUNNING},
        {"state": State.COMPLETED},
        {"state": State.PAUSED, "engine": Engine.EMBEDDED},
        {"state": State.PAUSED, "language": "de"},
        {"state": State.PAUSED, "options": {"language_code": "de"}},
    ],
    ids=["running", "completed", "embedded", "german", "german-option"],
)
def test_the_engine_is_not_changed_where_the_other_could_not_go_on(make_transcript, fields):
    transcript = make_transcript(**{"engine": Engine.ELEVENLABS, **fields})
    with pytest.raises(IllegalTransition):
        services.continue_embedded(transcript)
    before = (transcript.engine, transcript.state, transcript.last_seq)
    transcript.refresh_from_db()
    assert (transcript.engine, transcript.state, transcript.last_seq) == before


def test_two_people_who_change_the_engine_at_once_change_it_once(make_transcript):
    transcript = make_transcript(state=State.PAUSED, engine=Engine.ELEVENLABS)
    late = Transcript.objects.get(pk=transcript.pk)
    services.continue_embedded(transcript)
    with pytest.raises(IllegalTransition):
        services.continue_embedded(late)
    assert transcript.events.filter(kind=EventKind.REVISE).count() == 1
