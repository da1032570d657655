"""Doing something to the selected rows of a list, after a page that asks; and saying what was left out, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.response import TemplateResponse
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from transcripts.admin.lists import AnyModelAdmin
from transcripts.exports import FORMATS
from transcripts.models import IllegalTransition, Transcript
from transcripts.reviewing.errors import NoReason, ReviewError
from transcripts.services import Approved

#: Most rows that one action takes.
MOST_ROWS = 500
UNFIT = gettext_lazy("its state does not allow that")


@dataclass(frozen=True, slots=True)
class Deed:
    """What is asked before it is done, what the page wants to know, and what is said of rows that it does not fit.

    ``change`` gets a row, who does it and the reason; it raises ReviewError or IllegalTransition where it does not fit.
    """

    action: str
    question: str | Promise
    change: Callable[[Transcript, User, str], None]
    unfit: str | Promise = UNFIT
    wants_reason: bool = False


def confirmed(page: AnyModelAdmin, request: HttpRequest, chosen: QuerySet[Any], deed: Deed) -> HttpResponse | None:
    """Ask first; when it was answered, do it to each and say how many took it and why the others did not."""
    transcripts = few(page, request, chosen)
    if transcripts is None:
        return None
    if not request.POST.get("confirmed"):
        return ask(page, request, transcripts, deed.action, deed.question, wants_reason=deed.wants_reason)
    reason = request.POST.get("reason", "").replace("\x00", "")
    if deed.wants_reason and not reason.strip():
        page.message_user(request, str(NoReason()), messages.ERROR)
        return ask(page, request, transcripts, deed.action, deed.question, wants_reason=True)
    _apply(page, request, transcripts, deed, reason)
    return None


def few(page: AnyModelAdmin, request: HttpRequest, chosen: QuerySet[Any]) -> list[Transcript] | None:
    """The rows, or None after saying that they are too many; never reads more than one too many."""
    # A sliced query set: "all rows of the list" may be all rows of the table.
    rows = list(chosen[: MOST_ROWS + 1])
    if len(rows) <= MOST_ROWS:
        return rows
    page.message_user(request, gettext("Choose at most %d transcripts.") % MOST_ROWS, messages.ERROR)
    return None


def ask(
    page: AnyModelAdmin,
    request: HttpRequest,
    chosen: Sequence[Transcript],
    action: str,
    question: str | Promise,
    *,
    wants_reason: bool = False,
    wants_format: bool = False,
) -> HttpResponse:
    """The page that names the rows and asks."""
    context: dict[str, Any] = {
        **page.admin_site.each_context(request),
        "title": question,
        "action": action,
        "chosen": chosen,
        "opts": page.opts,
        "media": page.media,
        "checkbox": ACTION_CHECKBOX_NAME,
        "wants_reason": wants_reason,
        "formats": FORMATS.values() if wants_format else (),
    }
    return TemplateResponse(request, "admin/transcripts/confirm.html", context)


def _apply(page: AnyModelAdmin, request: HttpRequest, chosen: Sequence[Transcript], deed: Deed, reason: str) -> None:
    person = request.user
    if not isinstance(person, User):
        return
    done, left = 0, Counter[str]()
    for transcript in chosen:
        try:
            deed.change(transcript, person, reason)
            done += 1
        except IllegalTransition as error:
            left[error.message if isinstance(error, Approved) else str(deed.unfit)] += 1
        except ReviewError as error:
            left[str(error)] += 1
    if done:
        page.message_user(request, ngettext("%d transcript changed.", "%d transcripts changed.", done) % done)
    for why, count in left.items():
        text = ngettext("%(n)s left out: %(why)s", "%(n)s left out: %(why)s", count)
        page.message_user(request, text % {"n": count, "why": why}, messages.WARNING)


def download(response: HttpResponseBase, name: str) -> HttpResponseBase:
    """As a file of this name, kept by nobody on the way."""
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response
