"""Filters of the status page."""

from __future__ import annotations

from django import template

from transcripts.upkeep import sentences

register = template.Library()


@register.filter
def duration(seconds: float | None) -> str:
    """``7 s``, ``3 min``, ``5 h``."""
    return "–" if seconds is None else sentences.duration(seconds)
