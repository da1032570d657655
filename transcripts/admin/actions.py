"""Doing something to the selected rows of a list, after a page that asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext, ngettext

from transcripts.admin.lists import AnyModelAdmin
from transcripts.models import IllegalTransition, Transcript

#: Most rows that one action takes.
MOST_ROWS = 500


def confirmed(
    page: AnyModelAdmin,
    request: HttpRequest,
    chosen: Iterable[Transcript],
    action: str,
    question: str,
    change: Callable[[Transcript], None],
) -> HttpResponse | None:
    """Ask ``question`` first; when it was answered, do ``change`` to each and say how many took it."""
    transcripts = list(chosen)
    if len(transcripts) > MOST_ROWS:
        page.message_user(request, gettext("Choose at most %d transcripts.") % MOST_ROWS, messages.ERROR)
        return None
    if request.POST.get("confirmed"):
        _apply(page, request, transcripts, change)
        return None
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "title": question,
        "action": action,
        "chosen": transcripts,
        "opts": page.opts,
        "media": page.media,
        "checkbox": ACTION_CHECKBOX_NAME,
    }
    return TemplateResponse(request, "admin/transcripts/confirm.html", context)


def _apply(
    page: AnyModelAdmin, request: HttpRequest, chosen: Iterable[Transcript], change: Callable[[Transcript], None]
) -> None:
    done = refused = 0
    for transcript in chosen:
        try:
            change(transcript)
            done += 1
        except IllegalTransition:
            refused += 1
    if done:
        page.message_user(request, ngettext("%d transcript changed.", "%d transcripts changed.", done) % done)
    if refused:
        text = ngettext("%d was left as it is: its state does not allow that.", "%d were left as they are.", refused)
        page.message_user(request, text % refused, messages.WARNING)
