"""The invitation that waits in a visitor's session until they have logged in or signed up."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest

from transcripts.membership import inviting
from transcripts.membership.errors import UNCONFIRMED, Refused
from transcripts.models import Invitation, Membership

#: The session's key for the token.
WAITING = "invitation"


def waiting_invitation(request: HttpRequest) -> Invitation | None:
    """The open invitation that the visitor came with, or None."""
    token = request.session.get(WAITING) if hasattr(request, "session") else None
    try:
        return inviting.find(str(token)) if token else None
    except Refused:
        return None


def use_waiting(request: HttpRequest, person: User) -> Membership | None:
    """Join the team that the visitor was invited to; None without an open invitation for them.

    One whose address they have yet to confirm goes on waiting.
    """
    token = request.session.pop(WAITING, None)
    try:
        place = inviting.join(str(token), person) if token else None
    except Refused as refused:
        if refused.code == UNCONFIRMED:
            request.session[WAITING] = token
        return None
    if place is not None:
        request.session["team"] = str(place.team_id)
    return place
