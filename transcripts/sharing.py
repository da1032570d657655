"""Showing live captions to people without an account: making a link, finding it by its token, taking it back.

Callers have been through `access.py` for the transcript; `find` is the one door without an account, and it opens by
the token alone.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from transcripts import auditing
from transcripts.live.publish import ring_on_commit
from transcripts.models import Act, CaptionLink, EventKind, Transcript
from transcripts.models.captionlink import new_token, token_hash
from transcripts.models.log import Entry, append, hold

#: Bounds of a link: its life in hours, its delay in seconds, and how many a transcript has at once.
LONGEST_HOURS, LONGEST_DELAY, MOST_LINKS = 24 * 30, 300, 20
#: A token is 32 characters; nothing longer is even hashed.
TOKEN_CHARS = 64


class TooManyLinks(Exception):
    """The transcript has as many live links as it may have."""


@transaction.atomic
def make_link(
    transcript: Transcript, person: User, hours: int, delay_seconds: int, password: str = ""
) -> tuple[CaptionLink, str]:
    """A link for ``hours`` from now, and its token, which nobody can ask for again. With a ``password`` readers are
    asked for it (`captionlocks`). Raises TooManyLinks."""
    if not (1 <= hours <= LONGEST_HOURS and 0 <= delay_seconds <= LONGEST_DELAY):
        raise ValueError("a link lives for hours and waits for seconds, both within bounds")
    hold(transcript.pk)
    if CaptionLink.objects.alive().filter(transcript=transcript).count() >= MOST_LINKS:
        raise TooManyLinks
    token = new_token()
    link = CaptionLink.objects.create(
        transcript=transcript,
        token_hash=token_hash(token),
        delay_seconds=delay_seconds,
        password=make_password(password) if password else "",
        expires_at=timezone.now() + timedelta(hours=hours),
        created_by=person,
    )
    _note(transcript, "shared", person)
    facts = {"hours": hours, "delay_seconds": delay_seconds, "password": bool(password)}
    _record(Act.CAPTION_LINK_MADE, transcript, person, link, **facts)
    return link, token


@transaction.atomic
def revoke(link: CaptionLink, person: User) -> None:
    """End a link now; pages that show it lose their text within seconds. Harmless for one that has ended."""
    if CaptionLink.objects.alive().filter(pk=link.pk).update(revoked_at=timezone.now()):
        _note(link.transcript, "unshared", person)
        _record(Act.CAPTION_LINK_REVOKED, link.transcript, person, link)


def find(token: str) -> CaptionLink | None:
    """The live link of a token, with its transcript. Blocks on the database."""
    if not 0 < len(token) <= TOKEN_CHARS:
        return None
    links = CaptionLink.objects.alive().select_related("transcript")
    return links.filter(token_hash=token_hash(token)).first()


def _note(transcript: Transcript, what: str, person: User) -> None:
    entry = Entry(EventKind.REVISE, {"captions": what, "by": person.get_full_name() or person.get_username()})
    last = append(transcript.pk, [entry], when={})
    ring_on_commit(transcript.pk, transcript.team_id, last)


def _record(act: Act, transcript: Transcript, person: User, link: CaptionLink, **details: Any) -> None:
    auditing.record(act, actor=person, team=transcript.team_id, target=transcript, link=str(link.pk), **details)
