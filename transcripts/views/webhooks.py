"""The webhooks of a team: make, change, try out, rotate, and the log of what was sent."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from asgiref.sync import async_to_sync
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from transcripts import access
from transcripts.access import Right
from transcripts.media.errors import BlockedUrl
from transcripts.models import Delivery, Team, Webhook
from transcripts.outward_forms import WebhookForm
from transcripts.views.shell import PersonRequest
from transcripts.webhooks import managing
from transcripts.webhooks.queueing import USUAL
from transcripts.webhooks.sending import Outcome

ROWS = 50
#: The beginning of a code -> the step of a delivery that failed.
STEPS = (
    ("sealed", gettext_lazy("Opening the secret")),
    ("url", gettext_lazy("Judging the address")),
    ("dns", gettext_lazy("Looking up the name")),
    ("source_not_found", gettext_lazy("Looking up the name")),
    ("source_tls", gettext_lazy("Agreeing on a secure connection")),
    ("source_unreachable", gettext_lazy("Connecting")),
    ("receiver", gettext_lazy("The receiver's answer")),
    ("source", gettext_lazy("Waiting for the answer")),
)


def step_of(code: str) -> str:
    """Which step of a delivery ended with ``code``."""
    return next((str(step) for start, step in STEPS if code.startswith(start)), "")


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def listing(request: PersonRequest, team_id: UUID) -> HttpResponse:
    """``/team/<id>/webhooks``: all of them, and the form for a new one; its secret is in the answer, this once."""
    team = access.get_team(request.user, team_id, Right.MANAGE)
    form = WebhookForm(request.POST or None, initial={"events": [event.value for event in USUAL]})
    fresh = _make(request, team, form) if request.method == "POST" and form.is_valid() else ""
    if fresh:
        form = WebhookForm(initial={"events": [event.value for event in USUAL]})
    hooks = Webhook.objects.filter(team=team).defer("secret", "old_secret")
    return _page(request, "webhooks", {"managed": team, "form": form, "hooks": hooks, "fresh": fresh})


def _make(request: PersonRequest, team: Team, form: WebhookForm) -> str:
    """The secret of a new webhook, or nothing and a sentence in the form."""
    data = form.cleaned_data
    try:
        return managing.make(team, request.user, data["url"], data["description"], data["events"])[1]
    except BlockedUrl as error:
        form.add_error("url", f"{_(error.message)} {_(error.next_step) if error.next_step else ''}".strip())
    except managing.TooManyWebhooks:
        form.add_error(None, _("This team has as many webhooks as it may have. Delete one first."))
    return ""


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def detail(request: PersonRequest, team_id: UUID, hook_id: UUID) -> HttpResponse:
    """``/team/<id>/webhooks/<id>``: change it, and its log."""
    team, hook = _reach(request, team_id, hook_id)
    form = WebhookForm(request.POST) if request.method == "POST" else _form_of(hook)
    if request.method == "POST" and form.is_valid() and _change(request, hook, form):
        messages.success(request, _("Saved."))
        return redirect("webhook", team.pk, hook.pk)
    return _detail(request, team, hook, form)


def _reach(request: PersonRequest, team_id: UUID, hook_id: UUID) -> tuple[Team, Webhook]:
    team = access.get_team(request.user, team_id, Right.MANAGE)
    return team, get_object_or_404(Webhook.objects.defer("secret", "old_secret"), pk=hook_id, team=team)


def _form_of(hook: Webhook) -> WebhookForm:
    values = {"url": hook.url, "description": hook.description, "events": hook.events, "enabled": hook.is_enabled}
    return WebhookForm(initial=values)


def _change(request: PersonRequest, hook: Webhook, form: WebhookForm) -> bool:
    data = form.cleaned_data
    try:
        managing.change(hook, request.user, data["url"], data["description"], data["events"], enabled=data["enabled"])
    except BlockedUrl as error:
        form.add_error("url", f"{_(error.message)} {_(error.next_step) if error.next_step else ''}".strip())
        return False
    return True


def _detail(
    request: PersonRequest, team: Team, hook: Webhook, form: WebhookForm | None = None, **more: Any
) -> HttpResponse:
    page = Paginator(Delivery.objects.filter(webhook=hook), ROWS).get_page(request.GET.get("page"))
    for row in page:
        row.body = json.dumps(row.payload, ensure_ascii=False, indent=2)  # type: ignore[attr-defined]
        row.step = step_of(row.code)  # type: ignore[attr-defined]
    return _page(
        request, "webhook", {"managed": team, "hook": hook, "form": form or _form_of(hook), "log": page, **more}
    )


def _page(request: PersonRequest, name: str, context: dict[str, Any]) -> HttpResponse:
    response = render(request, f"transcripts/team/{name}.html", context, status=422 if context["form"].errors else 200)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@login_required
def test(request: PersonRequest, team_id: UUID, hook_id: UUID) -> HttpResponse:
    """Send a test message now and say which step failed, if one did."""
    team, hook = _reach(request, team_id, hook_id)
    outcome: Outcome = async_to_sync(managing.test)(hook)
    return _detail(request, team, hook, tested=outcome, step=step_of(outcome.code))


@require_POST
@login_required
def rotate(request: PersonRequest, team_id: UUID, hook_id: UUID) -> HttpResponse:
    """Another secret, shown this once; the earlier one signs too for a day."""
    team, hook = _reach(request, team_id, hook_id)
    return _detail(request, team, hook, fresh=managing.rotate(hook, request.user))


@require_POST
@login_required
def delete(request: PersonRequest, team_id: UUID, hook_id: UUID) -> HttpResponse:
    """Delete it with its log."""
    team, hook = _reach(request, team_id, hook_id)
    managing.remove(hook, request.user)
    messages.success(request, _("The webhook was deleted."))
    return redirect("team-webhooks", team.pk)


@require_POST
@login_required
def resend(request: PersonRequest, team_id: UUID, hook_id: UUID, delivery_id: int) -> HttpResponse:
    """Send one message again."""
    team, hook = _reach(request, team_id, hook_id)
    managing.resend(get_object_or_404(Delivery, pk=delivery_id, webhook=hook))
    messages.success(request, _("It is sent again within seconds."))
    return redirect("webhook", team.pk, hook.pk)
