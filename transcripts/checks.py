"""System checks: mistakes of configuration that would only show later, said at the start."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks


def hosted_engine_has_a_key(**_: Any) -> list[checks.CheckMessage]:
    """The hosted engine as default needs a key."""
    if settings.STTWEB_ENGINE == "elevenlabs" and not settings.ELEVENLABS_API_KEY:
        return [
            checks.Warning(
                "STTWEB_ENGINE is 'elevenlabs' but no ELEVENLABS_API_KEY is set.",
                hint="Set ELEVENLABS_API_KEY or ELEVENLABS_API_KEY_FILE, or STTWEB_ENGINE=embedded.",
                id="transcripts.W001",
            )
        ]
    return []


def several_hosts_share_a_layer(**_: Any) -> list[checks.CheckMessage]:
    """A database for many processes with a layer for one is a mistake: pages would only move by their slow poll."""
    if settings.DATABASE_URL and not settings.REDIS_URL and settings.DATABASE_URL.startswith("postgres"):
        return [
            checks.Warning(
                "DATABASE_URL is set without REDIS_URL: browsers of other processes learn of new text only by polling.",
                hint="Set REDIS_URL as well.",
                id="transcripts.W002",
            )
        ]
    return []


def decoder_is_sandboxed(**_: Any) -> list[checks.CheckMessage]:
    """Somebody switched the refusal off that protects the worker from hostile recordings."""
    if settings.STTWEB_ALLOW_UNSANDBOXED_DECODER:
        return [
            checks.Warning(
                "STTWEB_ALLOW_UNSANDBOXED_DECODER is on: a hostile recording may take over the worker.",
                hint="Leave it out where anybody but you submits recordings.",
                id="transcripts.W003",
            )
        ]
    return []


def register() -> None:
    """Register all checks with Django."""
    checks.register(hosted_engine_has_a_key)
    checks.register(several_hosts_share_a_layer)
    checks.register(decoder_is_sandboxed)
