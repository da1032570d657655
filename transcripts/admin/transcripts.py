"""Saved transcripts in the admin: find, read in place, retry, cancel, delete.

The title may be edited; everything else is written by the log and only shown.
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db import transaction
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from transcripts import services
from transcripts.admin import reading
from transcripts.admin.actions import confirmed
from transcripts.admin.lists import FastAdmin
from transcripts.exports.clock import brief
from transcripts.jobs import source
from transcripts.media.pcm import samples_to_ms
from transcripts.models import Event, Segment, Transcript, Why
from transcripts.upkeep.erasing import because, pseudonym

#: How many of the newest segments the search reads, and how many transcripts it finds by their text.
SEARCH_SEGMENTS = 200_000
SEARCH_FOUND = 500

ABOUT = ["team", "created_by", "state", "cause", "length", "missing"]
SOURCE = ["source_kind", "source_url", "published_at", "media_bytes", "media_sha256", "is_live"]
ENGINE = ["engine", "language", "options", "billed"]
WORK = ["worker", "epoch", "lease_until", "not_before", "attempts", "crash_claims", "control"]
LOG = ["last_seq", "committed_samples", "segment_count", "created_at", "started_at", "finished_at"]


@admin.register(Transcript)
class TranscriptAdmin(FastAdmin):
    """Transcripts of all teams."""

    list_display = ["title", "team", "state", "source_kind", "engine", "length", "created_at"]
    list_filter = ["state", "source_kind", "engine", "is_live", "created_at", "team"]
    list_select_related = ["team"]
    search_fields = ["title"]
    search_help_text = _("Searches titles, and the text of the newest 200,000 segments.")
    fieldsets = [
        (None, {"fields": ["title", *ABOUT]}),
        (_("Source"), {"fields": [*SOURCE]}),
        (_("Engine"), {"fields": [*ENGINE]}),
        (_("Work"), {"fields": [*WORK, *LOG], "classes": ["collapse"]}),
    ]
    readonly_fields = [*ABOUT, *SOURCE, *ENGINE, *WORK, *LOG]
    actions = ["retry", "cancel"]
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

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Transcripts begin on the team's own pages, where the source is checked."""
        return False

    def view_on_site(self, transcript: Transcript) -> str:
        """The transcript's own page, for members of its team."""
        return reverse("session", args=[transcript.pk])

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By title, or by a segment that holds all the words; reads a bounded number of segments."""
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        if search_term.strip():
            found = found | queryset.filter(pk__in=_transcripts_with(search_term))
        return found, may_repeat

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
            context.update(reading.parts(obj, request.GET))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Transcript, form: ModelForm[Any], change: bool) -> None:
        """Rename it and tell those who watch; all other columns belong to the log and are not written."""
        services.rename(obj, obj.title)

    def delete_model(self, request: HttpRequest, obj: Transcript) -> None:
        """Delete one with its recording."""
        with because(Why.DELETED, pseudonym(request.user.pk)):
            _delete([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete several with their recordings."""
        with because(Why.DELETED, pseudonym(request.user.pk)):
            _delete(list(queryset))

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

    @admin.action(description=_("Retry the selected transcripts"), permissions=["change"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Queue them again."""
        question = gettext("Queue these transcripts again? Each goes on after its last committed word.")
        return confirmed(self, request, queryset, "retry", question, services.retry)

    @admin.action(description=_("Cancel the selected transcripts"), permissions=["change"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """End them now."""
        question = gettext("Cancel these transcripts? Their text so far stays.")
        return confirmed(self, request, queryset, "cancel", question, services.cancel)


def _delete(transcripts: list[Transcript]) -> None:
    """Delete rows in one transaction and their sound after it: a file too many is better than a row without."""
    store = source.media_store()
    with transaction.atomic():
        for transcript in transcripts:
            transaction.on_commit(partial(source.forget_spooled, transcript.pk))
            if key := services.delete(transcript):
                transaction.on_commit(partial(store.delete, key))


def _transcripts_with(search_term: str) -> list[UUID]:
    """Transcripts with a segment, among the newest, that holds every word of the term."""
    newest = Segment.objects.order_by("-id").values_list("id", flat=True).first() or 0
    segments = Segment.objects.filter(id__gt=newest - SEARCH_SEGMENTS)
    for word in search_term.split():
        segments = segments.filter(text__icontains=word)
    return list(segments.order_by().values_list("transcript_id", flat=True).distinct()[:SEARCH_FOUND])
