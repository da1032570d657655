"""Our own knobs: everything about a session that the service does not see.

Pure. Seconds unless the name says otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

PRESETS = ("live", "accurate", "provider_vad", "manual")


@dataclass(frozen=True, slots=True)
class Tuning:
    """How a stream commits, paces, waits and recovers. The defaults suit a file at the hosted service."""

    #: When to commit: ``live`` at the first real pause after some speech, ``accurate`` at a pause after 20 s,
    #: ``provider_vad`` leaves it to the service, ``manual`` to ``request_commit``. All stay under the ceiling.
    preset: str = "accurate"
    #: Multiple of real time at which audio may leave; None for as fast as it is accepted.
    pace: float | None = 4.0
    #: The source cannot wait: when the provider is away, the oldest audio over the bound is given up as a gap.
    live: bool = False
    #: It happens now, and all the same nothing of it is lost by waiting: the reader is made to wait as a file's.
    patient: bool = False
    #: Milliseconds of audio per message, a multiple of 100; None for 200 live and 1000 for files.
    chunk_ms: int | None = None
    #: Never commit less than this (the service closes the session under 0.3 s).
    commit_floor_s: float = 0.35
    #: Commit here at the latest if there was no pause.
    commit_forced_s: float = 30.0
    #: Never more than this uncommitted, whatever happens (the service commits by itself at about 36 s).
    commit_ceiling_s: float = 32.0
    #: A pause: this long without voice.
    pause_s: float = 0.5
    #: ``live``: this much must be uncommitted before a pause counts; ``accurate``: this much.
    live_after_s: float = 2.0
    accurate_after_s: float = 20.0
    #: Commits that may wait for their answers at the same time (1 when the service sends no word times).
    max_outstanding: int = 4
    #: Zeros are sent after so long without audio; the service closes an idle session after some 15 s.
    keepalive_s: float = 5.0
    keepalive_ms: int = 20
    #: A live source that is quiet (sends nothing) so long gets its last words committed.
    stall_commit_s: float = 2.0
    #: Audio without an answer that is kept for a replay. Files wait at the bound.
    replay_buffer_s: float = 120.0
    #: Audio that may wait unsent before a file's reader is made to wait.
    read_ahead_s: float = 8.0
    #: Heard again before an unclean border when a connection is replaced, and trimmed by word times.
    preroll_s: float = 1.0
    #: Longest session, in seconds of time or of audio, whichever comes first; None until one is learned.
    session_limit_s: float | None = None
    #: Share of the limit at which the next session is opened, and at which the change is forced.
    rotate_open_share: float = 0.8
    rotate_force_share: float = 0.92
    #: Longest wait for an answer beyond ``answer_share`` of the audio it is about; also at the end of a stream.
    drain_s: float = 15.0
    #: Seconds allowed per second of audio that an answer is about (1: a provider no slower than real time).
    answer_share: float = 1.0
    #: A plain final waits so long for its timed twin.
    twin_s: float = 2.0
    #: After the last answer, in case something still follows it.
    linger_s: float = 0.3
    open_timeout_s: float = 10.0
    session_timeout_s: float = 10.0
    send_stall_s: float = 10.0
    #: Voice was sent and nothing at all came back.
    silence_watch_s: float = 45.0
    ping_interval_s: float = 8.0
    ping_timeout_s: float = 15.0
    close_timeout_s: float = 2.0
    #: Full jitter between 0 and base x 2^n, at most the cap.
    backoff_base_s: float = 1.0
    backoff_cap_s: float = 60.0
    #: A session that lived so long clears the count of failures.
    healthy_s: float = 60.0
    #: Failures in a row are borne so long; then a file's stream raises, a live one goes on probing while its source
    #: lasts.
    max_retry_s: float = 600.0
    #: Replays of one place before the missing answer is given up as a gap.
    max_replays: int = 3
    #: Events that may wait for the consumer before the provider is made to wait.
    max_events: int = 64
    #: Keep the times of single characters in ``Committed.raw``.
    keep_characters: bool = True

    @property
    def frame_ms(self) -> int:
        """Milliseconds of audio per message in effect."""
        return self.chunk_ms or (200 if self.live else 1000)
