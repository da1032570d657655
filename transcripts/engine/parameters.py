"""The query string of a session: parsed, checked with the live service's texts, echoed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from transcripts.engine.audio import FORMATS
from transcripts.engine.wire import Message

LANGUAGE = re.compile(r"[a-z]{2,3}")

#: ISO 639-3 codes that mean the same as a two-letter one this product has recognisers for.
SHORT_CODES = {"eng": "en"}

STRATEGIES = ("manual", "vad")
REDACTION_MODES = ("redacted", "entity_type", "enumerated_entity_type")
MOST_KEYTERMS, LONGEST_KEYTERM, LONGEST_EDIT = 50, 20, 2000


class InvalidRequest(Exception):
    """The parameters are refused; the text goes to the client as it is."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """A session's options; defaults are the service's."""

    model_id: str = "scribe_v2_realtime"
    token: str | None = None
    audio_format: str = "pcm_16000"
    language_code: str | None = None
    secondary_languages: tuple[str, ...] = ()
    commit_strategy: str = "manual"
    vad_silence_threshold_secs: float = 1.5
    vad_threshold: float = 0.4
    min_speech_duration_ms: int = 100
    min_silence_duration_ms: int = 100
    include_timestamps: bool = False
    include_language_detection: bool = False
    keyterms: tuple[str, ...] = ()
    no_verbatim: bool = False
    entity_detection: tuple[str, ...] = ()
    entity_redaction: tuple[str, ...] = ()
    entity_redaction_mode: str = "enumerated_entity_type"
    transcript_edit: str | None = None
    filter_background_audio: bool = False
    enable_logging: bool = True

    @property
    def timed(self) -> bool:
        """Whether each answer has a timed twin."""
        return self.include_timestamps or self.include_language_detection

    @property
    def vad(self) -> tuple[float, float, float, float] | None:
        """Threshold, silence, shortest speech and shortest silence (seconds) when the server commits at pauses."""
        if self.commit_strategy != "vad":
            return None
        speech, silence = self.min_speech_duration_ms / 1000, self.min_silence_duration_ms / 1000
        return self.vad_threshold, self.vad_silence_threshold_secs, speech, silence

    def config(self) -> Message:
        """The ``config`` of ``session_started`` with the key set read off the live socket (September 2026)."""
        return {
            "sample_rate": FORMATS[self.audio_format][0],
            "audio_format": self.audio_format,
            "language_code": self.language_code,
            "secondary_languages": list(self.secondary_languages),
            "timestamps_granularity": "word",
            "vad_commit_strategy": self.commit_strategy == "vad",
            "vad_silence_threshold_secs": self.vad_silence_threshold_secs,
            "vad_threshold": self.vad_threshold,
            "min_speech_duration_ms": self.min_speech_duration_ms,
            "min_silence_duration_ms": self.min_silence_duration_ms,
            "max_tokens_to_recompute": 5,
            "model_id": self.model_id,
            "disable_logging": not self.enable_logging,
            "include_timestamps": self.include_timestamps,
            "include_language_detection": self.include_language_detection,
            "filter_background_audio": self.filter_background_audio,
            "keyterms": list(self.keyterms),
            "no_verbatim": self.no_verbatim,
            "entity_detection": list(self.entity_detection) or None,
        }


def parse(query: str, languages: frozenset[str] | None) -> Parameters:
    """Reads a raw query string; unknown keys are ignored. Raises ``InvalidRequest``.

    ``languages`` are the codes the recogniser understands, None for any.
    """
    reader = _Reader(parse_qs(query, keep_blank_values=True))
    parameters = Parameters(
        model_id=reader.text("model_id") or "scribe_v2_realtime",
        token=reader.text("token"),
        audio_format=reader.choice("audio_format", tuple(FORMATS), "pcm_16000"),
        language_code=reader.text("language_code") or None,
        secondary_languages=tuple(reader.all("secondary_languages")),
        commit_strategy=reader.choice("commit_strategy", STRATEGIES, "manual"),
        vad_silence_threshold_secs=reader.number("vad_silence_threshold_secs", 0.3, 3.0, 1.5),
        vad_threshold=reader.number("vad_threshold", 0.1, 0.9, 0.4),
        min_speech_duration_ms=reader.whole("min_speech_duration_ms", 50, 2000, 100),
        min_silence_duration_ms=reader.whole("min_silence_duration_ms", 50, 2000, 100),
        include_timestamps=reader.flag("include_timestamps", default=False),
        include_language_detection=reader.flag("include_language_detection", default=False),
        keyterms=tuple(reader.all("keyterms")),
        no_verbatim=reader.flag("no_verbatim", default=False),
        entity_detection=tuple(reader.listed("entity_detection")),
        entity_redaction=tuple(reader.listed("entity_redaction")),
        entity_redaction_mode=reader.choice("entity_redaction_mode", REDACTION_MODES, "enumerated_entity_type"),
        transcript_edit=reader.text("transcript_edit") or None,
        filter_background_audio=reader.flag("filter_background_audio", default=False),
        enable_logging=reader.flag("enable_logging", default=True),
    )
    _check_languages(parameters, languages)
    _check_texts(parameters)
    _check_combinations(parameters)
    return parameters


def _check_languages(parameters: Parameters, languages: frozenset[str] | None) -> None:
    main = [parameters.language_code] if parameters.language_code else []
    for code in [*main, *parameters.secondary_languages]:
        if not LANGUAGE.fullmatch(code):
            raise InvalidRequest(f"Invalid language code received: '{code}'.")
    for code in main:
        if languages is not None and SHORT_CODES.get(code, code) not in languages:
            known = ", ".join(sorted(languages))
            raise InvalidRequest(f"The embedded engine understands only: {known}. '{code}' needs the hosted service.")


def _check_texts(parameters: Parameters) -> None:
    if not parameters.model_id.startswith("scribe_"):
        raise InvalidRequest(f"Model '{parameters.model_id}' cannot be used for realtime transcription.")
    if len(parameters.keyterms) > MOST_KEYTERMS:
        raise InvalidRequest(f"At most {MOST_KEYTERMS} keyterms are allowed, {len(parameters.keyterms)} were given.")
    for term in parameters.keyterms:
        if len(term) > LONGEST_KEYTERM:
            raise InvalidRequest(
                f"Each keyterm must be at most {LONGEST_KEYTERM} characters. '{term}' is {len(term)} characters."
            )
    if len(parameters.transcript_edit or "") > LONGEST_EDIT:
        raise InvalidRequest(f"transcript_edit must be at most {LONGEST_EDIT} characters.")


def _check_combinations(parameters: Parameters) -> None:
    if parameters.filter_background_audio and parameters.include_timestamps:
        raise InvalidRequest(
            "filter_background_audio cannot be combined with include_timestamps. "
            "This will be supported in a future update."
        )
    if parameters.transcript_edit and (parameters.entity_detection or parameters.entity_redaction):
        raise InvalidRequest("transcript_edit cannot be combined with entity_detection or entity_redaction.")


class _Reader:
    """Typed access to a parsed query; the last of repeated keys wins where one value is wanted."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        self._values = values

    def all(self, name: str) -> list[str]:
        return [value for value in self._values.get(name, ()) if value]

    def listed(self, name: str) -> list[str]:
        return [part.strip() for value in self.all(name) for part in value.split(",") if part.strip()]

    def text(self, name: str) -> str | None:
        values = self._values.get(name)
        return values[-1] if values else None

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        value = self.text(name) or default
        if value not in allowed:
            raise InvalidRequest(f"Invalid {name}: '{value}'. Use one of {', '.join(allowed)}.")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        return self.choice(name, ("true", "false"), "true" if default else "false") == "true"

    def number(self, name: str, low: float, high: float, default: float) -> float:
        text = self.text(name)
        try:
            value = float(text) if text else default
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise InvalidRequest(f"Invalid {name}: '{text}'. It must lie between {low:g} and {high:g}.")
        return value

    def whole(self, name: str, low: int, high: int, default: int) -> int:
        value = self.number(name, low, high, default)
        if value != int(value):
            raise InvalidRequest(f"Invalid {name}: '{self.text(name)}'. It must be a whole number.")
        return int(value)
