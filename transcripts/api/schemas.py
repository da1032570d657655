"""What goes in and out of the API, as pydantic models: the reference is made from them.

What comes in is strict: unknown fields and numbers in quotes are mistakes of the program that sent them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Header, Schema
from pydantic import BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler, StringConstraints
from pydantic_core import CoreSchema, core_schema

from transcripts.forms import PRESETS
from transcripts.models import Engine

#: Databases refuse NUL; everything else in a text is cleaned by what takes it.
NO_NUL = r"^[^\x00]*$"
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=NO_NUL)]
Line = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]


def _whole(value: Any) -> Any:
    """JSON knows one kind of number: 3.0 is 3."""
    return int(value) if type(value) is float and value.is_integer() else value


Whole = Annotated[int, BeforeValidator(_whole)]
# The bounds stand first: behind the validator they would not be told to the reader of the description.
Index = Annotated[int, Field(ge=0, le=2**31 - 1), BeforeValidator(_whole)]


def _iso(value: Any) -> Any:
    """Days are written as ISO 8601 says; pydantic would take seconds since 1970 as well."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError("a day is written YYYY-MM-DD")
    return value


Day = Annotated[date, BeforeValidator(_iso), Field(strict=False)]


# SQLite and PostgreSQL count rows in 64 bits.
RowId = Annotated[int, Field(ge=0, le=2**63 - 1), BeforeValidator(_whole)]


class Strict(Schema):
    """A body: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


IdempotencyKey = Annotated[
    Annotated[str, StringConstraints(pattern=r"^[!-~]{0,100}$", max_length=100)],
    Header("", alias="Idempotency-Key", description="yours; remembered for 24 hours with what it made"),
]


def example(**values: Any) -> ConfigDict:
    """The settings of a body that shows itself by an example, which tests send."""
    return ConfigDict(extra="forbid", strict=True, json_schema_extra={"examples": [values]})


class ErrorDetail(Schema):
    """Why something was not done."""

    code: str = Field(description="snake_case; stays the same when the sentence changes")
    message: str = Field(description="one sentence for a person")
    next_step: str = Field("", description="what a person can do about it")
    fields: dict[str, Any] = Field({}, description="mistakes by their place in the request")


class ErrorOut(Schema):
    """Every refusal. Some carry more beside ``error``: ``offset`` of an upload, ``current`` of a conflict."""

    error: ErrorDetail


class TeamOut(Schema):
    """The team of the token."""

    id: UUID
    name: str


class WhoamiOut(Schema):
    """Whom a token speaks for, and what it may do now: its scopes and the person's role both allow ``rights``."""

    name: str = Field(description="name of the token")
    prefix: str = Field(description="the public part of the token")
    person: str
    role: str
    team: TeamOut
    scopes: list[str]
    rights: list[str]
    expires_at: datetime | None


