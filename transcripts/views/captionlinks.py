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
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from sttweb.visiting import current_address
from transcripts import access, captionlocks, qr, sharing
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
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        min_length=6,
        max_length=128,
        help_text=gettext_lazy("Left empty, the link alone is enough. Tell it to your readers yourself."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def share(request: PersonRequest, transcript_id: UUID) -> HttpResponse:
    """``/s/<id>/share``: the links of a transcript; a POST makes one and shows its address, this once."""
    transcript = access.get_transcript(request.user, transcript_id, Right.CONTROL)
    form = LinkForm(request.POST or None)
    fresh = ""
    if request.method == "POST" and form.is_valid():
        fresh = _make(request, transcript, form)
        # The next link begins anew: no password stays in the page.
        form = LinkForm() if fresh else form
    return _page(request, transcript, form, fresh)


def _make(request: PersonRequest, transcript: Transcript, form: LinkForm) -> str:
    """The token of a new link, or nothing and a sentence in the form."""
    wanted = form.cleaned_data
    try:
        made = sharing.make_link(transcript, request.user, wanted["hours"], wanted["delay"], wanted["password"])
        return made[1]
    except sharing.TooManyLinks:
        form.add_error(None, _("This transcript has as many links as it may have. Take one back first."))
        return ""


def _page(request: PersonRequest, transcript: Transcript, form: LinkForm, fresh: str) -> HttpResponse:
    links = CaptionLink.objects.alive().filter(transcript=transcript).select_related("created_by")
    names = {"page": "public_captions", "overlay": "public_overlay"} if fresh else {}
    addresses = {what: request.build_absolute_uri(resolve_url(name, fresh)) for what, name in names.items()}
    picture = qr.code(addresses["page"]) if fresh else None
    context = {"transcript": transcript, "form": form, "links": links, "addresses": addresses, "qr": picture}
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


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
def public(request: HttpRequest, token: str, *, overlay: bool = False) -> HttpResponse:
    """``/c/<token>``: captions for whoever has the link; ``/c/<token>/overlay`` for a video mixer. No account; a POST
    brings the ``password`` of a link that has one."""
    if not doorstep.captions.admits(current_address() or ""):
        return _too_many()
    link = sharing.find(token)
    if link is None:
        raise Http404("No such link.")
    if request.method == "POST":
        # Without a referrer browsers send forms with the origin null, which are refused as another site's.
        return _unshared(_unlock(request, link), "same-origin")
    if not captionlocks.is_open(link, request.COOKIES):
        return _unshared(_ask(request), "same-origin")
    text, language = last_text(link)
    config = {"socket": f"/ws/c/{token}/", "public": True, "overlay": overlay, "after": 0, "final": [], "looks": {}}
    context: dict[str, Any] = {"text": text, "language": language, "overlay": overlay, "config": config}
    return _unshared(render(request, "transcripts/public_captions.html", context))


def _unlock(request: HttpRequest, link: CaptionLink) -> HttpResponse:
    """The page itself for the right password, else the question again."""
    given = request.POST.get("password", "")[:128]
    try:
        granted = captionlocks.unlock(link, given, current_address() or "") if link.password else ""
    except captionlocks.WrongPassword:
        return _ask(request, _("That is not the password. Ask whoever gave you the link."), 403)
    except captionlocks.TooManyGuesses as error:
        seconds = max(round(error.wait), 1)
        sentence = ngettext("Too many wrong passwords. Try again in %(n)s second.",
                            "Too many wrong passwords. Try again in %(n)s seconds.", seconds)  # fmt: skip
        response = _ask(request, sentence % {"n": seconds}, 429)
        response["Retry-After"] = str(seconds)
        return response
    response = redirect(request.path)
    if granted:
        name, until = captionlocks.cookie_of(link), link.expires_at
        response.set_cookie(name, granted, expires=until, secure=request.is_secure(), httponly=True, samesite="Lax")
    return response


def _ask(request: HttpRequest, problem: str = "", status: int = 200) -> HttpResponse:
    return render(request, "transcripts/caption_password.html", {"problem": problem}, status=status)


def _unshared(response: HttpResponse, referrer: str = "no-referrer") -> HttpResponse:
    """The address is the key: kept out of caches, search engines and the addresses that other sites are told."""
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = referrer
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response


def _too_many() -> HttpResponse:
    # Without the request: nobody's session is looked up for who comes too often.
    response = HttpResponse(render_to_string("429.html"), status=429)
    response["Retry-After"] = "5"
    return response
