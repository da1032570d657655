"""What goes in and out of the API, as pydantic models: the reference is made from them.

What comes in is strict: unknown fields and numbers in quotes are mistakes of the program that sent them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import ConfigDict, Field, StringConstraints

from transcripts.forms import PRESETS
from transcripts.models import Engine, State

#: Databases refuse NUL; everything else in a text is cleaned by what takes it.
NO_NUL = r"^[^\x00]*$"
Text = Annotated[str, StringConstraints(max_length=20_000, pattern=NO_NUL)]
Line = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
Index = Annotated[int, Field(ge=0, le=2**31 - 1)]
Number = Annotated[int, Field(ge=0, le=2**53)]


class Strict(Schema):
    """A body: nothing unknown, nothing converted."""

    model_config = ConfigDict(extra="forbid", strict=True)


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


class PresetOut(Schema):
    """Options that the team has given a name."""

    id: int
    name: str
    engine: str
    language: str
    options: dict[str, Any]


class PresetsOut(Schema):
    """A team's presets."""

    items: list[PresetOut]


EngineName = Literal[tuple(Engine.values)]  # type: ignore[valid-type]
StateName = Literal[tuple(State.values)]  # type: ignore[valid-type]
PresetName = Literal[tuple(value for value, _name, _hint in PRESETS)]  # type: ignore[valid-type]
