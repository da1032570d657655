"""The cache that all processes share: what Django promises of a cache, and one count for several processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from django.db import connection

from tests.conftest import async_db
from transcripts import sharedcache
from transcripts.models import Remembered
from transcripts.sharedcache import SharedCache

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture
def cache(db: None) -> SharedCache:
    return SharedCache("", {})


def expire() -> None:
    Remembered.objects.update(expires_at=time.time() - 1)


def test_what_was_set_is_there_until_its_time_is_over(cache):
    assert cache.get("a", "nothing") == "nothing"
    cache.set("a", [1.25, "x", None], 60)
    cache.set("a", [2.5], 60)
    assert cache.get("a") == [2.5]
    assert "a" in cache
    expire()
    assert cache.get("a") is None
    assert "a" not in cache
    assert not cache.touch("a", 60)


def test_what_is_remembered_for_ever_stays(cache):
    cache.set("a", 1, None)
    cache.set("b", 2, 0)
    assert cache.get_many(["a", "b"]) == {"a": 1}
    assert sharedcache.sweep() == 1
    assert cache.get("a") == 1
    assert cache.delete("a")
    assert not cache.delete("a")


def test_only_the_first_adds_and_the_next_one_when_it_is_over(cache):
    assert cache.add("a", 1, 60)
    assert not cache.add("a", 2, 60)
    assert cache.get("a") == 1
    expire()
    assert cache.add("a", 3, 60)
    assert cache.get("a") == 3


def test_counting_keeps_the_time_that_was_set(cache):
    with pytest.raises(ValueError, match="Nothing"):
        cache.incr("a")
    cache.set("a", 1, 60)
    until = Remembered.objects.get().expires_at
    assert until is not None
    assert (cache.incr("a"), cache.decr("a", 3)) == (2, -1)
    assert Remembered.objects.get().expires_at == until
    cache.touch("a", 600)
    assert Remembered.objects.filter(expires_at__gt=until).exists()


def test_names_are_unreadable_in_the_database(cache):
    cache.set("login:192.0.2.7", [1.0], 60)
    assert "192.0.2.7" not in str(list(Remembered.objects.values()))
    cache.clear()
    assert not Remembered.objects.exists()


@async_db
def test_of_many_who_add_at_the_same_moment_one_did():
    together, cache = Barrier(6), SharedCache("", {})

    def add(number: int) -> bool:
        try:
            together.wait(30)
            return cache.add("a", number, 60)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        said = list(pool.map(add, range(6)))
    assert sorted(said) == [False] * 5 + [True]
    assert cache.get("a") == said.index(True)


#: Wrong passwords for one account, from an address of its own, until the limit says no; prints how many were judged.
GUESS = """
import sys
from django.test import Client
guesses, address = int(sys.argv[1]), sys.argv[2]
judged = 0
for number in range(guesses):
    page = Client().post("/login", {"login": "dora", "password": f"wrong{number}"}, REMOTE_ADDR=address)
    judged += "Too many failed" not in page.content.decode()
print("judged", judged)
"""


def test_two_web_processes_count_the_failures_of_one_account_together(tmp_path):
    environment = {**os.environ, "STTWEB_VAR": str(tmp_path)}

    def run(*arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(command, env=environment, cwd=REPOSITORY, capture_output=True, text=True, timeout=150)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def guess(count: int, address: str) -> int:
        begin = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'sttweb.settings'; django.setup()\n"
        begin += "from django.test.utils import setup_test_environment; setup_test_environment()\n"
        return int(run("-c", begin + GUESS, str(count), address).split()[-1])

    run("manage.py", "migrate", "--verbosity", "0")
    make = "from django.contrib.auth.models import User; User.objects.create_user('dora', password='right-one-77')"
    run("manage.py", "shell", "--verbosity", "0", "--command", make)
    assert guess(3, "192.0.2.1") == 3
    assert guess(4, "192.0.2.2") == 2
