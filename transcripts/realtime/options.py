"""Every parameter of a Scribe realtime session, with the ranges that the service documents.

Pure: no I/O, no framework. The service takes all of them in the query string of the handshake and none afterwards
(protocol.md sections 1 and 3), so what is refused here would otherwise cost a connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

#: Wire name of each audio format and its samples per second. PCM is s16le mono, mu-law 8-bit mono.
AUDIO_FORMATS: Mapping[str, int] = {
    "pcm_8000": 8000,
    "pcm_16000": 16000,
    "pcm_22050": 22050,
    "pcm_24000": 24000,
    "pcm_44100": 44100,
    "pcm_48000": 48000,
    "ulaw_8000": 8000,
}
COMMIT_STRATEGIES = ("manual", "vad", "turn_prediction")
REDACTION_MODES = ("redacted", "entity_type", "enumerated_entity_type")
MAX_KEYTERMS = 50
MAX_KEYTERM_CHARS = 20
MAX_TRANSCRIPT_EDIT_CHARS = 2000

#: Parameters that are sent even at their default: what the connection is for must be readable in a log of its URL.
_ALWAYS = ("model_id", "audio_format", "commit_strategy")
_LARGEST = 2.0**53
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_NAME = re.compile(r"[a-z0-9_]+")

#: Inclusive bounds and unit of the four numbers of the provider's voice activity detection.
VAD_RANGES: Mapping[str, tuple[float, float, str]] = {
    "vad_silence_threshold_secs": (0.3, 3.0, " seconds"),
    "vad_threshold": (0.1, 0.9, ""),
    "min_speech_duration_ms": (50, 2000, " ms"),
    "min_silence_duration_ms": (50, 2000, " ms"),
}


class OptionsError(ValueError):
    """A stored or submitted option has the wrong type. ``field`` names it."""

    code = "invalid_options"

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The parameters of one session. ``None`` means: the service's own default, not sent."""

    model_id: str = "scribe_v2_realtime"
    audio_format: str = "pcm_16000"
    #: ISO 639-1 or 639-3 in lower case; None lets the service detect it. Region tags (``en-US``) are refused.
    language_code: str | None = None
    secondary_languages: tuple[str, ...] = ()
    commit_strategy: str = "manual"
    #: 0.3 to 3.0 seconds, service default 1.5.
    vad_silence_threshold_secs: float | None = None
    #: 0.1 to 0.9, service default 0.4; lower is more sensitive.
    vad_threshold: float | None = None
    #: 50 to 2000 ms, service default 100.
    min_speech_duration_ms: int | None = None
    #: 50 to 2000 ms, service default 100.
    min_silence_duration_ms: int | None = None
    #: On by default here: word times make recovery exact and subtitles possible.
    include_timestamps: bool = True
    include_language_detection: bool = False
    #: At most 50 terms of at most 20 characters; costs extra.
    keyterms: tuple[str, ...] = ()
    no_verbatim: bool = False
    #: ``all``, ``pii``, ``phi``, ``pci``, ``other``, ``offensive_language`` or entity type names; costs extra.
    entity_detection: tuple[str, ...] = ()
    entity_redaction: tuple[str, ...] = ()
    entity_redaction_mode: str | None = None
    #: An instruction of at most 2000 characters; costs extra. Not together with entity options.
    transcript_edit: str | None = None
    #: Not together with ``include_timestamps``.
    filter_background_audio: bool = False
    #: False asks for zero retention, which the service grants to enterprise accounts only (else it warns).
    enable_logging: bool = True

    def problems(self) -> dict[str, str]:
        """What the service would refuse: field name -> one plain sentence. Empty when all is well."""
        found: dict[str, str] = {}
        for check in _CHECKS:
            for name, sentence in check(self).items():
                found.setdefault(name, sentence)
        return found

    def query(self) -> list[tuple[str, str]]:
        """Query pairs as the service reads them: lower-case booleans, lists as repeated keys (not yet encoded)."""
        pairs: list[tuple[str, str]] = []
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in _ALWAYS or value != _SERVICE_DEFAULTS[item.name]:
                pairs.extend((item.name, text) for text in _wire_values(value))
        return pairs

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON-safe values; ``from_dict`` reads it back to an equal object."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SessionOptions:
        """Read what ``to_dict`` wrote, now or in another version: unknown keys are ignored, missing ones default.

        Raises OptionsError, naming the field, for a value of the wrong type. Ranges are ``problems``' business.
        """
        known = {item.name: item.type for item in fields(cls)}
        values = {name: _coerce(name, str(known[name]), value) for name, value in data.items() if name in known}
        return cls(**values)

    @property
    def sample_rate(self) -> int:
        """Samples per second of ``audio_format`` (16000 for an unknown one)."""
        return AUDIO_FORMATS.get(self.audio_format, 16000)

    @property
    def expects_timed(self) -> bool:
        """Whether each commit is also answered by ``committed_transcript_with_timestamps``.

        Language detection alone turns that message on too, with ``words`` null (protocol.md section 3).
        """
        return self.include_timestamps or self.include_language_detection


