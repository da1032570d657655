"""The second language is complete: every sentence of the sources is translated, and Django reads what stands there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT = Path(__file__).resolve().parent.parent
CATALOGUE = ROOT / "locale" / "de" / "LC_MESSAGES" / "django.po"


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="de")


def test_every_sentence_is_translated_with_its_placeholders() -> None:
    found = catalogue(CATALOGUE)
    assert len(found) > 1500
    assert [message.id for message in found if message.id and (message.fuzzy or not all(forms(message)))] == []
    assert [(message.id, errors) for message, errors in found.check()] == []


def forms(message: object) -> tuple[str, ...]:
    string = message.string  # type: ignore[attr-defined]
    return string if isinstance(string, tuple) else (string,)


def test_what_django_reads_is_what_stands_in_the_catalogue() -> None:
    compiled = BytesIO()
    write_mo(compiled, catalogue(CATALOGUE))
    assert compiled.getvalue() == CATALOGUE.with_suffix(".mo").read_bytes(), "make messages"


def test_no_sentence_of_the_sources_is_missing(tmp_path: Path) -> None:
    if shutil.which("xgettext") is None:
        if os.environ.get("STTWEB_REQUIRE_ALL"):
            pytest.fail("needs Debian's package gettext")
        pytest.skip("needs Debian's package gettext")
    for folder in ("sttweb", "transcripts", "templates"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__", "migrations"))
    (tmp_path / "locale").mkdir()
    command = [sys.executable, "-m", "django", "makemessages", "--locale", "de", "--no-location"]
    alone = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=alone)
    assert done.returncode == 0, done.stderr
    wanted = {(str(one.id), one.context) for one in catalogue(tmp_path / "locale/de/LC_MESSAGES/django.po") if one.id}
    assert len(wanted) > 1500
    assert wanted - {(str(one.id), one.context) for one in catalogue(CATALOGUE)} == set()
