"""What people do with watchlists and hits. Callers have been through `access.py`."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from transcripts import auditing
from transcripts.models import Act, Hit, Team, Watchlist

#: Lists that a team may have.
MOST = 50


class TooManyWatchlists(Exception):
    """The team has as many as it may have."""

    code = "too_many_watchlists"


@transaction.atomic
def save(team: Team, person: User, watchlist: Watchlist, *, again: bool = False) -> None:
    """Keep a new or changed list; ``again``: it was off, and what was said meanwhile is not matched.

    Raises TooManyWatchlists.
    """
    if watchlist._state.adding:
        Team.objects.select_for_update().get(pk=team.pk)
        if Watchlist.objects.filter(team=team).count() >= MOST:
            raise TooManyWatchlists
        watchlist.team, watchlist.created_by = team, person
    if again:
        watchlist.since = timezone.now()
    watchlist.save()
    auditing.record(Act.WATCHLIST_CHANGED, actor=person, team=team, target=watchlist, terms=len(watchlist.terms))


@transaction.atomic
def remove(watchlist: Watchlist, person: User) -> None:
    """Delete it with its hits."""
    auditing.record(Act.WATCHLIST_CHANGED, actor=person, team=watchlist.team_id, target=watchlist, deleted=True)
    watchlist.delete()


def hits_of(team: Team) -> QuerySet[Hit]:
    """The team's hits, the newest first."""
    return Hit.objects.filter(watchlist__team=team, transcript__team=team).select_related("watchlist", "transcript")


def unseen(team: Team, most: int) -> int:
    """How many hits nobody has seen, counted up to ``most``."""
    return Hit.objects.filter(watchlist__team=team, seen_at=None).order_by()[:most].count()


def mark_seen(hits: QuerySet[Hit], person: User) -> int:
    """Somebody has seen them: they are no news to the team any more; how many."""
    wanted = hits.filter(seen_at=None).order_by().values("pk")
    return Hit.objects.filter(pk__in=wanted, seen_at=None).update(seen_at=timezone.now(), seen_by=person)
