"""How states, sources and times look: one table and two formats, used by pages and handed to the scripts.

Pure but for translations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from transcripts.models import ACTIVE, FINAL, Engine, EventKind, SourceKind, State
from transcripts.models.states import RESTED
from transcripts.phrases import say
from transcripts.services import PAUSABLE, RESTING

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Look:
    """A state as people see it: a word, an icon of the sprite, a tone of the style sheet and what it means."""

    word: Text
    icon: str
    tone: str
    hint: Text = ""


LOOKS: dict[str, Look] = {
    State.QUEUED: Look(_("Queued"), "clock", "quiet", _("Waiting for a free worker.")),
    State.RUNNING: Look(_("Transcribing"), "wave", "busy", _("Listening for the first words…")),
    "live": Look(_("Live"), "live", "busy", _("Listening for the first words…")),
    "connecting": Look(_("Connecting"), "clock", "quiet", _("The engine is being called.")),
    "reconnecting": Look(_("Reconnecting"), "retry", "warn", _("The source dropped out and is being called again.")),
    State.WAITING: Look(_("Waiting to retry"), "retry", "warn", _("It goes on by itself, where it stopped.")),
    State.PAUSED: Look(_("Needs attention"), "pause", "warn"),
    RESTED: Look(_("Paused"), "pause", "quiet"),
    State.FINISHING: Look(_("Finishing"), "wave", "busy", _("Writing the last words…")),
    State.COMPLETED: Look(_("Done"), "check", "good"),
    State.COMPLETED_WITH_GAPS: Look(_("Done, with gaps"), "check", "warn", _("The text shows where audio was lost.")),
    State.FAILED: Look(_("Failed"), "alert", "bad"),
    State.CANCELLING: Look(_("Cancelling"), "clock", "quiet"),
    State.CANCELLED: Look(_("Cancelled"), "stop", "quiet", _("The text so far is kept.")),
}

KIND_ICONS = {SourceKind.URL: "link", SourceKind.UPLOAD: "file", SourceKind.SAMPLE: "sparkle", SourceKind.SOCKET: "mic"}

#: Which controls a state (or RESTED) offers; the session page hides the others.
CONTROLS: dict[str, frozenset[str]] = {
    "commit": frozenset({State.RUNNING}),
    "stop": frozenset({State.RUNNING}),
    "pause": PAUSABLE,
    "resume": frozenset({RESTED}),
    "cancel": frozenset({State.QUEUED, State.WAITING, State.PAUSED, RESTED, State.RUNNING, State.FINISHING}),
    "retry": RESTING,
    "switch": RESTING,
    "delete": FINAL,
}

#: States in which a message of the row is about now, not about an earlier try.
PROBLEMS = frozenset({State.FAILED, State.PAUSED, State.WAITING})

GAP_REASONS: dict[str, Text] = {
    "source_dropped": _("the source dropped out"),
    "buffer_overflow": _("the engine was away for too long"),
    "worker_lost": _("a worker was lost"),
    "source_ended_early": _("the source ended before its announced length"),
    "paused": _("it was paused"),
}


#: What a session was at when it stopped, by how its code begins; what is in no line was the engine's part.
STEPS: tuple[tuple[tuple[str, ...], Text], ...] = (
    (("invalid_options", "engine_", "model_"), _("Starting the engine")),
    (("decode", "no_audio", "sandbox", "empty_source", "uncaged"), _("Decoding the sound")),
    (("media_", "upload_", "no_sample", "keep_", "disk_", "stream_"), _("Reading the stored recording")),
    (
        ("source_", "is_", "hls_", "feed_", "page_", "wrapper_", "dns_", "probe_", "too_many_redirects", "unreachable"),
        _("Fetching the source"),
    ),
    (("poison", "internal", "database_", "lease_", "worker_"), _("The work on this server")),
    (("limit_",), _("The team's monthly limit")),
    (("",), _("Turning speech into text")),
)

ENGINE_NAMES: dict[str, Text] = {str(engine.value): engine.label for engine in Engine}


def look_key(state: str, is_live: bool, phase: str = "") -> str:
    """The entry of LOOKS for a transcript: its ``phase`` if it has one, or that a running one has a live source."""
    return phase or ("live" if is_live and state == State.RUNNING else state)


def look(state: str, is_live: bool = False, phase: str = "") -> Look:
    """How a state looks."""
    return LOOKS[look_key(state, is_live, phase)]


def is_busy(state: str) -> bool:
    """Something moves by itself: worth a pulse and a running clock."""
    return state in ACTIVE


def clock(ms: int) -> str:
    """``83000`` as ``1:23``, an hour and more as ``1:02:03``."""
    seconds = max(ms, 0) // 1000
    hours, minutes, seconds = seconds // 3600, seconds % 3600 // 60, seconds % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def strip_total(card: Mapping[str, Any]) -> int:
    """The length in ms that a card's strip stands for; never 0."""
    ends: list[int] = [end for _start, end in card["gaps"]]
    return max(int(card["duration_ms"]), int(card["heard_ms"]), *ends, 1)


