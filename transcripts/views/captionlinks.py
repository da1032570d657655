"""Public caption links: the page where a team makes and takes them back, and the page that they lead to."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render, resolve_url
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from transcripts import access, sharing
from transcripts.access import Right
from transcripts.live import doorstep
from transcripts.live.captions import last_text
from transcripts.models import CaptionLink, Transcript
from transcripts.views.shell import PersonRequest

#: How long a link may live, as people choose it.
HOURS, DAYS = (1, 4, 12), (1, 7, 30)


def lives() -> list[tuple[int, str]]:
    """The choices in hours, in the reader's language."""
    hours = [(n, ngettext("%(n)s hour", "%(n)s hours", n) % {"n": n}) for n in HOURS]
    return hours + [(n * 24, ngettext("%(n)s day", "%(n)s days", n) % {"n": n}) for n in DAYS]


class LinkForm(forms.Form):
    """What a new link is made from."""

    hours = forms.TypedChoiceField(label=gettext_lazy("Ends after"), choices=lives, coerce=int, initial=4)
    delay = forms.IntegerField(
        label=gettext_lazy("Delay in seconds"),
        min_value=0,
        max_value=sharing.LONGEST_DELAY,
        initial=0,
        help_text=gettext_lazy("Text leaves this server so long after it was recognised. 0 to 300."),
    )


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def share(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/share``: the links of a transcript; a POST makes one and shows its address, this once."""
    transcript = access.get_transcript(request.user, transcript_id, Right.CONTROL)
    form = LinkForm(request.POST or None)
    fresh = ""
    if request.method == "POST" and form.is_valid():
        fresh = _make(request, transcript, form)
    return _page(request, transcript, form, fresh)


def _make(request: PersonRequest, transcript: Transcript, form: LinkForm) -> str:
    """The token of a new link, or nothing and a sentence in the form."""
    wanted = form.cleaned_data
    try:
        return sharing.make_link(transcript, request.user, wanted["hours"], wanted["delay"])[1]
    except sharing.TooManyLinks:
        form.add_error(None, _("This transcript has as many links as it may have. Take one back first."))
        return ""


def _page(request: PersonRequest, transcript: Transcript, form: LinkForm, fresh: str) -> HttpResponse:
    links = CaptionLink.objects.alive().filter(transcript=transcript).select_related("created_by")
    names = {"page": "public_captions", "overlay": "public_overlay"} if fresh else {}
    addresses = {what: request.build_absolute_uri(resolve_url(name, fresh)) for what, name in names.items()}
    context = {"transcript": transcript, "form": form, "links": links, "addresses": addresses}
    response = render(request, "transcripts/share.html", context, status=422 if form.errors else 200)
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@login_required
def unshare(request: PersonRequest, transcript_id: UUID, link_id: UUID) -> HttpResponse:
    """Take a link back."""
    transcript = access.get_transcript(request.user, transcript_id, Right.CONTROL)
    sharing.revoke(get_object_or_404(CaptionLink, pk=link_id, transcript=transcript), request.user)
    messages.success(request, _("The link shows nothing any more."))
    return redirect("share", transcript.pk)


@require_safe
def public(request: HttpRequest, token: str, *, overlay: bool = False) -> HttpResponse:
    """``/c/<token>``: captions for whoever has the link; ``/c/<token>/overlay`` for a video mixer. No account."""
    if not doorstep.captions.admits(request.META.get("REMOTE_ADDR", "")):
        return _too_many()
    link = sharing.find(token)
    if link is None:
        raise Http404("No such link.")
    text, language = last_text(link)
    config = {"socket": f"/ws/c/{token}/", "public": True, "overlay": overlay, "after": 0, "final": [], "looks": {}}
    context: dict[str, Any] = {"text": text, "language": language, "overlay": overlay, "config": config}
    response = render(request, "transcripts/public_captions.html", context)
    return _unshared(response)


def _unshared(response: HttpResponse) -> HttpResponse:
    """The address is the key: kept out of caches, search engines and the addresses that other sites are told."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _too_many() -> HttpResponse:
    # Without the request: nobody's session is looked up for who comes too often.
    response = HttpResponse(render_to_string("429.html"), status=429)
    response["Retry-After"] = "5"
    return response
