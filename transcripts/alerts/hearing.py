"""What a commit sets off: the hits of a team's watchlists, as rows. Matches what was heard, not what was corrected."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from transcripts.alerts.matching import Match, Word, find
from transcripts.models import Event, Hit, Transcript, Watchlist


def watches(watchlist: Watchlist, transcript: Transcript, language: str) -> bool:
    """Whether the list is about this transcript and what is spoken in it (a code, or nothing when unknown)."""
    if watchlist.live_only and not transcript.is_live:
        return False
    spoken = (language or transcript.language).lower()
    wanted = [code.lower() for code in watchlist.languages]
    if wanted and spoken and not any(spoken == code or spoken.split("-")[0] == code for code in wanted):
        return False
    about = f"{transcript.title}\n{transcript.source_url}".casefold()
    return not watchlist.sources or any(part.casefold() in about for part in watchlist.sources)


def is_quiet(watchlist: Watchlist, at: datetime) -> bool:
    """Whether ``at`` (aware) is in the list's quiet hours, which may pass midnight; never when they are not set."""
    start, end = watchlist.quiet_from, watchlist.quiet_until
    if start is None or end is None or start == end:
        return False
    clock: time = at.astimezone(ZoneInfo(watchlist.time_zone)).time()
    return start <= clock < end if start < end else clock >= start or clock < end


def hits_in(
    watchlists: Iterable[Watchlist], transcript: Transcript, event: Event, tail: Sequence[Word], words: Sequence[Word]
) -> Iterator[Hit]:
    """Unsaved hits of one commit, each with its watchlist at hand."""
    payload: dict[str, Any] = event.payload
    for watchlist in watchlists:
        if event.at < watchlist.since or not watches(watchlist, transcript, str(payload.get("language") or "")):
            continue
        for match in find(watchlist.terms, tail, words, any_form=watchlist.any_form):
            yield _hit(watchlist, transcript, event, match)


def _hit(watchlist: Watchlist, transcript: Transcript, event: Event, match: Match) -> Hit:
    return Hit(
        watchlist=watchlist,
        transcript=transcript,
        seq=event.seq,
        segment=event.payload["segment"],
        start_ms=match.start_ms,
        term=match.term[:100],
        before=match.before[-400:],
        said=match.said[:200],
        after=match.after[:400],
        at=event.at,
    )
