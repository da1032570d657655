"""What most needs a person: the queue of transcripts that were sent to review, the most urgent first. Reading only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Case, F, FloatField, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Cast, Coalesce, Left, NullIf
from django.utils import timezone

from transcripts import access
from transcripts.media.pcm import samples_to_ms
from transcripts.models import Flag, Membership, Review, ReviewState, Role, Transcript

#: Rows on a page; the rail counts no further than this.
PAGE_ROWS, MOST_COUNTED = 50, 100
#: What a transcript whose words were all low would get, beside the weights of its flags (`models.flag.WEIGHTS`), and
#: what waiting for so many days adds.
LOW_WORDS_WEIGHT = 40.0
WAITING_WEIGHTS = ((14, 40.0), (7, 20.0), (3, 10.0), (1, 5.0))
#: So many characters of a passage tell which one is meant.
SNIPPET = 80
#: Due within so many days stands before everything that is not.
SOON_DAYS = 1

ME, NOBODY = "me", "nobody"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC) - timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the queue is asked for; empty: all that is open or returned, in all teams of the person."""

    team: UUID | None = None
    #: ``me``, ``nobody``, the id of a person, or "" for all.
    assignee: str = ""
    #: A ReviewState, or "" for what is open or returned.
    state: str = ""
    overdue: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One transcript of the queue. ``low_share`` is 0..1 of its words, None when its engine tells no confidences."""

    review: Review
    transcript: Transcript
    flags_left: int
    low_words: int
    low_share: float | None
    length_ms: int
    missing_ms: int
    is_overdue: bool
    #: False while nobody has searched it for flags.
    is_scanned: bool


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page, how many were on those before it, and the cursor of the next one (empty: it is the last)."""

    rows: list[Row]
    before: int
    next: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ends: how many rows are on the pages so far, the moment as of which all of them are ranked, and
    what the last row is ranked by."""

    before: int
    asked_at: datetime
    urgency: int
    need: float
    sent_at: datetime
    key: UUID

    def __str__(self) -> str:
        moments = (round(at.timestamp() * 1_000_000) for at in (self.asked_at, self.sent_at))
        asked, sent = moments
        return f"{self.before}~{asked}~{self.urgency}~{self.need!r}~{sent}~{self.key.hex}"

    @classmethod
    def read(cls, text: str) -> Place | None:
        """What ``str`` made, or None for anything else."""
        try:
            before, asked, urgency, need, sent, key = text[:200].split("~")
            numbers = max(0, int(before)), int(urgency), float(need)
            place = cls(numbers[0], _moment(asked), numbers[1], numbers[2], _moment(sent), UUID(key))
        except (ValueError, OverflowError):
            return None
        return place if math.isfinite(place.need) and place.urgency in range(3) else None


def _moment(microseconds: str) -> datetime:
    """Raises ValueError, OverflowError."""
    return min(_EPOCH + timedelta(microseconds=abs(int(microseconds[:20]))), _LATEST)


def queue_of(person: User | AnonymousUser, filters: Filters | None = None, cursor: str = "") -> Page:
    """A page of what the person may see of the queue, ranked; one query. What is decided meanwhile moves nothing: the
    next page begins behind the last row of this one. A cursor that has no meaning begins at the most urgent."""
    place = Place.read(cursor) if cursor else None
    now = place.asked_at if place else timezone.now()
    rows = ranked(_wanted(person, filters or Filters()), now)
    reviews = list((_behind(rows, place) if place else rows)[: PAGE_ROWS + 1])
    shown, before = reviews[:PAGE_ROWS], place.before if place else 0
    following = _end(shown[-1], now, before + len(shown)) if len(reviews) > len(shown) else ""
    return Page([_row(review) for review in shown], before, following)


def _end(last: Any, now: datetime, before: int) -> str:
    """The cursor behind a row as `ranked` annotates it."""
    return str(Place(before, now, last.urgency, last.need, last.sent_at, last.pk))


def _behind(rows: QuerySet[Review], place: Place) -> QuerySet[Review]:
    later = Q(need=place.need) & (Q(sent_at__gt=place.sent_at) | Q(sent_at=place.sent_at, pk__gt=place.key))
    return rows.filter(Q(urgency__gt=place.urgency) | Q(urgency=place.urgency) & (Q(need__lt=place.need) | later))


def waiting_for(person: User | AnonymousUser, team: UUID | None = None) -> int:
    """How many transcripts wait for this person, for the rail: to review for reviewers, returned for editors, and not
    given to somebody else. At most ``MOST_COUNTED``; one query."""
    if not person.is_authenticated or not person.is_active:
        return 0
    mine = Membership.objects.filter(user_id=person.pk, **({"team": team} if team else {})).order_by()
    # Each review asks for its own transcript: in a join, PostgreSQL reads all transcripts for a handful of reviews.
    team_of = Subquery(Transcript.objects.filter(pk=OuterRef("pk")).values("team")[:1])
    theirs = Q(state=ReviewState.OPEN, of__in=_teams(mine, access.Right.REVIEW))
    theirs |= Q(state=ReviewState.RETURNED, of__in=_teams(mine, access.Right.EDIT))
    free = Q(assignee=None) | Q(assignee_id=person.pk)
    unanswered = Review.objects.filter(free, state__in=(ReviewState.OPEN, ReviewState.RETURNED))
    return unanswered.annotate(of=team_of).filter(theirs).order_by()[:MOST_COUNTED].count()


def after(person: User | AnonymousUser, transcript: Transcript) -> Transcript | None:
    """The next one to review when this one is done: the most urgent other that is open and not somebody else's."""
    free = Q(assignee=None) | Q(assignee_id=person.pk)
    wanted = _wanted(person, Filters(team=transcript.team_id, state=ReviewState.OPEN))
    review = ranked(wanted.filter(free).exclude(pk=transcript.pk)).first()
    return review.transcript if review is not None else None


