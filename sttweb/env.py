"""Typed reading of the environment: a `.env` file, values with defaults, and secrets that may live in files.

Any secret ``NAME`` may be given as ``NAME_FILE`` instead: the path of a file whose stripped content is the value.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from environs import Env

__all__ = ["env", "persistent_secret", "secret", "several", "state_folder"]

env = Env()


def secret(name: str, default: str = "") -> str:
    """Return the secret ``name`` from the environment or from the file that ``NAME_FILE`` names.

    Raises ImproperlyConfigured when both are set, or when the file cannot be read: a secret that was meant to be
    there and is not must stop the start, not surface later as a refused login.
    """
    path = os.environ.get(f"{name}_FILE", "")
    value = os.environ.get(name, "")
    if path and value:
        raise ImproperlyConfigured(f"Both {name} and {name}_FILE are set; keep one of them.")
    if not path:
        return value or default
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE names {path!r}, which cannot be read: {error.strerror}.") from error


def state_folder(name: str, path: str) -> Path:
    """Return the folder ``path`` of the variable ``name``, made for this user alone (0700) when it is not there yet.

    Raises ImproperlyConfigured when it cannot be made or written.
    """
    folder = Path(path).resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{name} is {folder}, which cannot be made: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ImproperlyConfigured(f"{name} is {folder}, where this user may not write.")
    return folder


def several(text: str) -> list[str]:
    """The values of a list that is separated by commas or white space."""
    return text.replace(",", " ").split()


def persistent_secret(path: Path) -> str:
    """Return the random secret kept in ``path``, made once with mode 0600.

    Processes that start together agree: each writes a file of its own, and the first to link it under ``path`` wins.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, own = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mode 0600 by definition
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(64))
        with suppress(FileExistsError):
            os.link(own, path)
        Path(own).unlink()
    return path.read_text(encoding="ascii").strip()
