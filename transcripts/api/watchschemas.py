"""What goes in and out of the API around watchlists and their hits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from ninja import Schema
from pydantic import Field, StringConstraints

from transcripts.api.schemas import NO_NUL, RowId, Strict, example
from transcripts.outward_forms import MOST_TERMS, TERM_LENGTH

Term = Annotated[str, StringConstraints(min_length=1, max_length=TERM_LENGTH, pattern=NO_NUL)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})?$", max_length=12)]
Clock = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", max_length=5)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=NO_NUL)]
Zone = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=NO_NUL)]


class WatchlistIn(Strict):
    """What is watched for, and where."""

    model_config = example(
        name="City", terms=["city council", "elect*"], sources=["Radio One"], quiet_from="22:00", quiet_until="06:30",
        time_zone="Europe/Berlin",
    )  # fmt: skip

    name: Name
    terms: list[Term] = Field(
        min_length=1, max_length=MOST_TERMS, description="words and phrases; elect* finds every word that begins so"
    )
    any_form: bool = Field(False, description="other endings and other accents count too")
    sources: list[Term] = Field([], max_length=MOST_TERMS, description="parts of titles and links; none: everywhere")
    languages: list[Code] = Field([], max_length=15, description="codes such as en; none: all")
    live_only: bool = False
    quiet_from: Clock | None = Field(None, description="HH:MM; hits are kept, but nobody is told")
    quiet_until: Clock | None = None
    time_zone: Zone = Field("UTC", description="such as Europe/Berlin")
    tells_pages: bool = True
    tells_webhooks: bool = True
    is_enabled: bool = True


class WatchlistPatch(Strict):
    """What to change; what is left out stays."""

    model_config = example(terms=["city council", "mayor"], is_enabled=True)

    name: Name = Field(None)  # type: ignore[assignment]
    terms: list[Term] = Field(None, min_length=1, max_length=MOST_TERMS)  # type: ignore[arg-type]
    any_form: bool = Field(None)  # type: ignore[assignment]
    sources: list[Term] = Field(None, max_length=MOST_TERMS)  # type: ignore[arg-type]
    languages: list[Code] = Field(None, max_length=15)  # type: ignore[arg-type]
    live_only: bool = Field(None)  # type: ignore[assignment]
    quiet_from: Clock | None = None
    quiet_until: Clock | None = None
    time_zone: Zone = Field(None)  # type: ignore[assignment]
    tells_pages: bool = Field(None)  # type: ignore[assignment]
    tells_webhooks: bool = Field(None)  # type: ignore[assignment]
    is_enabled: bool = Field(None)  # type: ignore[assignment]


class WatchlistOut(Schema):
    """A watchlist. Nothing that was said before ``since`` is matched."""

    id: UUID
    name: str
    terms: list[str]
    any_form: bool
    sources: list[str]
    languages: list[str]
    live_only: bool
    quiet_from: str | None
    quiet_until: str | None
    time_zone: str
    tells_pages: bool
    tells_webhooks: bool
    is_enabled: bool
    since: datetime


class WatchlistsOut(Schema):
    """The team's watchlists."""

    items: list[WatchlistOut]


class AlertOut(Schema):
    """A watched word was said: where, and up to ten words on each side."""

    id: int
    watchlist: UUID
    watchlist_name: str
    transcript: UUID
    title: str
    segment: int
    seq: int
    start_ms: int
    term: str
    before: str
    said: str
    after: str
    at: datetime
    seen_at: datetime | None
    page: str = Field(description="path of the second at which it was said")


class AlertsOut(Schema):
    """A page of hits, the newest first. ``next``: the cursor of what follows; empty at the end."""

    items: list[AlertOut]
    next: str


class SeenIn(Strict):
    """Which hits somebody has seen; null for all of the team."""

    model_config = example(ids=[17])

    ids: list[RowId] | None = Field(max_length=1000)
