"""One HTTP client for the whole code base: every hole found in comparable products was in the second one."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: Modules that open connections to a URL.
CLIENTS = (
    "urllib.request", "http.client", "urllib3", "requests", "httpx", "httpx2", "httpcore", "httpcore2", "aiohttp",
    "ftplib", "pycurl", "tornado.httpclient", "twisted.web.client", "yt_dlp",
)  # fmt: skip

#: The guarded client, in three modules.
THE_ONE = {"transcripts/media/fetch.py", "transcripts/media/network.py", "transcripts/media/post.py"}


def clients_in(source: str) -> set[str]:
    """The HTTP clients that ``source`` imports, at the top or deep inside, also by name."""
    return {name for name in imported(ast.parse(source)) if any(f"{name}.".startswith(f"{c}.") for c in CLIENTS)}


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__"):
                yield str(node.args[0].value)


def sources() -> list[Path]:
    return [ROOT / "manage.py", *(path for name in ("sttweb", "transcripts") for path in (ROOT / name).rglob("*.py"))]


def test_no_module_but_the_guarded_client_talks_http() -> None:
    found = {path.relative_to(ROOT).as_posix(): clients_in(path.read_text("utf-8")) for path in sources()}
    offenders = {name: clients for name, clients in found.items() if clients and name not in THE_ONE}
    assert not offenders
    assert all(found[name] == {"httpcore2"} for name in THE_ONE)


@pytest.mark.parametrize(
    "line",
    ["import urllib.request", "from urllib.request import urlopen", "from urllib import request", "import httpx as h",
     "def f():\n    from http.client import HTTPSConnection", "import importlib\nimportlib.import_module('aiohttp')"],
)  # fmt: skip
def test_the_search_finds_a_client_however_it_is_imported(line: str) -> None:
    assert clients_in(line)


def test_the_search_lets_harmless_relatives_pass() -> None:
    assert not clients_in("from urllib.parse import urlsplit\nfrom http import HTTPStatus\nimport requests_mock_x")