#: What the service assumes when a parameter is absent; ``include_timestamps`` is false there and true here.
_SERVICE_DEFAULTS: dict[str, Any] = {item.name: item.default for item in fields(SessionOptions)}
_SERVICE_DEFAULTS["include_timestamps"] = False


def _wire_values(value: Any) -> list[str]:
    if isinstance(value, tuple):
        return [str(one) for one in value]
    if isinstance(value, bool):
        return ["true" if value else "false"]
    return [] if value is None else [str(value)]


def _coerce(name: str, kind: str, value: Any) -> Any:
    """``value`` as the field's annotated type, or OptionsError."""
    base = kind.removesuffix(" | None")
    if value is None:
        if kind != base:
            return None
    elif base == "tuple[str, ...]":
        if isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value):
            return tuple(value)
    elif base == "float":
        # JSON has whole numbers that no float can hold.
        if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LARGEST:
            return float(value)
    elif type(value).__name__ == base:
        return value
    raise OptionsError(name, f"The option {name} has a value of the wrong type.")


def _check_names(options: SessionOptions) -> dict[str, str]:
    found = {}
    if not options.model_id.strip():
        found["model_id"] = "Name a model."
    if options.audio_format not in AUDIO_FORMATS:
        found["audio_format"] = f"The audio format must be one of {', '.join(AUDIO_FORMATS)}."
    if options.commit_strategy not in COMMIT_STRATEGIES:
        found["commit_strategy"] = f"The commit strategy must be one of {', '.join(COMMIT_STRATEGIES)}."
    mode = options.entity_redaction_mode
    if mode is not None and mode not in REDACTION_MODES:
        found["entity_redaction_mode"] = f"The redaction mode must be one of {', '.join(REDACTION_MODES)}."
    return found


def _language_problem(code: str) -> str | None:
    if _LANGUAGE.fullmatch(code):
        return None
    hint = f" Write {code[:2].lower()!r}." if re.fullmatch(r"[A-Za-z]{2}([-_].*)?", code) else ""
    return f"{code!r} is no language code of two or three small letters; region tags are refused.{hint}"


def _check_languages(options: SessionOptions) -> dict[str, str]:
    found = {}
    if options.language_code is not None and (problem := _language_problem(options.language_code)):
        found["language_code"] = problem
    for code in options.secondary_languages:
        if problem := _language_problem(code):
            found.setdefault("secondary_languages", problem)
    return found


def _check_vad(options: SessionOptions) -> dict[str, str]:
    found = {}
    for name, (low, high, unit) in VAD_RANGES.items():
        value = getattr(options, name)
        if value is not None and not low <= value <= high:
            found[name] = f"Must be between {low} and {high}{unit}."
    return found


def _check_keyterms(options: SessionOptions) -> dict[str, str]:
    if len(options.keyterms) > MAX_KEYTERMS:
        return {"keyterms": f"At most {MAX_KEYTERMS} key terms; these are {len(options.keyterms)}."}
    for term in options.keyterms:
        if not term.strip():
            return {"keyterms": "A key term is empty."}
        if len(term) > MAX_KEYTERM_CHARS:
            return {"keyterms": f"At most {MAX_KEYTERM_CHARS} characters a key term; {term!r} has {len(term)}."}
    return {}


def _check_entities(options: SessionOptions) -> dict[str, str]:
    found = {}
    for name in ("entity_detection", "entity_redaction"):
        bad = [one for one in getattr(options, name) if not _NAME.fullmatch(one)]
        if bad:
            found[name] = f"{bad[0]!r} is no entity type."
    if options.entity_redaction_mode is not None and not options.entity_redaction:
        found["entity_redaction_mode"] = "A redaction mode needs something to redact."
    return found


def _check_edit(options: SessionOptions) -> dict[str, str]:
    edit = options.transcript_edit
    if edit is None:
        return {}
    if not edit.strip():
        return {"transcript_edit": "The instruction is empty."}
    if len(edit) > MAX_TRANSCRIPT_EDIT_CHARS:
        return {"transcript_edit": f"At most {MAX_TRANSCRIPT_EDIT_CHARS} characters; this has {len(edit)}."}
    if options.entity_detection or options.entity_redaction:
        return {"transcript_edit": "Editing cannot be combined with entity detection or redaction."}
    return {}


def _check_combinations(options: SessionOptions) -> dict[str, str]:
    if options.filter_background_audio and options.include_timestamps:
        return {"filter_background_audio": "The background filter cannot be combined with word times: turn one off."}
    return {}


_CHECKS: tuple[Callable[[SessionOptions], dict[str, str]], ...] = (
    _check_names,
    _check_languages,
    _check_vad,
    _check_keyterms,
    _check_entities,
    _check_edit,
    _check_combinations,
)