def ranked(reviews: QuerySet[Review], now: datetime | None = None) -> QuerySet[Review]:
    """The most urgent first, as of ``now``: overdue, due soon, then by need, then by how long they wait."""
    now = now or timezone.now()
    today = timezone.localdate(now)
    waited = [When(sent_at__lt=now - timedelta(days=days), then=Value(extra)) for days, extra in WAITING_WEIGHTS]
    due = [When(due_on__lt=today, then=Value(0)), When(due_on__lte=_soon(today), then=Value(1))]
    low = Cast(F("transcript__scan__low_words"), FloatField()) / NullIf(F("transcript__scan__words"), 0)
    need = (
        Coalesce(F("transcript__scan__weight"), 0.0)
        + Coalesce(low, 0.0, output_field=FloatField()) * LOW_WORDS_WEIGHT
        + Case(*waited, default=Value(0.0), output_field=FloatField())
    )
    urgency = Case(*due, default=Value(2), output_field=IntegerField())
    rows = reviews.select_related("transcript__team", "transcript__scan", "assignee")
    return rows.annotate(urgency=urgency, need=need).order_by("urgency", "-need", "sent_at", "pk")


def flags_of(transcript: Transcript, *, left_only: bool = True) -> list[Flag]:
    """The flags of a transcript in the order of its text, each with what is ``said`` there, for the list beside it."""
    rows = transcript.flags.in_order().select_related("by")
    found = list(rows.left() if left_only else rows)
    spoken = transcript.segments.filter(index__in=rows.order_by().values("segment"))
    said = dict(spoken.annotate(said=Left("text", SNIPPET)).values_list("index", "said"))
    for flag in found:
        flag.said = said.get(flag.segment) or ""  # type: ignore[attr-defined,arg-type]
    return found


def _soon(today: date) -> date:
    return today + timedelta(days=SOON_DAYS)


def _teams(mine: QuerySet[Membership], right: access.Right) -> QuerySet[Membership, Any]:
    roles = [role for role in Role if right in access.RIGHTS[role]]
    return mine.filter(role__in=roles).values("team")


def _wanted(person: User | AnonymousUser, filters: Filters) -> QuerySet[Review]:
    rows = Review.objects.filter(transcript__in=access.transcripts_of(person))
    if filters.team is not None:
        rows = rows.filter(transcript__team_id=filters.team)
    if filters.state in ReviewState.values:
        rows = rows.filter(state=filters.state)
    else:
        rows = rows.exclude(state=ReviewState.APPROVED)
    if filters.overdue:
        rows = rows.filter(due_on__lt=timezone.localdate())
    return _assigned(rows, person, filters.assignee)


def _assigned(rows: QuerySet[Review], person: User | AnonymousUser, assignee: str) -> QuerySet[Review]:
    if assignee == ME:
        return rows.filter(assignee_id=person.pk)
    if assignee == NOBODY:
        return rows.filter(assignee=None)
    if assignee.isdecimal() and len(assignee) < 19:
        return rows.filter(assignee_id=int(assignee))
    return rows


def _row(review: Review) -> Row:
    transcript = review.transcript
    scan = getattr(transcript, "scan", None)
    words = scan.words if scan else 0
    overdue = review.due_on is not None and review.due_on < timezone.localdate() and not review.is_locked
    return Row(
        review,
        transcript,
        flags_left=scan.flags_left if scan else 0,
        low_words=scan.low_words if scan else 0,
        low_share=scan.low_words / words if scan and words else None,
        length_ms=samples_to_ms(transcript.committed_samples),
        missing_ms=samples_to_ms(transcript.gap_samples),
        is_overdue=overdue,
        is_scanned=scan is not None and scan.at is not None,
    )
