"""What a reader may count on: small modules, short functions, imports that point down, text that is text, nothing of
the machine it was written on."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULE_LINES, LONGEST_FILE, FUNCTION_LINES, MEDIAN_FUNCTION_LINES = 300, 400, 40, 10
#: Modules of the product that may be longer than others, and why.
LONGER = {
    "sttweb/settings.py": "all options in one place",
    "transcripts/realtime/stream.py": "one state machine: every input and what it may set off, side by side",
    "transcripts/realtime/answers.py": "one account: every way in which an answer may or may not be the awaited one",
    "transcripts/jobs/session.py": "one life: from the claim to the outcome, in order",
    "transcripts/jobs/runner.py": "one loop with its three companions and their end",
}
#: Written by others, or by tools.
FOREIGN = ("/migrations/", "/vendor/", ".lock")


@cache
def tracked(*suffixes: str) -> list[str]:
    """Committed files, by their path from the root; all of them without a suffix."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return [
        name
        for name in listed.splitlines()
        if (ROOT / name).is_file()
        and (not suffixes or name.endswith(suffixes))
        and not any(mark in f"/{name}" for mark in FOREIGN)
    ]


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def product() -> list[str]:
    return [name for name in tracked(".py") if name.startswith(("sttweb/", "transcripts/"))]


def lines_of(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring."""
    doc = node.body[0] if ast.get_docstring(node, clean=False) is not None else None
    return lines_of(node) - (lines_of(doc) if doc else 0)


def functions() -> list[tuple[str, int]]:
    return [
        (f"{name}:{node.lineno} {node.name}", length(node))
        for name in product()
        for node in ast.walk(ast.parse(read(name)))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_modules_stay_small():
    sizes = {name: len(read(name).splitlines()) for name in product()}
    assert {name: size for name, size in sizes.items() if size > MODULE_LINES and name not in LONGER} == {}
    assert set(LONGER) <= {name for name, size in sizes.items() if size > MODULE_LINES}, "LONGER names a short module"


def test_no_file_is_longer_than_anyone_reads():
    sizes = {name: len(read(name).splitlines()) for name in tracked(".py", ".js", ".css", ".html")}
    assert {name: size for name, size in sizes.items() if size > LONGEST_FILE} == {}


def test_functions_stay_short():
    sizes = functions()
    assert [f"{name}: {size} lines" for name, size in sizes if size > FUNCTION_LINES] == []
    assert median(size for _, size in sizes) <= MEDIAN_FUNCTION_LINES


def test_every_module_says_what_it_is():
    assert [name for name in product() if read(name).strip() and not ast.get_docstring(ast.parse(read(name)))] == []


def test_imports_point_down_and_the_cores_stay_pure():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# Written in pieces, so that this file does not find itself.
OF_A_MACHINE = {
    "a path of one machine": ("(^|[^\\w])/(", "work|farm|home/\\w+)/", "|/", "root/"),
    "the host of a package registry": (
        "(?i)pypi\\.",
        "org|python",
        "hosted|npm",
        "js\\.|crates\\.",
        "io|--(extra-)?index-",
        "url",
    ),
    "a secret": ("-----BEGIN [A-Z ]*PRIVATE ", "KEY|\\bsk_[0-9a-f]{40,}|\\bAKIA[0-9A-Z]{16}\\b"),
    "unfinished work": ("\\b(TO", "DO|FIX", "ME|XX", "X)\\b|raise NotImplemented", "Error"),
}


@pytest.mark.parametrize("what", OF_A_MACHINE)
def test_nothing_committed_holds(what):
    pattern, found = re.compile("".join(OF_A_MACHINE[what])), []
    for name in [*tracked(), "requirements.lock", "requirements-dev.lock"]:
        content = (ROOT / name).read_bytes()
        if b"\0" not in content[:4096]:
            lines = enumerate(content.decode("utf-8", "replace").splitlines(), 1)
            found += [f"{name}:{number}" for number, line in lines if pattern.search(line)]
    assert found == []


def test_text_from_strangers_is_never_made_markup():
    pattern = re.compile(
        r"\|\s*safe\b|mark_" + r"safe|autoescape off|\.innerHTML|\.outerHTML|insertAdjacentHTML|document\.write"
    )
    own = [name for name in tracked(".py", ".html", ".js") if not name.startswith(("tests/", "bench/"))]
    assert [name for name in own if pattern.search(read(name))] == []


def test_no_page_holds_script_or_style_of_its_own():
    inline = re.compile(
        r"<script(?![^>]*\b(src=|type=\"application/json\"))|<style\b|\sstyle=|\son[a-z]+=\"|javascript:"
    )
    assert [name for name in tracked(".html") if inline.search(read(name))] == []


def test_ci_is_there_and_can_be_run():
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
