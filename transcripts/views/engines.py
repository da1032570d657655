"""Engines, keys, vocabulary and usage in the settings of a team."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from transcripts import access, engine_settings, limits, throttling
from transcripts.access import Right
from transcripts.engine_forms import DefaultsForm, KeyForm, LimitForm
from transcripts.jobs import accounts, hosts, trial
from transcripts.models import LimitUnit, ProviderKey, Team, this_month
from transcripts.realtime.errors import ProviderError
from transcripts.throttling import Limit
from transcripts.views.shell import PersonRequest

#: Tests of a team's connection.
TESTS = Limit(rate=6 / 60, burst=4)
STEPS = {
    "address": gettext_lazy("Find the host"),
    "connection": gettext_lazy("Connect to it"),
    "handshake": gettext_lazy("Speak its protocol"),
    "authorisation": gettext_lazy("Show the key"),
    "session": gettext_lazy("Begin a session"),
}


def section(request: PersonRequest, team: Team) -> dict[str, Any]:
    """What the sections about engines show."""
    row = engine_settings.of(team)
    own = ProviderKey.objects.filter(team=team).select_related("set_by").first()
    used = this_month()
    return {
        "may_own": access.allows(access.membership(request.user, team.pk), Right.OWN),
        "provider_key": own,
        "key_host": hosts.shown(own.base_url) if own else engine_settings.host_in_use(team)[0],
        "key_form": KeyForm(initial={"region": next(iter(hosts.REGIONS))}),
        "test_steps": shown_steps(own.test if own else []),
        "defaults": DefaultsForm.of(row),
        "limit_form": LimitForm.of(row),
        "standing": limits.standing(team.pk),
        "months": [limits.month_of(team.pk, first) for first in (used, limits.month_before(used))],
        "currency": limits.price()[0],
    }


def shown_steps(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The steps of a test with the names that people read."""
    return [step | {"label": STEPS.get(step.get("name", ""), step.get("name", ""))} for step in steps]


def _team_page(request: PersonRequest, team: Team, status: int, **changes: Any) -> HttpResponse:
    from transcripts.views.team import show

    return show(request, team, status, **changes)


@require_POST
@login_required
def key(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/key``: enter the team's key, in the place of the one before."""
    team = access.get_team(request.user, team_id, Right.OWN)
    form = KeyForm(request.POST)
    if not form.is_valid():
        return _team_page(request, team, 422, key_form=form)
    data = form.cleaned_data
    engine_settings.set_key(team, request.user, key=data["key"], base_url=data["host"], label=data["label"])
    messages.success(request, _("The key was saved. Test the connection now."))
    return _back(team, "key")


@require_POST
@login_required
def key_remove(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/key/remove``: forget the team's key."""
    team = access.get_team(request.user, team_id, Right.OWN)
    engine_settings.remove_key(team, request.user)
    messages.success(request, _("The key was removed."))
    return _back(team, "key")


@require_POST
@login_required
def key_test(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/key/test``: connect and begin a session, without any sound; the page says how each step went."""
    team = access.get_team(request.user, team_id, Right.OWN)
    if wait := throttling.take(f"key-test:{team.pk}", TESTS):
        messages.error(request, _("Too many tests. Try again in %(n)s seconds.") % {"n": round(wait) + 1})
        return _back(team, "key")
    try:
        endpoint = accounts.of_team(team.pk)
    except ProviderError as error:
        messages.error(request, f"{_(error.message)} {_(error.next_step)}")
        return _back(team, "key")
    if endpoint is None:
        messages.error(request, _("There is no key to test. Enter one first."))
        return _back(team, "key")
    steps = async_to_sync(trial.run)(endpoint)
    engine_settings.keep_test(team, request.user, steps)
    return _team_page(request, team, 200, test_steps=shown_steps([step.to_dict() for step in steps]))


@require_POST
@login_required
def defaults(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/defaults``: what new transcripts begin with."""
    team = access.get_team(request.user, team_id, Right.MANAGE)
    form = DefaultsForm(request.POST)
    if not form.is_valid():
        return _team_page(request, team, 422, defaults=form)
    engine_settings.set_defaults(team, request.user, **form.cleaned_data)
    messages.success(request, _("Saved."))
    return _back(team, "defaults")


@require_POST
@login_required
def limit(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/limit``: how much of the hosted engine the team may use in a month."""
    team = access.get_team(request.user, team_id, Right.OWN)
    form = LimitForm(request.POST)
    if not form.is_valid():
        return _team_page(request, team, 422, limit_form=form)
    engine_settings.set_limit(
        team, request.user, form.cleaned_data["limit"], LimitUnit(form.cleaned_data["limit_unit"])
    )
    messages.success(request, _("Saved."))
    return _back(team, "usage")


def _back(team: Team, anchor: str) -> HttpResponse:
    response = redirect("team-settings", team.pk)
    response["Location"] += f"#{anchor}"
    return response
