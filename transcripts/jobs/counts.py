"""What a worker counts about its sessions with the speech service, from the process's start on.

It reports the numbers with each heartbeat, so that every web process can tell them.
"""

from __future__ import annotations

from sttweb.counting import Tally
from transcripts.realtime.results import Annotation, Committed, Connected, Gap, Interrupted, StreamEvent

#: Failures of the speech service by code: broken connections, refusals, complaints.
provider_errors = Tally()
#: ``connections`` became ready; ``replays`` of them sent again what the one before had not answered.
sessions = Tally("connections", "replays", "commits", "gaps", "unknown_messages")

#: Most codes of errors that a worker tells apart: the provider chooses the words.
MOST_CODES = 50
OTHER = "other"
#: Types of messages beside text and errors that protocol.md section 5 names.
KNOWN = frozenset(
    {
        "committed_transcript_entities",
        "redacted_transcript",
        "edited_transcript",
        "diarized_transcript",
        "speakers_merged",
        "warning",
        "input_error",
        "duplicate_final",
        "phantom_final",
    }
)


class Counter:
    """Counts what one session says."""

    def __init__(self) -> None:
        self._interrupted = False

    def count(self, event: StreamEvent) -> None:
        """Take one event of the session."""
        match event:
            case Interrupted():
                self._interrupted = True
                failed(event.code)
            case Connected():
                sessions.add("connections")
                if self._interrupted:
                    sessions.add("replays")
                self._interrupted = False
            case Committed():
                sessions.add("commits")
            case Gap():
                sessions.add("gaps")
            case Annotation() if event.kind not in KNOWN:
                sessions.add("unknown_messages")


def failed(code: str) -> None:
    """Count a failure of the speech service."""
    known = provider_errors.values()
    provider_errors.add(code[:60] if code in known or len(known) < MOST_CODES else OTHER)


def numbers() -> dict[str, dict[str, float]]:
    """All of them, for the worker's row."""
    return {"provider_errors": provider_errors.values(), "sessions": sessions.values()}
