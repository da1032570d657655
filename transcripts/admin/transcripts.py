"""Saved transcripts in the admin: find, read in place, approve, return, retry, cancel, export, erase.

The title may be edited; everything else is written by the log and only shown.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.urls import reverse
from django.utils.timezone import localdate
from django.utils.translation import gettext_lazy as _

from transcripts import access, auditing, exporting, search, services
from transcripts.admin import deeds, reading
from transcripts.admin.actions import ask, confirmed, download, few
from transcripts.admin.filters import ByConfidence, ByFlag, ByReview
from transcripts.admin.lists import FastAdmin
from transcripts.exports import DEFAULT, FORMATS
from transcripts.exports.clock import brief
from transcripts.media.pcm import samples_to_ms
from transcripts.models import Act, Event, Segment, SourceKind, Transcript

#: How many transcripts a search finds, the newest first.
SEARCH_FOUND = 500

ABOUT = ["team", "created_by", "state", "cause", "length", "missing"]
SOURCE = ["source_kind", "source_url", "published_at", "media_bytes", "media_sha256", "is_live"]
ENGINE = ["engine", "language", "options", "billed"]
WORK = ["worker", "epoch", "lease_until", "not_before", "attempts", "crash_claims", "control"]
LOG = ["last_seq", "committed_samples", "segment_count", "created_at", "started_at", "finished_at"]


@admin.register(Transcript)
class TranscriptAdmin(FastAdmin):
    """Transcripts of all teams."""

    list_display = ["title", "team", "state", "source_kind", "engine", "length", "stands", "flags_left", "created_at"]
    list_filter = ["state", ByReview, ByFlag, ByConfidence, "source_kind", "engine", "is_live", "created_at", "team"]
    list_select_related = ["team", "review", "scan"]
    search_fields = ["title"]
    search_help_text = _("Words of what was said, of the title or the link; or an id. Finds the newest 500.")
    fieldsets = [
        (None, {"fields": ["title", *ABOUT]}),
        (_("Source"), {"fields": [*SOURCE]}),
        (_("Engine"), {"fields": [*ENGINE]}),
        (_("Work"), {"fields": [*WORK, *LOG], "classes": ["collapse"]}),
    ]
    readonly_fields = [*ABOUT, *SOURCE, *ENGINE, *WORK, *LOG]
    actions = ["approve", "send_back", "reopen", "retry", "cancel", "export", "erase_recording", "erase"]
    change_form_template = "admin/transcripts/transcript.html"

    @admin.display(description=_("length"), ordering="committed_samples")
    def length(self, transcript: Transcript) -> str:
        """Audio answered so far."""
        return brief(samples_to_ms(transcript.committed_samples))

    @admin.display(description=_("audio missing"))
    def missing(self, transcript: Transcript) -> str:
        """Audio that nobody could hear."""
        return brief(samples_to_ms(transcript.gap_samples))

    @admin.display(description=_("audio sent to the engine"))
    def billed(self, transcript: Transcript) -> str:
        """What the provider bills."""
        return brief(samples_to_ms(transcript.billed_samples))

    @admin.display(description=_("cause"))
    def cause(self, transcript: Transcript) -> str:
        """Why it stands where it stands."""
        return " · ".join(filter(None, [transcript.code, transcript.message, transcript.next_step]))

    @admin.display(description=_("review"))
    def stands(self, transcript: Transcript) -> str:
        """Where it stands on its way to approval."""
        return transcript.review.get_state_display() if hasattr(transcript, "review") else ""

    @admin.display(description=_("flags left"))
    def flags_left(self, transcript: Transcript) -> int | None:
        """Open flags, as the last search for them left it; None while nobody has searched."""
        return transcript.scan.flags_left if hasattr(transcript, "scan") else None

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Without Django's own deletion, which reads every row that goes with one: ``erase`` is bounded."""
        return {name: action for name, action in super().get_actions(request).items() if name != "delete_selected"}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Transcripts begin on the team's own pages, where the source is checked."""
        return False

    def view_on_site(self, transcript: Transcript) -> str:
        """The transcript's own page, for members of its team."""
        return reverse("session", args=[transcript.pk])

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By the search index of the library, among the rows that the filters left; or by id."""
        if not search_term.strip():
            return queryset, False
        try:
            return queryset.filter(pk=UUID(search_term.strip())), False
        except ValueError:
            found = search.find_anywhere(queryset, search.parse(search_term), SEARCH_FOUND)
            return queryset.filter(pk__in=found), False

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """The form, with a page of the text and of the event log under it."""
        if obj is not None:
            member = access.membership(request.user, obj.team_id)
            if member is None:
                auditing.record(Act.OPENED_BY_STAFF, actor=_person(request), team=obj.team_id, target=obj)
            context.update(reading.parts(obj, request.GET), is_member=member is not None, sound=_sound(obj))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Transcript, form: ModelForm[Any], change: bool) -> None:
        """Rename it and tell those who watch; all other columns belong to the log and are not written."""
        services.rename(obj, obj.title)
        auditing.record(Act.RENAMED, actor=_person(request), team=obj.team_id, target=obj)

    def delete_model(self, request: HttpRequest, obj: Transcript) -> None:
        """Delete one with its recording."""
        deeds.erase(obj, _person(request))

    def get_deleted_objects(  # type: ignore[override]  # the stubs leave out the lists of lists that Django allows
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[Model]]:
        """Titles and counts: naming every event and segment could take minutes."""
        keys = [transcript.pk for transcript in objs]
        counts = {
            str(model._meta.verbose_name_plural): model._default_manager.filter(**{lookup: keys}).count()
            for model, lookup in ((Transcript, "pk__in"), (Segment, "transcript__in"), (Event, "transcript__in"))
        }
        return [str(transcript) for transcript in objs], counts, set(), []

    @admin.action(description=_("Approve the selected transcripts"), permissions=["change"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Stamp them."""
        return confirmed(self, request, queryset, deeds.APPROVE)

    @admin.action(description=_("Return the selected transcripts with a reason"), permissions=["change"])
    def send_back(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Give them back to their editors."""
        return confirmed(self, request, queryset, deeds.SEND_BACK)

    @admin.action(description=_("Reopen the selected transcripts with a reason"), permissions=["change"])
    def reopen(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Let approved ones be edited again."""
        return confirmed(self, request, queryset, deeds.REOPEN)

    @admin.action(description=_("Retry the selected transcripts"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Queue them again."""
        return confirmed(self, request, queryset, deeds.RETRY)

    @admin.action(description=_("Cancel the selected transcripts"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """End them now."""
        return confirmed(self, request, queryset, deeds.CANCEL)

    @admin.action(description=_("Erase the recordings of the selected transcripts"), permissions=["delete"])
    def erase_recording(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Remove the sound, keep the text."""
        return confirmed(self, request, queryset, deeds.ERASE_RECORDING)

    @admin.action(description=_("Erase the selected transcripts"), permissions=["delete"])
    def erase(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Remove them for good."""
        return confirmed(self, request, queryset, deeds.ERASE)

    @admin.action(description=_("Export the selected transcripts"), permissions=["view"])
    def export(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponseBase | None:
        """Take them away as one zip."""
        rows = few(self, request, queryset)
        name = request.POST.get("format", "")
        if rows is None:
            return None
        if name not in FORMATS or not request.POST.get("confirmed"):
            return ask(self, request, rows, "export", _("Export these transcripts as files?"), wants_format=True)
        for row in rows:
            auditing.record(Act.EXPORTED, actor=_person(request), team=row.team_id, target=row, format=name)
        zipped = exporting.zipped(rows, name, DEFAULT)
        response = StreamingHttpResponse(zipped, content_type="application/zip")
        return download(response, f"transcripts-{localdate():%Y-%m-%d}-{name}.zip")


def _sound(transcript: Transcript) -> str:
    """Where staff listen to it, or nothing."""
    kept = transcript.media_key or transcript.is_kept or transcript.source_kind == SourceKind.SAMPLE
    return reverse("staff-audio", args=[transcript.pk]) if kept else ""


def _person(request: HttpRequest) -> User:
    """Who is logged in: nobody else reaches the admin."""
    assert isinstance(request.user, User)
    return request.user
