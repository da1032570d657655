"""What django-allauth asks this product."""

from __future__ import annotations

import logging
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from transcripts import auditing, sealing
from transcripts.accounts.waiting import waiting_invitation
from transcripts.models import Act

logger = logging.getLogger(__name__)


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Sign-up is closed unless the operator opens it, or an invitation does for one person."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Whether this visitor may make an account."""
        return bool(settings.STTWEB_SIGNUP) or waiting_invitation(request) is not None

    def clean_email(self, email: str) -> str:
        """Sign-up that an invitation opened is for the address that it names. Raises ValidationError."""
        request = context.request
        if request.path == reverse("account_signup") and not settings.STTWEB_SIGNUP:
            invitation = waiting_invitation(request)
            if invitation is not None and invitation.email and invitation.email.casefold() != email.casefold():
                text = _("Give the e-mail address that the invitation was made for.")
                raise ValidationError(text, code="invitation_for_another")
        return str(super().clean_email(email))

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """The account of a name or an address, or None.

        allauth looks an address up as a name as well, and would then compare a wrong password twice where there is an
        account and once where there is none: the time would tell which addresses are known.
        """
        name = credentials.get("username")
        if name and name == credentials.get("email") and not User.objects.filter(username__iexact=name).exists():
            del credentials["username"]
        return super().authenticate(request, **credentials)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """On record, with the name only if it is somebody's: people type passwords into the wrong field."""
        typed = str(credentials.get("username") or credentials.get("email") or "")[:254]
        field = "username" if credentials.get("username") else "email"
        person = User.objects.filter(**{f"{field}__iexact": typed}).first() if typed else None
        auditing.record(Act.SIGN_IN_FAILED, actor=person, target=person or "", outcome="refused")


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Whom the sign-on provider lets in gets an account; a team only by invitation or by domain."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        """The provider decides who has an account here: the operator named it."""
        return True


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of second factors are encrypted at rest."""

    def encrypt(self, text: str) -> str:
        """Before it is stored."""
        return sealing.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """After it was read. Raises ImmediateHttpResponse, a page with words, without the master key."""
        try:
            return sealing.unseal(encrypted_text)
        except sealing.Unreadable as error:
            logger.error("a second factor cannot be read: %s %s", error.message, error.next_step)
            page = render(context.request, "account/factor_unreadable.html", {"code": error.code}, status=503)
            raise ImmediateHttpResponse(page) from error
