"""Django's cache over the database, so that what is counted against guessing is counted by all processes together.

django-allauth keeps its limits and the one-time codes that were used in Django's default cache, and a cache of one
process would give every web process (and every restart) its own count. Values are JSON: unlike Django's own database
cache, nothing that is read here can run. Names are hashed, for they hold addresses of visitors.
"""

from __future__ import annotations

import time
from hashlib import sha256
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from transcripts.models import Remembered


class SharedCache(BaseCache):
    """A cache of small JSON values. Every call blocks on the database; timeouts are in seconds, None is for ever."""

    def __init__(self, _location: str, params: dict[str, Any]) -> None:
        super().__init__(params)

    def add(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Remember ``value`` unless there is one already; of several processes exactly one is told that it did."""
        name, until = self._name(key, version), self.get_backend_timeout(timeout)
        try:
            with transaction.atomic():
                Remembered.objects.create(key=name, value=value, expires_at=until)
        except IntegrityError:
            over = Remembered.objects.filter(key=name, expires_at__lte=time.time())
            return over.update(value=value, expires_at=until) == 1
        return True

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """What is remembered, or ``default``."""
        for value in self._living(key, version).values_list("value", flat=True):
            return value
        return default

    def set(self, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        """Remember ``value``, whatever was there."""
        until = self.get_backend_timeout(timeout)
        Remembered.objects.update_or_create(
            key=self._name(key, version), defaults={"value": value, "expires_at": until}
        )

    def touch(self, key: str, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Remember it from now on for ``timeout``; False when there is nothing."""
        return self._living(key, version).update(expires_at=self.get_backend_timeout(timeout)) == 1

    def delete(self, key: str, version: int | None = None) -> bool:
        """Forget it; whether there was something."""
        return Remembered.objects.filter(key=self._name(key, version)).delete()[0] == 1

    def incr(self, key: str, delta: int = 1, version: int | None = None) -> int:
        """Count up and return the new number; how long it is remembered stays. Raises ValueError without one."""
        with transaction.atomic():
            row = self._living(key, version).select_for_update().first()
            if row is None:
                raise ValueError(f"Nothing is remembered under {key!r}.")
            row.value = int(row.value or 0) + delta
            row.save(update_fields=["value"])
        return int(row.value)

    def has_key(self, key: str, version: int | None = None) -> bool:
        """Whether something is remembered."""
        return self._living(key, version).exists()

    def clear(self) -> None:
        """Forget everything."""
        Remembered.objects.all().delete()

    def _name(self, key: str, version: int | None) -> str:
        return sha256(self.make_key(key, version).encode()).hexdigest()

    def _living(self, key: str, version: int | None) -> QuerySet[Remembered]:
        living = Q(expires_at__isnull=True) | Q(expires_at__gt=time.time())
        return Remembered.objects.filter(living, key=self._name(key, version))


def sweep() -> int:
    """Forget what nobody remembers any more; how many facts."""
    return Remembered.objects.filter(expires_at__lte=time.time()).delete()[0]
