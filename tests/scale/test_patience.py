"""A statement that is not answered ends by our own clock; a migration may take its time."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from sttweb.patience import PatientConnection
from tests.scale.conftest import REPOSITORY

pytestmark = pytest.mark.services


class Hasty(PatientConnection):
    """The same in a tenth of the time."""

    patience = 1.0


def test_who_gets_no_answer_gives_up_and_ends_the_connection(postgres: str) -> None:
    connection = Hasty.connect(postgres)
    began = time.monotonic()
    with pytest.raises(psycopg.OperationalError):
        connection.execute("select pg_sleep(60)")
    assert 1.0 <= time.monotonic() - began < 60
    assert connection.closed


def test_errors_of_the_server_leave_the_connection_in_use(postgres: str) -> None:
    with Hasty.connect(postgres, autocommit=True, options="-c statement_timeout=100") as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("select pg_sleep(60)")
        assert connection.execute("select 1").fetchone() == (1,)


def test_without_patience_to_lose_an_answer_may_take_longer(postgres: str) -> None:
    with Hasty.connect(postgres) as connection:
        connection.patience = None  # type: ignore[assignment]
        assert connection.execute("select 1 from pg_sleep(1.5)").fetchone() == (1,)


def test_a_migration_has_no_clock(postgres: str, tmp_path: Path) -> None:
    program = """if True:
        import django
        django.setup()
        from django.core.management import call_command
        from django.db import connection
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            before = cursor.fetchone()[0], connection.connection.patience
        call_command("migrate", "contenttypes", verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("SHOW statement_timeout")
            print(*before, cursor.fetchone()[0], connection.connection.patience)
    """
    environment = {
        "DATABASE_URL": postgres,
        "STTWEB_VAR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "sttweb.settings",
        "PATH": "/usr/bin:/bin",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert done.stdout.split() == ["10s", "10.5", "0", "None"], done.stderr
