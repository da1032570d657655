"""Every case of links and the decoder is held by tests that exist; ``tests/hostile`` counts them with the others."""

from __future__ import annotations

import ast
import json
from functools import cache
from pathlib import Path

import pytest

from transcripts.media.errors import BlockedUrl
from transcripts.media.guard import Policy, judge_url

from .ledger import HELD, OPEN

HERE = Path(__file__).parent
CASES = HERE.parents[2] / "shared" / "reference" / "hostile_cases.jsonl"

#: Groups of cases that this package answers for alone.
OURS = ("SSRF", "DNS", "REDIRECT", "FETCH", "HLS", "DECODE", "SANDBOX")


@cache
def names_in(module: str) -> frozenset[str]:
    folder, _, name = module.rpartition("/")
    tree = ast.parse((HERE / folder / f"test_{name}.py").read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("case", sorted(HELD))
def test_every_case_is_held_by_tests_that_exist(case: str) -> None:
    assert HELD[case]
    for test in HELD[case]:
        module, _, name = test.partition("::")
        assert name in names_in(module)
    assert case not in OPEN


@pytest.mark.skipif(not CASES.exists(), reason="needs the reference")
def test_no_case_of_our_groups_is_forgotten_and_every_link_is_refused() -> None:
    cases = [json.loads(line) for line in CASES.read_text("utf-8").splitlines()]
    ours = {case["id"] for case in cases if case["id"].startswith(OURS)}
    assert ours == {case for case in HELD | OPEN if case.startswith(OURS)}
    policy = Policy(own_hosts=frozenset({"app.example.org"}))
    for case in cases:
        if case["id"].startswith("SSRF") and case["id"] != "SSRF-037":
            for link in case.get("inputs", []):
                with pytest.raises(BlockedUrl):
                    judge_url(link, policy)
