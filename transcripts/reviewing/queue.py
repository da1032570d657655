"""What most needs a person: the queue of transcripts that were sent to review, the most urgent first. Reading only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
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
    """Rows of one page, which page it is (from 1), and whether there is another behind it."""

    rows: list[Row]
    number: int
    has_next: bool


def queue_of(person: User | AnonymousUser, filters: Filters | None = None, number: int = 1) -> Page:
    """A page of what the person may see of the queue, ranked; one query."""
    filters, number = filters or Filters(), min(max(1, number), 1000)
    first = (number - 1) * PAGE_ROWS
    reviews = list(ranked(_wanted(person, filters))[first : first + PAGE_ROWS + 1])
    return Page([_row(review) for review in reviews[:PAGE_ROWS]], number, len(reviews) > PAGE_ROWS)


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


def ranked(reviews: QuerySet[Review]) -> QuerySet[Review]:
    """The most urgent first: overdue, due soon, then by need, then by how long they wait."""
    today, now = timezone.localdate(), timezone.now()
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
