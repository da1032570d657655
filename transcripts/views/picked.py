"""What is done to the transcripts that were ticked in the library: row by row, as far as role and state allow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from transcripts import access, auditing, exporting, services, tagging
from transcripts.access import Right
from transcripts.exports import FORMATS
from transcripts.models import FINAL, Act, IllegalTransition, State, Tagging, Transcript
from transcripts.models.tag import tag_key
from transcripts.upkeep import deleting
from transcripts.views import looks
from transcripts.views.exports import read_options
from transcripts.views.shell import TeamRequest, in_team

#: Most transcripts that one request takes.
MOST = 100

NO_RIGHT = gettext_lazy("your role does not allow it")
GONE = gettext_lazy("not there any more")
APPROVED = gettext_lazy("approved, so nothing may be added")


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that can be done to a row: the right for it, and what is said of rows that it does not fit."""

    right: Right
    unfit: str | Promise = ""


DEEDS = {
    "tag": Deed(Right.EDIT, gettext_lazy("tagged so already")),
    "untag": Deed(Right.EDIT, gettext_lazy("without that tag")),
    "export": Deed(Right.SEE),
    "retry": Deed(Right.CONTROL, gettext_lazy("nothing to try again")),
    "cancel": Deed(Right.CONTROL, gettext_lazy("ended already")),
    "forget": Deed(Right.DELETE, gettext_lazy("it has not ended, or has no recording")),
    "delete": Deed(Right.DELETE, gettext_lazy("still running")),
}
#: Deeds for good, which are asked about first.
FOR_GOOD = ("forget", "delete")


#: What the audit record is told of rows done together; each deletion tells of itself.
RECORDED = {"retry": Act.RETRIED, "cancel": Act.CANCELLED}


@dataclass(slots=True)
class Picked:
    """The rows that a deed fits, and how many others were left out and why."""

    rows: list[Transcript] = field(default_factory=list)
    skipped: Counter[str | Promise] = field(default_factory=Counter)

    def drop(self, row: Transcript, why: str | Promise) -> None:
        """Leave one out after all."""
        self.rows.remove(row)
        self.skipped[why] += 1

    def sentence(self) -> str:
        """``12 done, 1 skipped: still running.``"""
        parts = [ngettext("%(n)s done", "%(n)s done", len(self.rows)) % {"n": len(self.rows)}]
        parts += [
            ngettext("%(n)s skipped: %(why)s", "%(n)s skipped: %(why)s", count) % {"n": count, "why": why}
            for why, count in self.skipped.items()
        ]
        return f"{', '.join(parts)}."


@require_POST
@in_team()
def picked(request: TeamRequest) -> HttpResponseBase:
    """``/picked``: ``pick`` (ids), ``do`` (a key of DEEDS), ``back`` (the library's query string) and what the deed
    wants: ``tag``, or ``format`` with the options of an export, or ``sure`` for what is done for good."""
    do, ids = request.POST.get("do", ""), _ids(request.POST.getlist("pick"))
    if do not in DEEDS or not ids:
        messages.warning(request, _("Nothing was done: tick some transcripts first, then choose what to do."))
        return _back(request)
    if len(ids) > MOST:
        messages.warning(request, _("Nothing was done: tick at most %(most)s transcripts.") % {"most": MOST})
        return _back(request)
    found = _pick(request, ids, do)
    if do == "export":
        return _export(request, found)
    if do in FOR_GOOD and "sure" not in request.POST:
        return _ask(request, do, found)
    return _act(request, do, found)


def _ids(texts: Sequence[str]) -> list[UUID]:
    """The ids among what was sent, each once."""
    ids: dict[UUID, None] = {}
    for text in texts[: MOST * 2]:
        try:
            ids[UUID(text)] = None
        except ValueError:
            continue
    return list(ids)


def _pick(request: TeamRequest, ids: Sequence[UUID], do: str) -> Picked:
    """The rows that the person may see, without those that the deed is not for."""
    rows = list(access.transcripts_of(request.user).filter(pk__in=ids).order_by("-created_at", "-id"))
    found = Picked(rows)
    if len(rows) < len(ids):
        found.skipped[GONE] += len(ids) - len(rows)
    rights = access.rights_in(request.user, {row.team_id for row in rows})
    fits = _fits(do, tag_key(request.POST.get("tag", "")), rows)
    for row in tuple(rows):
        if DEEDS[do].right not in rights.get(row.team_id, ()):
            found.drop(row, NO_RIGHT)
        elif not fits(row):
            found.drop(row, DEEDS[do].unfit)
    return found