def bar(start: float, width: float) -> str:
    """A bar of a drawing 1000 wide and 4 high, as the data of an SVG path; ``start`` and ``width`` are shares."""
    wide = max(width * 1000, 2.0) if width > 0 else 0.0
    return f"M{start * 1000:.1f} 0h{wide:.1f}v4h-{wide:.1f}z" if wide else ""


def failed_step(code: str) -> str:
    """The step that a code of a failure belongs to, in words; nothing without a code."""
    return next((str(step) for starts, step in STEPS if code.startswith(starts)), "") if code else ""


def step_table() -> list[tuple[list[str], str]]:
    """STEPS for the scripts, in the reader's language."""
    return [(list(starts), str(step)) for starts, step in STEPS]


def gap_reason(code: str) -> Text:
    """Why audio is missing, in words."""
    return GAP_REASONS.get(code, code.replace("_", " "))


SOURCE_NEWS: dict[str, Text] = {
    "source_dropped": _("The source dropped out"),
    "source_back": _("The source is back"),
    "source_ended": _("The source ended"),
    "now_playing": _("Now playing: %s"),
}


COMMENT_WORDS: dict[str, Text] = {
    "written": _("Comment written"),
    "edited": _("Comment edited"),
    "resolved": _("Comment resolved"),
    "reopened": _("Comment reopened"),
    "deleted": _("Comment deleted"),
}
REVIEW_WORDS: dict[str, Text] = {"open": _("In review"), "returned": _("Returned"), "approved": _("Approved")}


def source_text(payload: Mapping[str, Any]) -> str:
    """What became of a source, in the reader's language where the code is known."""
    known = SOURCE_NEWS.get(str(payload.get("code")))
    return str(known).replace("%s", str(payload.get("title", ""))) if known else say(str(payload.get("message", "")))


def speaker_name(label: str) -> str:
    """A speaker as people read it: the engines count from ``speaker_0``, people from one."""
    number = label.removeprefix("speaker_")
    return _now("Speaker %(n)s") % {"n": int(number) + 1} if number != label and number.isdecimal() else label


def initials(name: str) -> str:
    """Two letters that stand for a name, beside its colour."""
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper() if words else "?"


def log_text(kind: str, payload: Mapping[str, Any]) -> str:
    """One line of the activity list."""
    if kind == EventKind.STATE:
        word = str(LOOKS[payload["state"]].word) if payload.get("state") in LOOKS else str(payload.get("state", ""))
        return f"{word}: {say(payload['message'])}" if payload.get("message") else word
    if kind == EventKind.SESSION:
        return _now("Connected to the engine") + (f" ({payload['connection']})" if payload.get("connection") else "")
    if kind == EventKind.GAP:
        return _now("Lost: {reason}").format(reason=gap_reason(str(payload.get("reason", ""))))
    if kind == EventKind.SOURCE:
        return source_text(payload)
    if kind == EventKind.REVISE:
        return _revised(payload)
    if kind == EventKind.REVIEW:
        word = str(REVIEW_WORDS.get(str(payload.get("state")), payload.get("state", "")))
        return " · ".join(part for part in (word, payload.get("by"), payload.get("reason")) if part)
    if kind == EventKind.COMMENT:
        word = str(COMMENT_WORDS.get(str(payload.get("what")), payload.get("what", "")))
        return " · ".join(part for part in (word, payload.get("by")) if part)
    return say(str(payload.get("message") or payload.get("code") or kind))


def _revised(payload: Mapping[str, Any]) -> str:
    if "title" in payload:
        return _now("Renamed: {title}").format(title=payload["title"])
    sentence = _now("Changed")
    if "engine" in payload:
        sentence = _now("Goes on with another engine: {engine}").format(engine=ENGINE_NAMES.get(payload["engine"], "?"))
    elif "captions" in payload:
        shared = payload["captions"] == "shared"
        sentence = _now("Public caption link made") if shared else _now("Public caption link taken back")
    return f"{sentence} ({payload['by']})" if payload.get("by") else sentence


def script_table() -> dict[str, dict[str, str]]:
    """LOOKS for the scripts, in the reader's language."""
    return {
        str(key): {"word": str(found.word), "icon": found.icon, "tone": found.tone, "hint": str(found.hint)}
        for key, found in LOOKS.items()
    }
