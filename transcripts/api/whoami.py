"""Who asks."""

from __future__ import annotations

from typing import Any

from ninja import Router

from transcripts.api.auth import HolderRequest
from transcripts.api.schemas import WhoamiOut

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
