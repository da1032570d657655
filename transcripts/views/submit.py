"""Starting something: links and uploads from the form, and the sample with one click."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render, resolve_url
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_http_methods, require_POST

from transcripts import limits, services, submitting
from transcripts.access import Right
from transcripts.episodes import may_be_feed
from transcripts.forms import SubmitForm, first_errors
from transcripts.media.errors import StorageError
from transcripts.media.sample import find_sample
from transcripts.media.storage import Stored
from transcripts.models import Engine, SourceKind, Transcript
from transcripts.phrases import say_all
from transcripts.services import Submission
from transcripts.titling import title_of_file, title_of_link
from transcripts.views import feed, presets, recordings
from transcripts.views.shell import TeamRequest, in_team

logger = logging.getLogger(__name__)

#: What the samples show: words that appear as they are spoken; a silence that is passed quickly; and how a recording
#: goes as fast as the engine can.
SAMPLES: dict[str, dict[str, Any]] = {
    "speech": {"pace": 1.0, "preset": "live"},
    "pause": {"sample": "pause", "pace": 4.0, "preset": "live"},
    "long": {"sample": "long"},
}


#: Links that are looked at before they are taken, because they may be feeds: each costs seconds.
MOST_LOOKS = 3

#: What the fields of a form may add to its files, in bytes.
FORM_BYTES = 2 * 1024 * 1024


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Writes uploads to disk, and stops reading a request whose files together pass the operator's limit."""

    def __init__(self, request: HttpRequest | None = None) -> None:
        super().__init__(request)
        self._received = 0
        self.exceeded = False

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        """Count, then write as usual. Raises StopUpload."""
        self._received += len(raw_data)
        if self._received > settings.STTWEB_MAX_MEDIA_BYTES:
            self.exceeded = True
            raise StopUpload(connection_reset=True)
        return super().receive_data_chunk(raw_data, start)


# CSRF's own check would read the whole body before anyone was asked who they are; so it waits until that is known.
@csrf_exempt
@require_http_methods(["GET", "HEAD", "POST"])
@in_team(Right.SUBMIT)
def new(request: TeamRequest) -> HttpResponse:
    """``/new``: the form, and what it makes: one transcript a link or file."""
    if request.method != "POST":
        initial = presets.initial_of(request.team, presets.chosen_by(request))
        return _show(request, SubmitForm(team=request.team, initial={**initial, "links": request.GET.get("links", "")}))
    if int(request.META.get("CONTENT_LENGTH") or 0) > settings.STTWEB_MAX_MEDIA_BYTES + FORM_BYTES:
        return _show(request, _too_large(SubmitForm(data={}, team=request.team)), status=413)
    handler = BoundedUploadHandler(request)
    request.upload_handlers = [handler]
    return _take(request, handler)


@csrf_protect
def _take(request: TeamRequest, handler: BoundedUploadHandler) -> HttpResponse:
    form = SubmitForm(request.POST, _by_list(request), team=request.team)
    if handler.exceeded:
        return _show(request, _too_large(form), status=413)
    if form.is_valid() and (feeds := _feeds_in(request, form)):
        if len(form.cleaned_data["links"]) == 1 and not form.cleaned_data["uploads"]:
            return JsonResponse({"location": feeds[0]}) if _wants_json(request) else redirect(feeds[0])
        form.add_error("links", _("One of the links is a podcast feed. Choose its episodes on a page of their own."))
    if form.is_valid():
        try:
            data = form.cleaned_data
            services.require_room(request.user, len(data["links"]) + len(data["uploads"]))
        except services.TooMany as refusal:
            form.add_error(None, f"{refusal.message} {refusal.next_step}")
            return _show(request, form, status=429)
        made = _submit_all(request, form)
        if made:
            return _go(request, made)
    return _show(request, form, status=507 if form.has_error("uploads", "disk_full") else 422)


def _feeds_in(request: TeamRequest, form: SubmitForm) -> list[str]:
    """The pages of those links that are feeds, for who has no script that says so before."""
    links = [link for link in form.cleaned_data["links"] if may_be_feed(link)]
    return [page for link in links[:MOST_LOOKS] if (page := feed.page_of(request, link))]


