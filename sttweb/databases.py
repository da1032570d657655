"""How the database is reached. Pure: settings in, Django's dictionary out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured


def database(url: str, folder: Path, *, pool: int, full: bool) -> dict[str, Any]:
    """SQLite in the state folder, or whatever ``url`` names, each with the options measured to hold under load.

    ``pool`` is the most connections of one process to PostgreSQL; ``full`` makes SQLite wait for the disk.
    """
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": folder / "sttweb.sqlite3",
            # IMMEDIATE takes the write lock when a transaction begins, so read-then-write never deadlocks; WAL lets
            # readers go on meanwhile (DESIGN.md: 158 "database is locked" without, 0 with).
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 10,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON; "
                f"PRAGMA synchronous={'FULL' if full else 'NORMAL'};",
            },
            # A real file: the in-memory test database locks whole tables between threads.
            "TEST": {"NAME": folder / f"test{os.environ.get('PYTEST_XDIST_WORKER', '')}.sqlite3"},
        }
    config = _parsed(url)
    if config["ENGINE"].endswith("postgresql"):
        # Only here: SQLite needs no PostgreSQL client.
        from sttweb.patience import STATEMENT_SECONDS, PatientConnection

        options = config.setdefault("OPTIONS", {})
        waiting = {"min_size": 0, "max_size": pool, "timeout": 10, "connection_class": PatientConnection}
        options.setdefault("pool", waiting)
        # Compiling pays for statements of seconds; a page's are over before their program would be ready.
        options.setdefault("options", f"-c statement_timeout={STATEMENT_SECONDS * 1000} -c jit=off")
        # A server that restarted or a wire that was cut must be noticed in seconds, not by a request that fails or in
        # the system's own two hours.
        config["CONN_HEALTH_CHECKS"] = True
        patience = {"connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
        for name, value in {**patience, "tcp_user_timeout": 20_000}.items():
            options.setdefault(name, value)
    return config


def _parsed(url: str) -> dict[str, Any]:
    """Django's dictionary of a database URL. Raises ImproperlyConfigured without the URL, which holds a password."""
    try:
        config = dict[str, Any](dj_database_url.parse(url))
    except ValueError:
        config = {}
    if config.get("ENGINE") not in {"django.db.backends.postgresql", "django.db.backends.sqlite3"}:
        raise ImproperlyConfigured("DATABASE_URL must be like postgres://user:password@host:5432/name.")
    return config


def caches() -> dict[str, dict[str, Any]]:
    """Limits and used codes are counted by all processes together; what is merely slow to find, by each for itself."""
    return {
        "default": {"BACKEND": "transcripts.sharedcache.SharedCache"},
        "local": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    }
