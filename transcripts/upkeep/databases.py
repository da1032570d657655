"""The database as one file and back: SQLite by its online backup, PostgreSQL by its own pg_dump and pg_restore.

Both copies are of one moment, while everything goes on writing. Login sessions are left out: whoever finds a backup
must not be logged in with it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from transcripts.models import Team, Transcript
from transcripts.upkeep.errors import ArchiveError, DumpError

SESSIONS = "django_session"
#: How the copy is called in an archive.
FILES = {"sqlite": "database.sqlite3", "postgresql": "database.pgdump"}
_VARIABLES = {
    "HOST": "PGHOST",
    "PORT": "PGPORT",
    "USER": "PGUSER",
    "PASSWORD": "PGPASSWORD",
    "NAME": "PGDATABASE",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "service": "PGSERVICE",
}


def copy_out(folder: Path) -> Path:
    """Write the database as it is at this moment to a new file in ``folder``. Raises DumpError."""
    if connection.vendor not in FILES:
        raise DumpError("no_backup_for_database", f"sttweb has no backup for {connection.vendor}.")
    target = folder / FILES[connection.vendor]
    if connection.vendor == "sqlite":
        _copy_sqlite(Path(settings.DATABASES["default"]["NAME"]), target)
    else:
        _run("pg_dump", "--format=custom", *_PLAIN, f"--exclude-table-data={SESSIONS}", f"--file={target}")
    return target


def copy_in(path: Path) -> None:
    """Replace the whole database by a copy made by `copy_out`. Raises DumpError. Nothing else may use it meanwhile."""
    if connection.vendor == "sqlite":
        _place_sqlite(path, Path(settings.DATABASES["default"]["NAME"]))
        return
    _drop_tables()
    connections.close_all()
    _run("pg_restore", "--single-transaction", "--exit-on-error", *_PLAIN, "--dbname", _pg("NAME"), str(path))


_PLAIN = ("--no-owner", "--no-privileges")


# --- SQLite --------------------------------------------------------------------------------------------------------


def _copy_sqlite(name: Path, target: Path) -> None:
    """All pages in one step: in WAL mode that holds up no writer, and steps would begin again with every write."""
    try:
        with closing(sqlite3.connect(name, timeout=30)) as source, closing(sqlite3.connect(target)) as copy:
            source.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")
            copy.execute("PRAGMA secure_delete=ON")
            copy.execute(f"DELETE FROM {SESSIONS}")  # noqa: S608 - a constant
            copy.commit()
            # Old pages of the file hold what was deleted from it; a new one holds rows only.
            copy.execute("VACUUM")
            require_sound(copy)
    except sqlite3.Error as error:
        raise DumpError("copy_failed", f"The database could not be copied: {error}.") from error
    target.chmod(0o600)


def require_sound(copy: sqlite3.Connection) -> None:
    """Raise DumpError unless SQLite's own check of the whole file finds nothing."""
    said = copy.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if said != "ok":
        raise DumpError("database_damaged", f"SQLite's own check says: {said}.")


def _place_sqlite(path: Path, name: Path) -> None:
    with closing(sqlite3.connect(path)) as copy:
        require_sound(copy)
    connections.close_all()
    name.parent.mkdir(parents=True, exist_ok=True)
    fresh = name.with_name(f"{name.name}.restored")
    shutil.move(path, fresh)
    for old in (f"{name.name}-wal", f"{name.name}-shm"):
        name.with_name(old).unlink(missing_ok=True)
    os.replace(fresh, name)


# --- PostgreSQL ----------------------------------------------------------------------------------------------------


def _pg(key: str) -> str:
    config = settings.DATABASES["default"]
    return str(config.get(key) or config.get("OPTIONS", {}).get(key) or "")


def program(name: str) -> str | None:
    """The path of one of PostgreSQL's programs, the newest where there are several, or None."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda place: place.parent.name.zfill(4))
    path = os.pathsep.join([*map(str, reversed(places)), os.environ.get("PATH", os.defpath)])
    return shutil.which(name, path=path)


def _run(name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; where the database is and the password go by the environment."""
    found = program(name)
    if found is None:
        step = "Install the client programs of PostgreSQL (Debian: postgresql-client), or use your own dump."
        raise DumpError("no_client_programs", f"{name} is not installed here.", step)
    given = {variable: _pg(key) for key, variable in _VARIABLES.items() if _pg(key)}
    environment = {"PATH": os.environ.get("PATH", os.defpath), "PGAPPNAME": "sttweb", **given}
    done = subprocess.run([found, *arguments], env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        said = " ".join(done.stderr.split())[:300]
        raise DumpError("dump_failed", f"{name} ended with {done.returncode}: {said}")


def _drop_tables() -> None:
    """All tables of our schema, with what hangs on them."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"DROP TABLE IF EXISTS {connection.ops.quote_name(table)} CASCADE")


# --- Both ----------------------------------------------------------------------------------------------------------


def is_empty() -> bool:
    """Nobody has ever worked here: no tables, or none of people, teams and transcripts with a row."""
    tables = connection.introspection.table_names()
    models = [User, Team, Transcript]
    return not any(model._meta.db_table in tables and model._default_manager.exists() for model in models)


def applied_migrations() -> list[str]:
    """Names (``app.name``) of the migrations that made the tables what they are."""
    return sorted(".".join(key) for key in MigrationRecorder(connection).applied_migrations())


def require_known(names: Iterable[str]) -> None:
    """Raise ArchiveError when this program knows less than the backup's."""
    known = {".".join(key) for key in MigrationLoader(None).disk_migrations or {}}
    unknown = sorted(set(names) - known)
    if unknown:
        step = "Restore it with the version that made it, or a newer one."
        raise ArchiveError("backup_newer", f"The backup was made by a newer version ({unknown[0]}).", step)
