"""Who asks, and what their team has prepared."""

from __future__ import annotations

from typing import Any

from ninja import Router

from transcripts import access
from transcripts.access import Right
from transcripts.api.auth import HolderRequest
from transcripts.api.schemas import PresetsOut, WhoamiOut
from transcripts.models import TeamPreset

router = Router(tags=["token"])


@router.get("/whoami", response=WhoamiOut)
def whoami(request: HolderRequest) -> dict[str, Any]:
    """Whom the token speaks for and what it may do."""
    held = request.auth
    return {
        "name": held.token.name,
        "prefix": held.token.prefix,
        "person": held.person.get_full_name() or held.person.get_username(),
        "role": held.role.value,
        "team": held.team,
        "scopes": held.token.scopes,
        "rights": sorted(held.rights),
        "expires_at": held.token.expires_at,
    }


@router.get("/presets", response=PresetsOut)
def presets(request: HolderRequest) -> dict[str, Any]:
    """Options that the team has given a name: send such a name as ``team_preset`` with a new transcript."""
    access.require(request.auth, Right.SEE)
    return {"items": list(TeamPreset.objects.filter(team=request.auth.team))}
