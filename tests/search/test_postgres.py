"""The same behaviour on PostgreSQL, in both of its ways to find: from the index, and trying one after the other."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.scale.conftest import REPOSITORY, postgres  # noqa: F401 - a fixture

#: What runs in each way; ``on_postgres.py`` runs nowhere else. Operators search all teams.
WAYS = {
    "index": ["search/test_find.py", "test_tagging.py", "search/on_postgres.py"],
    "trying": ["search/test_find.py", "search/on_postgres.py"],
    "operators": ["admin/test_transcripts.py"],
}
#: A database of its own is made for each, with all migrations.
SECONDS = 400


@pytest.mark.services
@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("way", WAYS)
def test_postgresql_finds_the_same(postgres, way):  # noqa: F811
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/{name}" for name in WAYS[way])]
    run = subprocess.run(
        [*command, "--ds=tests.search.postgres_settings"],
        cwd=REPOSITORY,
        env={**os.environ, "SEARCH_DATABASE_URL": postgres, "SEARCH_WAY": way},
        capture_output=True,
        text=True,
        timeout=SECONDS - 20,
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout
    assert "skipped" not in run.stdout