class OneOf:
    """Annotation: a text out of a list that is only known when the program runs."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = list(names)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """As a literal, which also describes itself."""
        return core_schema.literal_schema(list(self._names))


EngineName = Annotated[str, OneOf(Engine.values)]
PresetName = Annotated[str, OneOf(value for value, _name, _hint in PRESETS)]


# --- Transcripts -------------------------------------------------------------------------------------------------


class TranscriptOut(Schema):
    """A transcript as a list shows it."""

    id: UUID
    title: str
    state: str = Field(description="queued, running, waiting, paused, finishing, completed, completed_with_gaps, …")
    is_final: bool = Field(description="nothing more happens unless somebody asks")
    is_live: bool = Field(description="the source never ends by itself")
    kind: str = Field(description="url, upload, sample or socket")
    source_url: str
    engine: str
    language: str = Field(description="as it was asked for; empty: the engine finds out")
    code: str = Field(description="why it failed, waits or is paused")
    message: str
    next_step: str
    last_seq: int = Field(description="number of its last event")
    segments: int
    heard_ms: int = Field(description="everything before this is settled")
    gap_ms: int = Field(description="could not be heard")
    duration_ms: int = Field(description="length of the source; 0 when it is not known")
    tags: list[str]
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class TranscriptDetail(TranscriptOut):
    """A transcript with how it was made."""

    created_by: str
    options: dict[str, Any]
    review: str = Field(description="open, returned, approved; empty when it was never sent to review")
    media_sha256: str
    page: str = Field(description="path of its page for people")


class HitOut(Schema):
    """A passage that holds the words of a search."""

    segment: int
    start_ms: int
    text: str


class FoundOut(TranscriptOut):
    """A transcript of a list; for a search with its first passages."""

    hits: list[HitOut]


class TranscriptsOut(Schema):
    """A page of transcripts. ``next``: the cursor of what follows; empty at the end."""

    items: list[FoundOut]
    next: str


class OptionsIn(Strict):
    """How to transcribe; what is left out is as usual (docs/api.md)."""

    model_config = example(keyterms=["Alva"], no_verbatim=True)

    pace: Annotated[float, Field(ge=0.1, le=100)] = Field(default=None, description="of files, times real time")  # type: ignore[assignment]
    secondary_languages: list[Line] = []
    keyterms: list[Line] = []
    include_timestamps: bool = True
    include_language_detection: bool = False
    no_verbatim: bool = False
    filter_background_audio: bool = False
    enable_logging: bool = True
    commit_strategy: Literal["vad", "turn_prediction"] = "vad"
    vad_silence_threshold_secs: float = Field(default=None)  # type: ignore[assignment]
    vad_threshold: float = Field(default=None)  # type: ignore[assignment]
    min_speech_duration_ms: Whole = Field(default=None)  # type: ignore[assignment]
    min_silence_duration_ms: Whole = Field(default=None)  # type: ignore[assignment]
    entity_detection: list[Line] = []
    entity_redaction: list[Line] = []
    entity_redaction_mode: Line = ""
    transcript_edit: Line = ""
    model_id: Line = ""


class HowIn(Strict):
    """How to transcribe: first the team's preset, then what else is named here."""

    team_preset: Line = Field("", description="name of one of the team's presets")
    engine: EngineName = Field(None, description="the server's usual one when it is left out")  # type: ignore[assignment]
    language: Line = Field("", description="a code such as en; empty: the engine finds out")
    preset: PresetName = Field("", description="when text settles; empty: live for streams, accurate for recordings")
    options: OptionsIn = Field(default_factory=OptionsIn)


class TranscriptIn(HowIn):
    """A link to transcribe."""

    model_config = example(
        url="https://media.example.org/evening.mp3", title="Evening news", options={"keyterms": ["Alva"]}
    )

    url: Annotated[str, StringConstraints(min_length=1, max_length=2048, pattern=NO_NUL)]
    title: Line = Field("", description="the link's own name when it is left out")


class TranscriptPatch(Strict):
    """What to change; what is left out stays."""

    model_config = example(title="Council, 12 May", add_tags=["council"])

    title: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)] = Field(default=None)  # type: ignore[assignment]
    add_tags: list[Line] = Field([], max_length=20)
    remove_tags: list[Line] = Field([], max_length=20)


# --- Uploads -----------------------------------------------------------------------------------------------------


class UploadIn(HowIn):
    """A file that is to come in parts."""

    model_config = example(name="council.wav", size=104857600)

    name: Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=NO_NUL)]
    size: Annotated[int, Field(ge=1, le=2**53, description="bytes"), BeforeValidator(_whole)]


class UploadOut(Schema):
    """An upload on its way; ``offset`` bytes of it are here."""

    id: UUID
    name: str
    size: int
    offset: int
    part_bytes: int = Field(description="most bytes of one part")
    expires_at: datetime


class UploadsOut(Schema):
    """The person's own uploads on their way in this team."""

    items: list[UploadOut]


class OffsetOut(Schema):
    """Where an upload stands now, in bytes."""

    offset: int


Sha256 = Annotated[str, StringConstraints(pattern=r"^([0-9a-f]{64})?$", max_length=64)]


class CompleteIn(Strict):
    """What the whole file is, in lower case hex; one of the two is enough."""

    model_config = example(sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")

    sha256: Sha256 = Field("", description="SHA-256 of the file")
    blocks_sha256: Sha256 = Field("", description="SHA-256 of the SHA-256 digests of its blocks of part_bytes")
