"""Mistakes in the configuration of single sign-on, said at the start instead of at the first login."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.core import checks
from django.db import DatabaseError

from transcripts.models import Team

LOCAL = {"127.0.0.1", "::1", "localhost"}
_DOMAIN = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))+", re.IGNORECASE)


def sign_on_makes_sense(**_: Any) -> list[checks.CheckMessage]:
    """Every STTWEB_OIDC_ setting by itself, and together."""
    return [*_issuer(), *_joining()]


def _issuer() -> Iterator[checks.CheckMessage]:
    issuer = settings.STTWEB_OIDC_ISSUER
    others = ("CLIENT_ID", "CLIENT_SECRET", "DOMAINS", "TEAM")
    if not issuer:
        if named := [f"STTWEB_OIDC_{name}" for name in others if getattr(settings, f"STTWEB_OIDC_{name}")]:
            yield checks.Warning(
                f"{', '.join(named)} is set without STTWEB_OIDC_ISSUER: single sign-on is off.",
                hint="Set STTWEB_OIDC_ISSUER to the provider's address, or leave the others out.",
                id="transcripts.W004",
            )
        return
    parts = _split(issuer)
    if parts is None:
        yield checks.Error(
            f"STTWEB_OIDC_ISSUER is {issuer!r}, which is no address of a provider.",
            hint="Set the whole address, such as https://login.example.org/realms/news.",
            id="transcripts.E001",
        )
    elif parts == ("http", False):
        yield checks.Warning(
            "STTWEB_OIDC_ISSUER is reached without encryption: whoever is on the way can log in as anybody.",
            hint="Use the provider's https address.",
            id="transcripts.W005",
        )


def _split(issuer: str) -> tuple[str, bool] | None:
    """Scheme, and whether the host is this machine; None for what is no address of the web."""
    try:
        parts = urlsplit(issuer)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    return (parts.scheme, host in LOCAL) if parts.scheme in {"http", "https"} and host else None


def _joining() -> Iterator[checks.CheckMessage]:
    team, domains = settings.STTWEB_OIDC_TEAM, settings.STTWEB_OIDC_DOMAINS
    if team and team_id() is None:
        yield checks.Error(
            f"STTWEB_OIDC_TEAM is {team!r}, which is no id of a team.",
            hint="Copy the id from the address of the team's settings: /team/<id>/settings.",
            id="transcripts.E002",
        )
    if settings.STTWEB_OIDC_ISSUER and bool(team) != bool(domains):
        yield checks.Error(
            "STTWEB_OIDC_TEAM and STTWEB_OIDC_DOMAINS work only together.",
            hint="Set both, so that people of these domains join that team, or neither.",
            id="transcripts.E003",
        )
    if wrong := [domain for domain in domains if not _DOMAIN.fullmatch(domain)]:
        yield checks.Error(
            f"STTWEB_OIDC_DOMAINS holds {wrong[0]!r}, which is no domain.",
            hint="Write what stands behind the @ of an address, such as news.example.org.",
            id="transcripts.E004",
        )


def sign_on_team_exists(databases: Sequence[str] | None = None, **_: Any) -> list[checks.CheckMessage]:
    """The team that people are to join is there; asked where the database may be (`manage.py migrate`, `check`)."""
    wanted = team_id() if settings.STTWEB_OIDC_ISSUER else None
    if not databases or wanted is None:
        return []
    try:
        if Team.objects.filter(pk=wanted).exists():
            return []
    except DatabaseError:
        return []  # before the first migration there are no teams at all
    return [
        checks.Warning(
            f"There is no team with the id of STTWEB_OIDC_TEAM ({wanted}): new people join none.",
            hint="Copy the id from the address of the team's settings: /team/<id>/settings.",
            id="transcripts.W006",
        )
    ]


def team_id() -> UUID | None:
    """The team that people of the provider's domains join, or None."""
    try:
        return UUID(settings.STTWEB_OIDC_TEAM) if settings.STTWEB_OIDC_TEAM else None
    except ValueError:
        return None


def register() -> None:
    """Register these checks with Django."""
    checks.register(sign_on_makes_sense)
    checks.register(sign_on_team_exists, checks.Tags.database)
