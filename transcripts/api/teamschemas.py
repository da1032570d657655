"""What goes in and out of the API around a team: its defaults, presets, tags, people and usage."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from ninja import Schema
from pydantic import Field, StringConstraints

from transcripts.api.schemas import NO_NUL, EngineName, HowIn, Line, PresetName, Strict, example
from transcripts.models.tag import TAG_CHARS


class DefaultsOut(Schema):
    """What new transcripts of the team begin with; empty: as the operator set it."""

    engine: str
    language: str
    preset: str
    keyterms: list[str] = Field(description="the team's vocabulary")


class DefaultsIn(Strict):
    """What new transcripts of the team are to begin with; what is left out stays."""

    model_config = example(keyterms=["Alva", "Brno"], language="en")

    engine: EngineName | None = Field(None, description="null: as the operator set it")
    language: Line = Field(None)  # type: ignore[assignment]
    preset: PresetName = Field(None)  # type: ignore[assignment]
    keyterms: list[Line] = Field(None, max_length=100)  # type: ignore[arg-type]


class PresetIn(HowIn):
    """Options under a name; one of that name is replaced."""

    model_config = example(name="Council", language="en", preset="accurate", options={"keyterms": ["Alva"]})

    name: Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=NO_NUL)]


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


class TagOut(Schema):
    """A tag of the team and how many transcripts have it."""

    id: int
    name: str
    transcripts: int


class TagsOut(Schema):
    """The team's tags."""

    items: list[TagOut]


class TagPatch(Strict):
    """Another name; where the team has a tag of that name, the two become one."""

    model_config = example(name="harbour")

    name: Annotated[str, StringConstraints(min_length=1, max_length=TAG_CHARS, pattern=NO_NUL)]


class MemberOut(Schema):
    """Somebody in the team; ``id`` is what a review is assigned to."""

    id: int
    name: str
    role: str
    may_review: bool


class MembersOut(Schema):
    """Who is in the team."""

    items: list[MemberOut]


class MonthOut(Schema):
    """What was used in a calendar month; ``cost`` at the operator's price of today."""

    month: date
    hosted_hours: float
    embedded_hours: float
    cost: float
    currency: str


class UsageOut(Schema):
    """What the team has used, this month first, and where it stands against its limit."""

    months: list[MonthOut]
    used: float
    limit: float | None = Field(description="null: no limit")
    unit: str = Field(description="hours or money")
    percent: int
    level: str = Field(description="near, reached or empty")
