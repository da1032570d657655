"""The same behaviour on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.scale.conftest import REPOSITORY, postgres  # noqa: F401 - a fixture


@pytest.mark.services
def test_postgresql_finds_the_same(postgres):  # noqa: F811
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/search/test_find.py",
        "tests/test_tagging.py",
    ]
    environment = {**os.environ, "SEARCH_DATABASE_URL": postgres}
    run = subprocess.run(
        [*command, "--ds=tests.search.postgres_settings"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=170,
    )
    assert run.returncode == 0, run.stdout[-4000:]
    assert " passed" in run.stdout
