"""The mail with an invitation."""

from __future__ import annotations

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from transcripts.models import Invitation

logger = logging.getLogger(__name__)


def send_invitation(invitation: Invitation, address: str) -> bool:
    """Send the link to whom the invitation names; False when it could not be handed to the mail server.

    Waits for that server up to EMAIL_TIMEOUT seconds. Call after the commit.
    """
    if not settings.STTWEB_MAIL_URL or not invitation.email:
        return False
    subject = _("Invitation to %(team)s on sttweb") % {"team": invitation.team.name}
    body = render_to_string("transcripts/team/invitation.txt", {"invitation": invitation, "address": address})
    try:
        return send_mail(" ".join(subject.split()), body, None, [invitation.email]) == 1
    except (SMTPException, OSError) as error:
        logger.warning("an invitation could not be mailed: %r", error)
        return False
