"""A worker that reports itself, and transcripts in every state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from transcripts.models import Worker


@pytest.fixture
def operator(db: None) -> User:
    return User.objects.create_superuser("olga", "olga@example.org", "not-used-here")


@pytest.fixture
def desk(operator: User) -> Client:
    client = Client()
    client.force_login(operator)
    return client


@pytest.fixture
def worker(db: None) -> Callable[..., Worker]:
    """Make a worker that reported itself so many seconds ago."""

    def make(name: str = "host-1-abc", silent: float = 1.0, **fields: object) -> Worker:
        moment = timezone.now() - timedelta(seconds=silent)
        return Worker.objects.create(name=name, heartbeat_at=moment, **{"capacity": 4, "running": 1, **fields})

    return make
