"""Who asks: the token in the header ``Authorization: Bearer``, and nothing else. Cookies are not looked at, so a page
of another site can do nothing here in anybody's name."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest
from ninja.security import HttpBearer

from sttweb.visiting import acts_by, current_address
from transcripts import throttling, tokens
from transcripts.access import Holder
from transcripts.api.errors import Throttled
from transcripts.throttling import Limit

#: A token that opens nothing costs its address as much as so many requests.
WRONG_COST = 10.0


class HolderRequest(HttpRequest):
    """A request of a program with a token."""

    auth: Holder


class Bearer(HttpBearer):
    """Finds the holder of a token, and counts."""

    def authenticate(self, request: HttpRequest, token: str) -> Holder:
        """The holder. Raises TokenRefused, Throttled. Blocks on the database; ninja calls it in a thread."""
        address = f"address:{current_address() or ''}"
        by_address = Limit.a_minute(settings.STTWEB_API_ADDRESS_PER_MINUTE)
        _take(address, by_address, 1.0)
        try:
            held = tokens.find(token)
        except tokens.TokenRefused:
            _take(address, by_address, WRONG_COST)
            raise
        _take(f"token:{held.token.pk.hex}", Limit.a_minute(settings.STTWEB_API_PER_MINUTE), 1.0)
        tokens.note_use(held.token)
        acts_by(held.token.name)
        return held


def _take(key: str, limit: Limit, cost: float) -> None:
    """Raises Throttled."""
    wait = throttling.take(key, limit, cost) if limit.rate > 0 else 0.0
    if wait:
        raise Throttled(wait)
