"""The only gate: who may see, control, edit, review and manage what.

Every row that a person reaches is reached through here; a row of a team that the person is not in does not exist for
them (404, never 403).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import PermissionDenied
from django.http import Http404

from transcripts.models import ApiToken, Membership, Role, Team, Transcript, Upload

if TYPE_CHECKING:
    from transcripts.models.transcript import TranscriptQuerySet

#: Who asks: a user, or nobody.
Person = User | AnonymousUser


class Right(StrEnum):
    """What a role may allow."""

    SEE = "see"
    SUBMIT = "submit"
    CONTROL = "control"
    EDIT = "edit"
    COMMENT = "comment"
    REVIEW = "review"
    DELETE = "delete"
    MANAGE = "manage"
    OWN = "own"


#: The table of rights, role by role. Nothing is inherited in code: what stands here is what is enforced.
RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.SEE}),
    Role.REVIEWER: frozenset({Right.SEE, Right.EDIT, Right.COMMENT, Right.REVIEW}),
    Role.EDITOR: frozenset({Right.SEE, Right.SUBMIT, Right.CONTROL, Right.EDIT, Right.COMMENT}),
    Role.MANAGER: frozenset(
        {Right.SEE, Right.SUBMIT, Right.CONTROL, Right.EDIT, Right.COMMENT, Right.REVIEW, Right.DELETE, Right.MANAGE}
    ),
    Role.OWNER: frozenset(Right),
}


class NotAllowed(PermissionDenied):
    """A member's role in ``team`` is not enough."""

    def __init__(self, team: Team) -> None:
        self.team = team
        super().__init__("Your role in this team does not allow that; ask an owner.")


def membership(person: Person, team_id: UUID) -> Membership | None:
    """The person's membership of a team, or None (also for anyone inactive or not logged in)."""
    if not person.is_authenticated or not person.is_active:
        return None
    return Membership.objects.filter(user_id=person.pk, team_id=team_id).select_related("team").first()


def teams_of(person: Person) -> list[Team]:
    """The teams a person belongs to, by name."""
    if not person.is_authenticated or not person.is_active:
        return []
    return list(Team.objects.filter(memberships__user_id=person.pk).order_by("name", "id"))


def owners_of(team: Team) -> list[str]:
    """The names of those who own the team and can log in, the longest there first. Only for members of the team."""
    owners = Membership.objects.filter(team=team, role=Role.OWNER, user__is_active=True)
    places = owners.select_related("user").order_by("created_at", "pk")
    return [place.user.get_full_name() or place.user.get_username() for place in places]


def transcripts_of(person: Person) -> TranscriptQuerySet:
    """Every transcript the person may see, in all their teams."""
    if not person.is_authenticated or not person.is_active:
        return Transcript.objects.none()
    return Transcript.objects.filter(team__memberships__user_id=person.pk)


def allows(member: Membership | None, right: Right) -> bool:
    """Whether a membership gives a right."""
    return member is not None and right in RIGHTS[Role(member.role)]


def rights_in(person: Person, teams: Collection[UUID]) -> dict[UUID, frozenset[Right]]:
    """What the person may do in each of these teams, in one query; teams of others are left out."""
    if not person.is_authenticated or not person.is_active:
        return {}
    rows = Membership.objects.filter(user_id=person.pk, team__in=teams).values_list("team_id", "role")
    return {team: RIGHTS[Role(role)] for team, role in rows}


def get_transcript(person: Person, transcript_id: UUID, right: Right = Right.SEE) -> Transcript:
    """The transcript, if the person may see it and holds ``right``.

    Raises Http404 for strangers (it does not exist for them) and PermissionDenied for members whose role is not enough.
    """
    transcript = transcripts_of(person).select_related("team", "created_by").filter(pk=transcript_id).first()
    if transcript is None:
        raise Http404("No such transcript.")
    if not allows(membership(person, transcript.team_id), right):
        raise NotAllowed(transcript.team)
    return transcript


def transcript_for_staff(person: Person, transcript_id: UUID) -> Transcript:
    """A transcript of any team, for those who operate the server and may see transcripts in the admin.

    Raises Http404 for everybody else. Callers put it on record.
    """
    may = person.is_active and person.is_staff and person.has_perm("transcripts.view_transcript")
    found = Transcript.objects.select_related("team").filter(pk=transcript_id).first() if may else None
    if found is None:
        raise Http404("No such transcript.")
    return found


