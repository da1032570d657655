"""The project's settings on the PostgreSQL that the environment names."""

from __future__ import annotations

import os
from typing import Any, cast

import dj_database_url

from sttweb.settings import *  # noqa: F403

DATABASES = {"default": cast("dict[str, Any]", dj_database_url.parse(os.environ["SEARCH_DATABASE_URL"]))}
