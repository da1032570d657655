"""How fast the library and its search answer with a large archive, on SQLite and PostgreSQL.

    python -m bench.library                                        5,000 transcripts, 250,000 segments, SQLite
    python -m bench.library --transcripts 100000 --segments 5000000
    python -m bench.library --database postgres://…                an empty database of yours

Fills a scratch database (rows made by the database itself, so the index is filled by what fills it in the product),
then asks the page through Django's test client and prints p50 and p95 against the goals of DESIGN.md section 4. Words
follow Zipf's law. ``--keep FOLDER`` keeps the SQLite file and uses it again. What the columns say: `bench.stopwatch`.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import archive, marks, stopwatch
from bench.stopwatch import Lap

PAGE_GOAL, SEARCH_GOAL = 50.0, 150.0
#: What is asked, as (what it stands for, query string). ``<7>`` is the eighth most frequent word, ``<3*>`` the three
#: letters that most spoken words begin with.
PAGES = [
    ("newest", ""),
    ("second page", "after=1"),
    ("by state, rare", "state=failed"),
    ("by language, rare", "language=de"),
    ("with gaps", "trouble=gaps"),
    ("unconfirmed", "trouble=unconfirmed"),
    ("one month", "since=2025-03-01&until=2025-03-31"),
    ("a length, rare", "length=120-"),
    ("a length that is nowhere", "length=30-120"),
    ("a tag of many", "tag=many"),
    ("a tag of few", "tag=few"),
    ("a speaker of many", "speaker=speaker_0"),
    ("a speaker of few", "speaker=Ana"),
    ("a speaker that is nowhere", "speaker=Nobody"),
    ("returned by a reviewer, rare", "review=returned"),
    ("never sent to review", "review=none"),
    ("in short", "view=compact"),
]
SEARCHES = [
    ("the commonest word", "q=<0>"),
    ("two common words", "q=<1>+<3>"),
    ("a phrase of common words", "q=%22<0>+<1>%22"),
    ("a usual word", "q=<300>"),
    ("a rare word", "q=<29000>"),
    ("a word that is nowhere", "q=zebra"),
    ("common and rare", "q=<0>+<29000>"),
    ("common, refused common", "q=<2>+-<0>"),
    ("a beginning of three letters, broad", "q=<3*>*"),
    ("a beginning of four letters, broad", "q=<4*>*"),
    ("a beginning of five letters, broad", "q=<5*>*"),
    ("a beginning of six letters, broad", "q=<6*>*"),
    ("a word and a broad beginning", "q=<300>+<3*>*"),
    ("common, rare state", "q=<0>&state=failed"),
    ("usual, rare state", "q=<300>&state=failed"),
    ("rare, rare state", "q=<29000>&state=failed"),
    ("common, no such state", "q=<0>&state=paused"),
    ("common, one month", "q=<0>&since=2025-03-01&until=2025-03-31"),
    ("common, a tag of few", "q=<0>&tag=few"),
    ("common, a speaker of few", "q=<0>&speaker=Ana"),
    ("common, returned by a reviewer", "q=<0>&review=returned"),
    ("a title", "q=hearing+77"),
    ("commonest, most mentions first", "q=<0>&sort=mentions"),
    ("usual, most mentions first", "q=<300>&sort=mentions"),
]


def main() -> None:
    """Fill, measure, print."""
    asked = arguments(__doc__)
    with filled(asked):
        _measure(asked.rounds)


@contextmanager
def filled(asked: argparse.Namespace) -> Iterator[None]:
    """Django on the archive that the arguments name, filled if it is empty."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["STTWEB_VAR"] = folder
        os.environ["DATABASE_URL"] = asked.database
        _start(asked.database, Path(asked.keep or folder) / "library.sqlite3")
        from transcripts.models import Transcript

        started = time.perf_counter()
        if not Transcript.objects.exists():
            archive.fill(asked.transcripts, asked.segments)
            print(f"filled with {asked.transcripts:,} transcripts and {asked.segments:,} segments", end=" ")
            print(f"in {time.perf_counter() - started:.0f} s", flush=True)
        archive.tag()
        marks.leave()
        yield


def arguments(about: str | None) -> argparse.Namespace:
    """What to fill and how often to ask."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transcripts", type=int, default=5_000)
    parser.add_argument("--segments", type=int, default=250_000)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--database", default="", help="URL of an empty PostgreSQL database")
    parser.add_argument("--keep", default="", help="folder in which the SQLite file is kept and used again")
    return parser.parse_args()


def _start(database: str, file: Path) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "sttweb.settings"
    import django
    from django.conf import settings
    from django.core.management import call_command

    if not database:
        settings.DATABASES["default"]["NAME"] = file
    else:
        # Filling takes longer than any statement of the product may.
        settings.DATABASES["default"]["OPTIONS"]["options"] = "-c statement_timeout=0 -c jit=off"
    settings.ALLOWED_HOSTS.append("testserver")
    django.setup()
    call_command("migrate", verbosity=0)
    import sttweb.asgi  # noqa: F401 - as the server does: what is loaded leaves the collector's sight


def _measure(rounds: int) -> None:
    from django.contrib.auth.models import User
    from django.test import Client
    from django.test.utils import setup_test_environment

    setup_test_environment()
    client = Client()
    client.force_login(User.objects.get(username="owner"))
    print(f"load {os.getloadavg()[0]:.1f}\n{stopwatch.HEAD}\n{stopwatch.reference(client, rounds)}")
    worst = [_group(client, "library page", PAGES, PAGE_GOAL, rounds)]
    worst.append(_group(client, "search", SEARCHES, SEARCH_GOAL, rounds))
    print(f"load {os.getloadavg()[0]:.1f}")
    sys.exit(0 if all(worst) else 1)


def _group(client: Any, name: str, cases: Sequence[tuple[str, str]], goal: float, rounds: int) -> bool:
    """Whether 95 of 100 requests of the group took at most ``goal`` ms by the clock."""
    print(f"{name} (goal: p95 {goal:.0f} ms)")
    everything: list[Lap] = []
    for what, query in cases:
        address = f"/library{_next(client)}" if query == "after=1" else f"/library?{spelled(query)}"
        laps, found = _laps(client, address, rounds)
        everything += laps
        print(f"{stopwatch.line(what, laps)}  {found:3} found", flush=True)
    clock, unqueued = (stopwatch.p95([getattr(lap, way) for lap in everything]) for way in ("clock", "unqueued"))
    said = ["reached" if value <= goal else "MISSED" for value in (clock, unqueued)]
    print(f"{stopwatch.line('all', everything)}  {said[0]} by the clock, {said[1]} without the queue")
    return clock <= goal


def spelled(query: str) -> str:
    """The query string with words of the archive."""
    query = re.sub(r"<(\d+)\*>", lambda found: archive.broadest_beginning(int(found[1])), query)
    return re.sub(r"<(\d+)>", lambda found: archive.vocabulary()[int(found[1])], query)


def _next(client: Any) -> str:
    return str(client.get("/library").context["next"])


def _laps(client: Any, address: str, rounds: int) -> tuple[list[Lap], int]:
    """Each round's times, and the rows found."""
    client.get(address)
    rows = [stopwatch.lap(lambda: client.get(address)) for _ in range(rounds)]
    return [lap for lap, _ in rows], len(rows[-1][1].context["cards"])


if __name__ == "__main__":
    main()
