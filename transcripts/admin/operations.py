"""The running parts: the status page of those who operate the server, the workers, and what was erased."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin
from django.contrib.auth.decorators import login_required
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sttweb import health
from transcripts.admin.lists import ReadOnlyAdmin
from transcripts.models import Erasure, State, Worker
from transcripts.upkeep import bounds, numbers, sentences

#: Rows of sessions and of workers on the page.
MOST_SESSIONS, MOST_WORKERS = 100, 50

admin.site.index_template = "admin/operations_index.html"


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Workers and how busy they are."""

    list_display = ["name", "alive", "running", "capacity", "heartbeat_at", "started_at"]
    ordering = ["name"]

    @admin.display(description=_("alive"), boolean=True)
    def alive(self, worker: Worker) -> bool:
        """Whether it was heard of lately."""
        return (timezone.now() - worker.heartbeat_at).total_seconds() < numbers.SILENT_SECONDS

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """The row of a worker that died may go; a living one writes its own again."""
        return request.user.has_perm("transcripts.delete_worker")


@admin.register(Erasure)
class ErasureAdmin(ReadOnlyAdmin):
    """Tombstones, the newest first: what was erased, when and why, by a pseudonym of whom."""

    list_display = ["transcript", "what", "why", "who", "at", "finished_at"]
    list_filter = ["what", "why", "at"]
    ordering = ["-id"]
    sortable_by = ()


@require_safe
@never_cache
@login_required
def status(request: HttpRequest) -> HttpResponse:
    """``/admin/status``: everything at a glance; the page asks for its own middle part every few seconds."""
    if not request.user.is_staff:
        raise Http404
    now = numbers.read()
    return render(request, "admin/operations.html", _context(now))


def _context(now: numbers.Numbers) -> dict[str, Any]:
    delays = sorted(s.delay for s in now.sessions if s.is_live and s.delay is not None)
    return {
        "at": timezone.now(),
        "about": health.about(),
        "words": sentences.degraded(now, health.layer_trouble()),
        "facts": _facts(now, delays),
        "states": [(State(name).label, number) for name, number in now.states.items() if number],
        "ended": [(State(name).label, number) for name, number in now.ended.items() if number],
        "workers": now.workers[:MOST_WORKERS],
        "more_workers": len(now.workers) - MOST_WORKERS,
        "sessions": now.sessions[:MOST_SESSIONS],
        "more_sessions": len(now.sessions) - MOST_SESSIONS,
        "trouble": [("", *item) for item in now.notices.most_common(20)]
        + [(_("gap"), *item) for item in now.gaps.most_common(20)],
        "disks": [(disk, round(100 * (1 - disk.free / disk.total))) for disk in now.disks if disk.total],
        "erasures_open": now.erasures_open,
        "bounds": bounds.bounds(),
        "errors": sorted(_provider_errors(now).items(), key=lambda pair: -pair[1])[:20],
    }


def _provider_errors(now: numbers.Numbers) -> Counter[str]:
    """Failures of the speech service by code, of all workers since their starts."""
    total = Counter[str]()
    for worker in now.workers:
        total.update({code: int(number) for code, number in worker.counts.get("provider_errors", {}).items()})
    return total


def _facts(now: numbers.Numbers, delays: list[float]) -> list[tuple[str, str]]:
    """The row of large numbers at the top."""
    alive = [worker for worker in now.workers if worker.alive]
    running, capacity = sum(w.running for w in alive), sum(w.capacity for w in alive)
    wait = sentences.duration(now.oldest_due) if now.due else "–"
    middle = sentences.duration(delays[len(delays) // 2]) if delays else "–"
    late = sentences.duration(delays[int(len(delays) * 0.95)]) if delays else "–"
    return [
        (str(_("Workers")), str(len(alive))),
        (str(_("Sessions")), f"{running} / {capacity}"),
        (str(_("In the queue")), str(now.due)),
        (str(_("Longest wait")), wait),
        (str(_("Last live event, p50")), middle),
        (str(_("Last live event, p95")), late),
    ]
