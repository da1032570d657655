"""Invitations: making one, finding it by its token, taking it back, joining by it."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from transcripts import auditing
from transcripts.membership import errors, rules
from transcripts.membership.members import locked, member
from transcripts.models import Act, Invitation, Membership, Role, Team
from transcripts.models.invitation import invitation_hash, new_invitation_token

#: Bounds of an invitation: its life in days, and how many of a team are open at once.
LONGEST_DAYS, MOST_OPEN = 30, 100
#: A token is 32 characters; nothing longer is even hashed.
TOKEN_CHARS = 64


def invite(team: Team, actor: User, role: Role, days: int, email: str = "") -> tuple[Invitation, str]:
    """An invitation for ``days`` from now, and its token, which nobody can ask for again. Raises Refused."""
    if not 1 <= days <= LONGEST_DAYS:
        raise ValueError("an invitation lives for days within bounds")
    with locked(team):
        if not rules.may_give(Role(member(team, actor.pk).role), role):
            raise errors.not_allowed()
        if Invitation.objects.open().filter(team=team).count() >= MOST_OPEN:
            raise errors.too_many(MOST_OPEN)
        token = new_invitation_token()
        invitation = Invitation.objects.create(
            team=team,
            role=role,
            email=email,
            token_hash=invitation_hash(token),
            created_by=actor,
            expires_at=timezone.now() + timedelta(days=days),
        )
        auditing.record(Act.INVITED, actor=actor, team=team, target=invitation, role=str(role), days=days)
    return invitation, token


def find(token: str) -> Invitation:
    """The open invitation of a token, with its team. Raises Refused; never says why it does not work."""
    invitation = None
    if 0 < len(token) <= TOKEN_CHARS:
        open_ones = Invitation.objects.open().select_related("team", "created_by")
        invitation = open_ones.filter(token_hash=invitation_hash(token)).first()
    if invitation is None:
        raise errors.bad_invitation()
    return invitation


@transaction.atomic
def revoke(invitation: Invitation, actor: User) -> bool:
    """Take an invitation back; False when it had ended already."""
    done = Invitation.objects.open().filter(pk=invitation.pk).update(revoked_at=timezone.now())
    if done:
        auditing.record(Act.INVITATION_REVOKED, actor=actor, team=invitation.team_id, target=invitation)
    return bool(done)


def require_meant(invitation: Invitation, person: User) -> None:
    """An invitation that names an address is for the account that has it, confirmed where mail is set up: a link that
    went astray lets nobody else in. Raises Refused (``invitation_for_another``, ``invitation_address_unconfirmed``)."""
    if not invitation.email:
        return
    known = EmailAddress.objects.filter(user_id=person.pk, email__iexact=invitation.email)
    if settings.STTWEB_MAIL_URL:
        if known.filter(verified=True).exists():
            return
        raise errors.unconfirmed() if known.exists() or _is_own(invitation, person) else errors.for_another()
    if not _is_own(invitation, person) and not known.exists():
        raise errors.for_another()


def _is_own(invitation: Invitation, person: User) -> bool:
    return person.email.casefold() == invitation.email.casefold()


def join(token: str, person: User) -> Membership:
    """Use an invitation. Raises Refused.

    Whoever is in the team already keeps their role, and the invitation stays for whom it was meant.
    """
    invitation = find(token)
    with locked(invitation.team):
        there = Membership.objects.filter(team=invitation.team, user=person).first()
        if there is not None:
            return there
        require_meant(invitation, person)
        used = Invitation.objects.open().filter(pk=invitation.pk)
        if not used.update(used_at=timezone.now(), used_by=person):
            raise errors.bad_invitation()
        place = Membership.objects.create(team=invitation.team, user=person, role=invitation.role)
        auditing.record(Act.JOINED, actor=person, team=invitation.team, target=person, role=place.role)
    return place
