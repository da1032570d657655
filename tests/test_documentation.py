"""What the documentation names is there: files, tests, settings, metrics, programs with their options, links."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = ["README.md", "NOTICE.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md"))]
_FILE = re.compile(r"[\w./-]+\.(py|js|css|html|md|toml)")
_TEST = re.compile(r"(tests/[\w/]+(?:\.py)?)(?:::(\w+))?")
_SETTING = re.compile(r"(STTWEB|FETCH|ELEVENLABS)(_[A-Z]+)+")
_METRIC = re.compile(r"sttweb_[a-z_]+")


@cache
def files() -> frozenset[str]:
    """Every file of the repository, by its path."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return frozenset(listed.stdout.split())


@cache
def source(folder: str = "") -> str:
    """All Python under a folder but this file, which names what is not there, as one text."""
    own = Path(__file__).relative_to(ROOT).as_posix()
    wanted = sorted(name for name in files() if name.startswith(folder) and name.endswith(".py") and name != own)
    return "\n".join((ROOT / name).read_text() for name in wanted)


def named_on(page: str) -> set[str]:
    """What stands between single backticks, outside of blocks."""
    prose = re.sub(r"```.*?```", "", (ROOT / page).read_text(), flags=re.DOTALL)
    return set(re.findall(r"`([^`\n]+)`", prose))


def is_there(name: str) -> bool:
    """Whether a file of that path, or the end of a path, is in the repository."""
    return any(f"/{file}".endswith(f"/{name}") for file in files())


def has_test(name: str, test: str | None) -> bool:
    """Whether a folder, a file or one test of a file is in the repository."""
    if test:
        return name in files() and f"def {test}(" in (ROOT / name).read_text()
    return name in files() or f"{name}.py" in files() or any(file.startswith(f"{name}/") for file in files())


def program_of(command: str) -> bool:
    """Whether ``python -m bench.NAME --options`` names a program and options that it reads."""
    path = command.split()[2].replace(".", "/")
    if f"{path}.py" not in files() and f"{path}/__main__.py" not in files():
        return False
    return all(option in source("bench/") for option in re.findall(r"--[\w-]+", command))


def wrong(name: str) -> bool:
    """Whether a name is of a kind that must be there, and is not."""
    if command := re.match(r"python -m bench\.\w+", name):
        return not program_of(name[command.start() :])
    if found := _TEST.fullmatch(name):
        return not has_test(*found.groups())
    if _FILE.fullmatch(name):
        return not is_there(name)
    if _SETTING.fullmatch(name):
        return name.removesuffix("_FILE") not in source()
    return bool(_METRIC.fullmatch(name)) and name not in source()


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_is_there(page: str) -> None:
    assert sorted(filter(wrong, named_on(page))) == []


@pytest.mark.parametrize("page", PAGES)
def test_the_links_of_a_page_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / page).read_text())
    assert [to for to in links if "://" not in to and not (ROOT / page).parent.joinpath(to).exists()] == []


@pytest.mark.parametrize(
    "name",
    [
        "tests/media/test_nothing.py", "tests/media/test_guard.py::test_that_is_not", "views/nothing.py",
        "STTWEB_NOT_THERE", "sttweb_not_there", "python -m bench.nothing", "python -m bench.library --not-there",
    ],
)  # fmt: skip
def test_a_name_that_is_not_there_is_found(name: str) -> None:
    assert wrong(name)
