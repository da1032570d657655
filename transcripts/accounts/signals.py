"""What happens to accounts, on record; and new people joining the team that they were invited to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from allauth.account import signals as account
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialLogin
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_delete
from django.dispatch import Signal
from django.http import HttpRequest
from django.utils.translation import gettext

from transcripts import auditing
from transcripts.accounts.checks import team_id
from transcripts.accounts.waiting import use_waiting
from transcripts.live.rights import look_again
from transcripts.membership.members import join_by_domain
from transcripts.models import Act


def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    auditing.record(Act.SIGNED_IN, actor=user, target=user)


def _signed_out(user: User | None = None, **_: Any) -> None:
    if user is not None:
        auditing.record(Act.SIGNED_OUT, actor=user, target=user)


def _password_changed(user: User, **_: Any) -> None:
    auditing.record(Act.PASSWORD_CHANGED, actor=user, target=user)


def _password_reset(user: User, **_: Any) -> None:
    auditing.record(Act.PASSWORD_CHANGED, actor=user, target=user, by="reset")


def _factor(change: str) -> Any:
    def changed(user: User, authenticator: Authenticator, **_: Any) -> None:
        auditing.record(Act.FACTOR_CHANGED, actor=user, target=user, factor=str(authenticator.type), change=change)

    return changed


def _factor_failed(user: User, **_: Any) -> None:
    auditing.record(Act.SIGN_IN_FAILED, actor=user, target=user, outcome="second_factor")


def _signed_up(request: HttpRequest, user: User, sociallogin: SocialLogin | None = None, **_: Any) -> None:
    team = team_id()
    place = use_waiting(request, user)
    if place is not None:
        messages.success(request, gettext("You are in %(team)s now.") % {"team": place.team.name})
    elif sociallogin is not None and team is not None:
        _join_by_domain(team, user, sociallogin)


def _address_confirmed(request: HttpRequest, email_address: EmailAddress, **_: Any) -> None:
    # Who confirms in another browser, or for somebody else's session, opens the invitation again.
    if request.user.is_authenticated and request.user.pk == email_address.user_id:
        use_waiting(request, request.user)


def _join_by_domain(team: UUID, user: User, sociallogin: SocialLogin) -> None:
    """Into the team of the operator's choice, if the provider has verified an address of one of its domains."""
    verified = {one.email.rpartition("@")[2].lower() for one in sociallogin.email_addresses if one.verified}
    if verified & {domain.lower() for domain in settings.STTWEB_OIDC_DOMAINS}:
        join_by_domain(team, user)


def _session_ended(instance: UserSession, **_: Any) -> None:
    look_again(instance.user_id)


def connect() -> None:
    """Called once, when the app is ready."""
    pairs: list[tuple[Signal, Any]] = [
        (account.user_logged_in, _signed_in),
        (user_logged_out, _signed_out),
        (account.user_signed_up, _signed_up),
        (account.email_confirmed, _address_confirmed),
        (account.password_changed, _password_changed),
        (account.password_set, _password_changed),
        (account.password_reset, _password_reset),
        (mfa.authenticator_added, _factor("added")),
        (mfa.authenticator_removed, _factor("removed")),
        (mfa.authenticator_reset, _factor("renewed")),
        (mfa.authentication_failed, _factor_failed),
    ]
    for number, (signal, receiver) in enumerate(pairs):
        signal.connect(receiver, weak=False, dispatch_uid=f"accounts.{number}")
    post_delete.connect(_session_ended, sender=UserSession, dispatch_uid="accounts.session_ended")