def _fits(do: str, key: str, rows: Sequence[Transcript]) -> Callable[[Transcript], bool]:
    if do in looks.CONTROLS:
        return lambda row: State(row.state) in looks.CONTROLS[do]
    if do == "forget":
        return lambda row: State(row.state) in FINAL and bool(row.media_key or row.is_kept)
    if do in {"tag", "untag"}:
        tagged = set(Tagging.objects.filter(transcript__in=rows, tag__key=key).values_list("transcript", flat=True))
        return lambda row: (row.pk in tagged) == (do == "untag")
    return lambda row: True


def _act(request: TeamRequest, do: str, found: Picked) -> HttpResponse:
    try:
        _DO[do](request, found)
    except tagging.TagRefused as refused:
        messages.warning(request, str(refused))
        return _back(request)
    if do in RECORDED:
        for row in found.rows:
            auditing.record(RECORDED[do], actor=request.user, team=row.team_id, target=row, bulk=len(found.rows))
    (messages.success if found.rows else messages.warning)(request, found.sentence())
    return _back(request)


def _one_by_one(act: Callable[[Transcript], None], do: str) -> Callable[[TeamRequest, Picked], None]:
    def run(request: TeamRequest, found: Picked) -> None:
        for row in tuple(found.rows):
            try:
                act(row)
            except IllegalTransition as refusal:
                found.drop(row, APPROVED if isinstance(refusal, services.Approved) else DEEDS[do].unfit)

    return run


def _delete(request: TeamRequest, found: Picked) -> None:
    # Counted by title: a row that is deleted has no id any more.
    for row in found.rows:
        deleting.delete(request.user, row)


def _forget(request: TeamRequest, found: Picked) -> None:
    for row in tuple(found.rows):
        if not deleting.delete_recording(request.user, row):
            found.drop(row, DEEDS["forget"].unfit)


def _tag(request: TeamRequest, found: Picked) -> None:
    tagging.put(found.rows, request.POST.get("tag", ""))


def _untag(request: TeamRequest, found: Picked) -> None:
    tagging.take(found.rows, request.POST.get("tag", ""))


_DO: dict[str, Callable[[TeamRequest, Picked], None]] = {
    "tag": _tag,
    "untag": _untag,
    "retry": _one_by_one(services.retry, "retry"),
    "cancel": _one_by_one(services.cancel, "cancel"),
    "forget": _forget,
    "delete": _delete,
}


def _ask(request: TeamRequest, do: str, found: Picked) -> HttpResponse:
    """A page that names what is about to be deleted for good, whole or the recording alone."""
    if not found.rows:
        messages.warning(request, found.sentence())
        return _back(request)
    context = {"do": do, "rows": found.rows, "skipped": found.skipped.items(), "back": _query(request)}
    return render(request, "transcripts/picked_delete.html", context)


def _back(request: TeamRequest) -> HttpResponse:
    query = _query(request)
    return redirect(f"{reverse('library')}?{query}" if query else reverse("library"))


def _query(request: TeamRequest) -> str:
    """The library's query string: read and written again, so that it can only be one."""
    return QueryDict(request.POST.get("back", "")[:2000]).urlencode()


def _export(request: TeamRequest, found: Picked) -> HttpResponseBase:
    name = request.POST.get("format", "txt")
    if name not in FORMATS or not found.rows:
        messages.warning(request, _("Nothing was exported: choose a format and transcripts that are there."))
        return _back(request)
    options = read_options(request.POST, name)
    for team in {row.team_id for row in found.rows}:
        rows = [row for row in found.rows if row.team_id == team]
        ids = [str(row.pk) for row in rows]
        auditing.record(Act.EXPORTED, actor=request.user, team=team, format=name, number=len(rows), transcripts=ids)
    response = StreamingHttpResponse(exporting.zipped(found.rows, name, options), content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="transcripts-{localdate():%Y-%m-%d}-{name}.zip"'
    response["Cache-Control"] = "private, no-store"
    return response