def get_team(person: Person, team_id: UUID, right: Right = Right.SEE) -> Team:
    """The team, if the person belongs to it and holds ``right``. Raises as `get_transcript`."""
    member = membership(person, team_id)
    if member is None:
        raise Http404("No such team.")
    if not allows(member, right):
        raise NotAllowed(member.team)
    return member.team


def hold_team(team_id: UUID) -> None:
    """Inside a transaction: nobody deletes the team before its end. Raises Http404 when it was deleted meanwhile."""
    if not Team.objects.select_for_update(no_key=True).filter(pk=team_id).exists():
        raise Http404("No such team.")


def get_upload(person: Person, upload_id: UUID) -> Upload:
    """The person's own upload, if they may still submit in its team. Raises as `get_transcript`."""
    upload = Upload.objects.filter(pk=upload_id, created_by_id=person.pk).select_related("team").first()
    member = membership(person, upload.team_id) if upload else None
    if upload is None or member is None:
        raise Http404("No such upload.")
    if not allows(member, Right.SUBMIT):
        raise NotAllowed(member.team)
    return upload


# --- Tokens of programs ------------------------------------------------------------------------------------------


class Scope(StrEnum):
    """What a token of the API may be made for."""

    READ = "read"
    SUBMIT = "submit"
    CONTROL = "control"
    EDIT = "edit"
    REVIEW = "review"
    DELETE = "delete"
    MANAGE = "manage"


#: The rights in each scope. A token never allows more than its person's role does (`RIGHTS`).
SCOPES: dict[Scope, frozenset[Right]] = {
    Scope.READ: frozenset({Right.SEE}),
    Scope.SUBMIT: frozenset({Right.SUBMIT}),
    Scope.CONTROL: frozenset({Right.CONTROL}),
    Scope.EDIT: frozenset({Right.EDIT, Right.COMMENT}),
    Scope.REVIEW: frozenset({Right.REVIEW}),
    Scope.DELETE: frozenset({Right.DELETE}),
    Scope.MANAGE: frozenset({Right.MANAGE}),
}


@dataclass(frozen=True, slots=True)
class Holder:
    """Who asks by a token: its person, in its team only, with what its scopes and their role both allow."""

    token: ApiToken
    person: User
    team: Team
    role: Role
    rights: frozenset[Right]


def holder(token: ApiToken) -> Holder | None:
    """Who holds a token at this moment; None for somebody who has left the team or was deactivated."""
    member = membership(token.person, token.team_id)
    if member is None:
        return None
    scopes = [SCOPES[Scope(name)] for name in token.scopes if name in set(Scope)]
    rights = RIGHTS[Role(member.role)] & frozenset[Right]().union(*scopes)
    return Holder(token, token.person, member.team, Role(member.role), rights)


def require(held: Holder, right: Right) -> None:
    """Raises PermissionDenied unless both the scopes and the role allow it."""
    if right in held.rights:
        return
    if right in RIGHTS[held.role]:
        raise PermissionDenied(f"This token does not have a scope that allows “{right}”.")
    raise PermissionDenied(f"The role “{held.role}” of the person behind this token does not allow “{right}”.")


def transcripts_held(held: Holder) -> TranscriptQuerySet:
    """Every transcript that a token may see: its person's, in its team."""
    if Right.SEE not in held.rights:
        return Transcript.objects.none()
    return transcripts_of(held.person).filter(team_id=held.team.pk)


def transcript_held(held: Holder, transcript_id: UUID, right: Right = Right.SEE) -> Transcript:
    """The transcript, if it is of the token's team and the token has ``right``. Raises as `get_transcript`."""
    found = transcripts_of(held.person).filter(team_id=held.team.pk, pk=transcript_id)
    transcript = found.select_related("team", "created_by").first()
    if transcript is None:
        raise Http404("No such transcript.")
    require(held, right)
    return transcript


def upload_held(held: Holder, upload_id: UUID) -> Upload:
    """The person's own upload in the token's team. Raises as `get_transcript`."""
    upload = get_upload(held.person, upload_id)
    if upload.team_id != held.team.pk:
        raise Http404("No such upload.")
    require(held, Right.SUBMIT)
    return upload
