"""The live board: what the team transcribes now, and what needs attention."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from transcripts import engine_settings, phrases
from transcripts.forms import SubmitForm
from transcripts.live.board import board_card, read_board
from transcripts.models import ACTIVE, FINAL, Engine, SourceKind, State, Transcript
from transcripts.models.states import BOARD_ORDER
from transcripts.views import looks
from transcripts.views.shell import TeamRequest, in_team

#: Filters of the board, as links: name -> the states that it keeps.
FILTERS: dict[str, frozenset[State]] = {
    "active": frozenset(State) - FINAL,
    "attention": frozenset({State.FAILED, State.PAUSED, State.WAITING}),
    "done": frozenset({State.COMPLETED, State.COMPLETED_WITH_GAPS}),
}
#: A card with nothing on it, from which the script makes new ones.
BLANK = board_card(Transcript(id=UUID(int=0), created_at=datetime.fromtimestamp(0, UTC), source_kind=SourceKind.URL))


@require_safe
@in_team()
def board(request: TeamRequest) -> HttpResponse:
    """``/``: cards of the team, live first; the socket keeps them moving."""
    every = read_board(request.team.pk)
    chosen = request.GET.get("show", "")
    kept = FILTERS.get(chosen)
    context = {
        "cards": [card for card in every if kept is None or card["state"] in kept],
        "filters": {name: sum(card["state"] in states for card in every) for name, states in FILTERS.items()},
        "chosen": chosen if kept is not None else "",
        "total": len(every),
        "busy": ACTIVE,
        "problem_states": looks.PROBLEMS,
        "form": SubmitForm(team=request.team, initial=engine_settings.initial_of(request.team)),
        "blank": BLANK,
        "offline": settings.STTWEB_ENGINE == Engine.EMBEDDED,
        "config": {
            "order": list(BOARD_ORDER),
            "kept": sorted(kept) if kept is not None else None,
            "filters": {name: sorted(states) for name, states in FILTERS.items()},
            "busy": sorted(ACTIVE),
            "problems": sorted(looks.PROBLEMS),
            "looks": looks.script_table(),
            "said": phrases.table(),
            "now": timezone.now().isoformat(),
            "kinds": {str(kind): name for kind, name in looks.KIND_ICONS.items()},
        },
    }
    return render(request, "transcripts/board.html", context)