def _too_large(form: SubmitForm) -> SubmitForm:
    form.errors.clear()
    limit = filesizeformat(settings.STTWEB_MAX_MEDIA_BYTES)
    form.add_error("uploads", _("That is more than %(limit)s, the most at once.") % {"limit": limit})
    return form


def _by_list(request: TeamRequest) -> Any:
    """Django's form reads one file a field; this one reads them all."""
    return {"uploads": request.FILES.getlist("uploads")}


def _show(request: TeamRequest, form: SubmitForm, status: int = 200) -> HttpResponse:
    if _wants_json(request) and form.errors:
        return JsonResponse({"errors": first_errors(form)}, status=status)
    context = {
        "form": form,
        "max_bytes": settings.STTWEB_MAX_MEDIA_BYTES,
        "price": settings.STTWEB_HOSTED_PRICE,
        "standing": limits.standing(request.team.pk),
        "lost_files": [name for file in form.files.get("uploads", ()) if (name := title_of_file(file.name or ""))],
        **presets.listed(request, presets.chosen_by(request)),
    }
    return render(request, "transcripts/new.html", context, status=status)


def _wants_json(request: TeamRequest) -> bool:
    """The upload script asks, because it shows progress and stays on the page when something is wrong."""
    return request.headers.get("Accept") == "application/json"


def _submit_all(request: TeamRequest, form: SubmitForm) -> list[Transcript]:
    """Store the files, then make all rows in one transaction. On a full disk and the like nothing is made."""
    kept: list[tuple[str, Stored]] = []
    try:
        for file in form.cleaned_data["uploads"]:
            kept.append((file.name or "", recordings.keep(_pieces(file), file.size or 0)))
    except StorageError as error:
        for _name, stored in kept:
            recordings.remove(stored.key)
        form.add_error("uploads", ValidationError(say_all(error.message, error.next_step), code=error.code))
        return []
    try:
        return submitting.submit_all(request.team, request.user, _submissions(form, kept))
    except (services.TooMany, limits.LimitReached) as refusal:
        # Somebody was faster since the form was judged.
        for _name, stored in kept:
            recordings.remove(stored.key)
        form.add_error(None, f"{refusal.message} {refusal.next_step}")
        return []


def _pieces(file: UploadedFile[Any]) -> Iterator[bytes]:
    yield from file.chunks(1024 * 1024)


def _submissions(form: SubmitForm, kept: list[tuple[str, Stored]]) -> Iterator[Submission]:
    data = form.cleaned_data
    shared: dict[str, Any] = {
        "engine": Engine(data["engine"]),
        "language": data["language"],
        "options": form.options(),
    }
    for url in data["links"]:
        yield Submission(title=title_of_link(url), kind=SourceKind.URL, url=url, **shared)
    for name, stored in kept:
        yield Submission(
            title=title_of_file(name) or _("Recording"),
            kind=SourceKind.UPLOAD,
            media_key=stored.key,
            media_bytes=stored.size,
            media_sha256=stored.sha256,
            **shared,
        )


def _go(request: TeamRequest, made: list[Transcript]) -> HttpResponse:
    if len(made) == 1:
        target = resolve_url("session", made[0].pk)
    else:
        target = resolve_url("board")
        count = len(made)
        messages.success(
            request, ngettext("%(n)s transcript queued.", "%(n)s transcripts queued.", count) % {"n": count}
        )
    return JsonResponse({"location": target}) if _wants_json(request) else redirect(target)


@require_POST
@in_team(Right.SUBMIT)
def sample(request: TeamRequest) -> HttpResponse:
    """``/sample``: transcribe the recording that an installed package carries, or what is made of it (``name``, a key
    of SAMPLES); works offline."""
    found = find_sample()
    if found is None:
        messages.error(request, _("The sample recording is not installed. Upload a recording of your own instead."))
        return redirect("board")
    options = SAMPLES.get(request.POST.get("name", ""), SAMPLES["speech"])
    submission = Submission(
        title=found.title, kind=SourceKind.SAMPLE, engine=Engine(settings.STTWEB_ENGINE), options=options
    )
    try:
        (made,) = submitting.submit_all(request.team, request.user, [submission])
    except (services.TooMany, limits.LimitReached) as refusal:
        messages.error(request, f"{refusal.message} {refusal.next_step}")
        return redirect("board")
    return redirect("session", made.pk)
