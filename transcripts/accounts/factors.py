"""Secrets of second factors under the first master key, after a rotation."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.db import transaction

from transcripts.sealing import Unreadable, reseal

#: Where django-allauth keeps what `MFAAdapter.encrypt` sealed: one text, or a list of them. Passkeys are public keys.
SEALED = ("secret", "seed", "migrated_codes")


def reseal_factors() -> tuple[int, int]:
    """How many factors were sealed anew, and how many cannot be opened; those stay as they are."""
    done = unreadable = 0
    for key in Authenticator.objects.values_list("pk", flat=True):
        try:
            done += _reseal(key)
        except Unreadable:
            unreadable += 1
    return done, unreadable


@transaction.atomic
def _reseal(key: int) -> bool:
    """One factor, held meanwhile: a recovery code that is used in this moment stays used. Raises Unreadable."""
    factor = Authenticator.objects.select_for_update().filter(pk=key).first()
    data: dict[str, Any] = factor.data if factor else {}
    fresh = {name: _each(data[name]) for name in SEALED if data.get(name)}
    if factor is None or not fresh:
        return False
    factor.data = data | fresh
    factor.save(update_fields=["data"])
    return True


def _each(sealed: Any) -> Any:
    return [reseal(one) for one in sealed] if isinstance(sealed, list) else reseal(sealed)
