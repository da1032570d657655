"""docs/security.md counts every case of the list once: held by tests that exist, waiting for a feature, or open."""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path

import pytest

from tests.hostile.ledger import HELD, OPEN, WAITING
from tests.media import ledger as media

TESTS = Path(__file__).parents[1]
DOCUMENT = TESTS.parent / "docs" / "security.md"
CASES = TESTS.parents[1] / "shared" / "reference" / "hostile_cases.jsonl"


@cache
def names_in(module: str) -> frozenset[str]:
    folder, _, name = module.rpartition("/")
    tree = ast.parse((TESTS / folder / f"test_{name}.py").read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def waiting() -> set[str]:
    return {case for cases in WAITING.values() for case in cases}


@pytest.mark.parametrize("case", sorted(HELD))
def test_every_case_is_held_by_tests_that_exist(case: str) -> None:
    assert HELD[case]
    for test in HELD[case]:
        module, _, name = test.partition("::")
        assert f"test_{name}" in names_in(module), test


def test_the_document_counts_them_right() -> None:
    text = DOCUMENT.read_text("utf-8")
    held, unheld = len(HELD) + len(media.HELD), len(OPEN) + len(media.OPEN)
    assert f"**{held}** cases are held" in text
    assert f"{len(waiting())} wait for features" in text
    assert f"{unheld} are open" in text
    assert all(case in text for case in waiting() | OPEN.keys() | media.OPEN.keys())


def test_the_promises_name_tests_that_exist() -> None:
    named = re.findall(
        r"`tests/((?:[a-z0-9_]+/)*)test_([a-z0-9_]+)\.py(?:::(test_[a-z0-9_]+))?`", DOCUMENT.read_text("utf-8")
    )
    assert len(named) > 20
    for folder, module, name in named:
        assert (TESTS / folder / f"test_{module}.py").exists()
        assert not name or name in names_in(folder + module)


@pytest.mark.skipif(not CASES.exists(), reason="needs the reference")
def test_every_case_of_the_list_has_exactly_one_place() -> None:
    cases = {json.loads(line)["id"] for line in CASES.read_text("utf-8").splitlines()}
    places = [*HELD, *OPEN, *waiting(), *media.HELD, *media.OPEN]
    assert len(places) == len(set(places))
    assert set(places) == cases
