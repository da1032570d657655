"""Who may send sound: a person by their session, or a program by a token. Blocks on the database.

Only the person who began a stream goes on with it, as with an upload.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import Http404

from transcripts import access, tokens
from transcripts.access import Holder, Right
from transcripts.live.consumers import NOT_LOGGED_IN, current_person
from transcripts.live.station import NOT_FOUND
from transcripts.models import SourceKind, Team, Transcript

#: Close code of somebody whose role is not enough.
NOT_ALLOWED = 4403


@dataclass(frozen=True, slots=True)
class Knocking:
    """Who asks: exactly one of a token's holder and a person."""

    holder: Holder | None
    person: User | AnonymousUser

    def refusal(self, transcript_id: UUID | None) -> int | None:
        """The close code, or None when they may send (to this transcript)."""
        if not self.person.is_authenticated:
            return NOT_LOGGED_IN
        try:
            if transcript_id is None:
                return None if self.team(None) is not None else NOT_ALLOWED
            self.transcript(transcript_id)
        except Http404:
            return NOT_FOUND
        except PermissionDenied:
            return NOT_ALLOWED
        return None

    def transcript(self, transcript_id: UUID) -> Transcript:
        """The one that they began. Raises Http404 and PermissionDenied."""
        if self.holder is not None:
            found = access.transcript_held(self.holder, transcript_id, Right.SUBMIT)
        else:
            found = access.get_transcript(self.person, transcript_id, Right.SUBMIT)
        if found.source_kind != SourceKind.SOCKET:
            raise Http404("It has another source.")
        if found.created_by_id != self.person.pk:
            raise PermissionDenied("Somebody else began it.")
        return found

    def team(self, wanted: UUID | None, chosen: object = None) -> Team | None:
        """The team for a new transcript: the one that is named, else the one chosen last, else the first."""
        if self.holder is not None:
            return self.holder.team if Right.SUBMIT in self.holder.rights and self._fits(wanted) else None
        teams = access.teams_of(self.person)
        rights = access.rights_in(self.person, [team.pk for team in teams])
        mine = [team for team in teams if Right.SUBMIT in rights.get(team.pk, ())]
        if wanted is not None:
            return next((team for team in mine if team.pk == wanted), None)
        mine.sort(key=lambda team: str(team.pk) != str(chosen))
        return mine[0] if mine else None

    def _fits(self, wanted: UUID | None) -> bool:
        return self.holder is not None and wanted in (None, self.holder.team.pk)


def knocking(scope: Mapping[str, Any]) -> Knocking:
    """Who opened the socket, as things are now. A token that opens nothing is nobody."""
    token = bearer(scope)
    if token is None:
        return Knocking(None, current_person(scope["session"]))
    try:
        held = tokens.find(token)
    except tokens.TokenRefused:
        return Knocking(None, AnonymousUser())
    tokens.note_use(held.token)
    return Knocking(held, held.person)


def bearer(scope: Mapping[str, Any]) -> str | None:
    """The token in the header Authorization, or None."""
    for name, value in scope.get("headers", ()):
        if name == b"authorization" and value[:7].lower() == b"bearer ":
            return str(value[7:].decode("latin-1").strip())
    return None
