"""Why a change of membership is refused, in words for people."""

from __future__ import annotations

from django.utils.translation import gettext as _

#: The code of an invitation whose person has the address and is yet to confirm it.
UNCONFIRMED = "invitation_address_unconfirmed"


class Refused(Exception):
    """The change cannot be made. ``code``, ``message`` (one sentence) and ``next_step`` are for people."""

    def __init__(self, code: str, message: str, next_step: str) -> None:
        self.code, self.message, self.next_step = code, message, next_step
        super().__init__(message)


def last_owner() -> Refused:
    """The team would have nobody who owns it."""
    return Refused("last_owner", _("A team always has an owner."), _("Hand the team over to somebody else first."))


def not_allowed() -> Refused:
    """The role of who asks is not enough for this person or this role."""
    return Refused("role_not_enough", _("Your role does not allow that."), _("Ask an owner of the team."))


def no_member() -> Refused:
    """The person is not in the team (any more)."""
    return Refused("no_member", _("This person is not in the team any more."), _("Load the page again."))


def bad_invitation() -> Refused:
    """There is no such invitation, or it has ended."""
    return Refused(
        "invitation_ended",
        _("This invitation does not work: it was used, taken back, has expired, or its link is not complete."),
        _("Ask the person who invited you for a new one."),
    )


def for_another() -> Refused:
    """The invitation names an address that this person's account does not have."""
    return Refused(
        "invitation_for_another",
        _("This invitation is for another e-mail address than that of your account."),
        _("Log in with the account that has it, or ask the person who invited you for a new invitation."),
    )


def unconfirmed() -> Refused:
    """The account has the address of the invitation, and nobody has confirmed it yet."""
    return Refused(
        UNCONFIRMED,
        _("This invitation is for an e-mail address that you have not confirmed yet."),
        _("Confirm it by the link that was mailed to it (Your account, E-mail), then open the invitation again."),
    )


def has_transcripts() -> Refused:
    """Transcripts of the team would go with it, and their recordings stay behind."""
    return Refused(
        "team_has_transcripts",
        _("The team has transcripts."),
        _("Delete them first, so that their recordings go as well."),
    )


def too_many(most: int) -> Refused:
    """A bound of this installation. ``most`` is the bound."""
    return Refused(
        "too_many",
        _("There are %(most)s already, which is the most.") % {"most": most},
        _("Take back or remove some first."),
    )
