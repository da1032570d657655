"""Tokens of programs in a team: made and shown once, listed, revoked. Everybody makes their own; managers see all."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from transcripts import access, tokens
from transcripts.access import RIGHTS, SCOPES, Right, Scope
from transcripts.models import ApiToken, Role, Team
from transcripts.views.shell import PersonRequest

#: Lives that are offered, in days; 0: until it is revoked.
DAYS = (7, 30, 90, 365, 0)
SCOPE_WORDS = {
    Scope.READ: pgettext_lazy("scope", "Read: transcripts, their events, exports and sound"),
    Scope.SUBMIT: pgettext_lazy("scope", "Submit: links and uploads"),
    Scope.CONTROL: pgettext_lazy("scope", "Control: stop, cancel, retry, commit"),
    Scope.EDIT: pgettext_lazy("scope", "Edit: text, speakers, titles and tags"),
    Scope.REVIEW: pgettext_lazy("scope", "Review: approve, return, reopen"),
    Scope.DELETE: pgettext_lazy("scope", "Delete transcripts"),
    Scope.MANAGE: pgettext_lazy("scope", "Manage the team: webhooks and the like"),
}


def lives() -> list[tuple[int, str]]:
    """The choices of a life, in the reader's language."""
    days = [(n, ngettext("%(n)s day", "%(n)s days", n) % {"n": n}) for n in DAYS if n]
    return [*days, (0, _("Until it is revoked"))]


class TokenForm(forms.Form):
    """What a new token is made from."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=60, help_text=gettext_lazy("What it is for, such as “archive script”.")
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("What it may do"),
        choices=[(scope.value, word) for scope, word in SCOPE_WORDS.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ.value],
    )
    days = forms.TypedChoiceField(label=gettext_lazy("Ends after"), choices=lives, coerce=int, initial=90)

    def __init__(self, role: Role, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        allowed = [scope for scope in Scope if SCOPES[scope] & RIGHTS[role]]
        self.fields["scopes"].choices = [(scope.value, SCOPE_WORDS[scope]) for scope in allowed]  # type: ignore[attr-defined]


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def team_tokens(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/tokens``: the tokens one may see; a POST makes one and shows it, this once."""
    team = access.get_team(request.user, team_id)
    member = access.membership(request.user, team_id)
    form = TokenForm(Role(member.role if member else Role.VIEWER), request.POST or None)
    fresh = _make(request, team, form) if request.method == "POST" and form.is_valid() else ""
    known = _visible(request, team).select_related("person")
    context = {"managed": team, "form": form, "fresh": fresh, "tokens": known}
    response = render(request, "transcripts/team/tokens.html", context, status=422 if form.errors else 200)
    response["Cache-Control"] = "no-store"
    return response


def _make(request: PersonRequest, team: Team, form: TokenForm) -> str:
    """The whole text of a new token, or nothing and a sentence in the form."""
    wanted = form.cleaned_data
    scopes = [Scope(name) for name in wanted["scopes"]]
    try:
        return tokens.make(team, request.user, wanted["name"], scopes, wanted["days"] or None)[1]
    except tokens.TokenRefused as error:
        form.add_error(None, f"{error.message} {error.next_step}")
        return ""


def _visible(request: PersonRequest, team: Team) -> QuerySet[ApiToken]:
    rows = ApiToken.objects.filter(team=team)
    manages = access.allows(access.membership(request.user, team.pk), Right.MANAGE)
    return rows if manages else rows.filter(person=request.user)


@require_POST
@login_required
def revoke_token(request: PersonRequest, team_id: UUID, token_id: UUID) -> HttpResponse:
    """``/team/<id>/tokens/<token>/revoke``: by who made it, or a manager."""
    team = access.get_team(request.user, team_id)
    token = get_object_or_404(_visible(request, team), pk=token_id)
    tokens.revoke(token, request.user)
    messages.success(request, _("The token opens nothing any more."))
    return redirect("team-tokens", team.pk)
