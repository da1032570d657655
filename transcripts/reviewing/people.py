"""How people are called beside what they did."""

from __future__ import annotations

from django.contrib.auth.models import User


def name_of(person: User | None) -> str:
    """How a person is called beside what they wrote."""
    return "" if person is None else (person.get_full_name() or person.get_username())[:150]
