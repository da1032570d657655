"""docs/reliability.md against the list of faults: every one has a row, a test that exists, and what it came to."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests.scale.conftest import REPOSITORY

#: All faults, by number: those of the reference that this project was given. The others were never defined.
ABSENT = {11, 26, 29, 33, 41, 51, 54, 57, 58}
FAULTS = [f"F{number:02}" for number in range(1, 60) if number not in ABSENT]
#: What has no test yet, and for which the page must give a reason.
WITHOUT: frozenset[str] = frozenset()


@cache
def rows() -> dict[str, list[str]]:
    """Cells of the table by fault: what, where, came to."""
    text = (REPOSITORY / "docs" / "reliability.md").read_text("utf-8")
    found = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| F\d\d \|.*$", text, re.M)
    ]
    assert len({row[0] for row in found}) == len(found), "a fault has two rows"
    return {row[0]: row[1:] for row in found}


@cache
def functions() -> list[str]:
    """Names of all test functions."""
    files = (REPOSITORY / "tests").rglob("test_*.py")
    return [
        name for path in files for name in re.findall(r"^\s*(?:async )?def (test_\w+)", path.read_text("utf-8"), re.M)
    ]


def test_the_list_is_whole_and_the_table_is_the_list() -> None:
    assert len(FAULTS) == 50
    assert list(rows()) == FAULTS


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault not in WITHOUT])
def test_a_fault_names_its_test_and_what_it_came_to(fault: str) -> None:
    what, where, came_to = rows()[fault]
    assert what
    named = re.findall(r"\btest_\w+", re.sub(r"tests/\S+", "", where))
    assert any(fault.lower() in name for name in named), f"{fault} names no test of its own"
    for name in named:
        assert any(known.startswith(name) for known in functions()) or module(name), f"no test is called {name}…"
    for place in re.findall(r"tests/[\w/]+", where):
        path = REPOSITORY / place
        assert path.exists() or path.with_suffix(".py").exists(), f"{place} does not exist"
    assert re.match(r"(short|long)\b", came_to), f"{fault}: say which form it was"
    assert re.search(r"\d", came_to), f"{fault}: a figure"


def module(name: str) -> bool:
    """Whether a file of tests has this name."""
    return any(Path(REPOSITORY, "tests").rglob(f"{name}.py"))


def test_whatever_is_not_tried_has_its_reason_and_nothing_else_says_so() -> None:
    text = (REPOSITORY / "docs" / "reliability.md").read_text("utf-8")
    untried = text.partition("## Not tried")[2]
    assert {fault for fault, (_what, where, *_rest) in rows().items() if "Not tried" in where} == WITHOUT
    for fault in WITHOUT:
        assert re.search(rf"^\* {fault}\b.{{20,}}", untried, re.M)
