"""How fast the admin answers with a large archive, on SQLite and PostgreSQL.

    python -m bench.admin --keep FOLDER            the archive that `bench.library` keeps, or a new one
    python -m bench.admin --database postgres://…

Asks through Django's test client as a superuser and prints the times of `bench.stopwatch` and the statements of a page.
There is no goal in DESIGN.md for the admin; what takes longer than a search of the library may is marked.
"""

from __future__ import annotations

import os
from typing import Any

from bench import marks, stopwatch
from bench.library import SEARCH_GOAL, arguments, filled, spelled

LIST, SEGMENTS, EVENTS = (f"/admin/transcripts/{name}/" for name in ("transcript", "segment", "event"))
#: As (what it stands for, address). ``<7>``: see `bench.library`; ``{long}`` is the id of the transcript of ten hours.
PAGES = [
    ("transcripts, newest", LIST),
    ("transcripts, page 2", f"{LIST}?p=2"),
    ("transcripts, page 100", f"{LIST}?p=100"),
    ("transcripts by state, rare", f"{LIST}?state__exact=failed"),
    ("transcripts by state, nowhere", f"{LIST}?state__exact=paused"),
    ("transcripts of one month", f"{LIST}?created_at__gte=2025-03-01+00:00Z&created_at__lt=2025-04-01+00:00Z"),
    ("transcripts approved", f"{LIST}?review=approved"),
    ("transcripts returned, rare", f"{LIST}?review=returned"),
    ("transcripts never sent to review", f"{LIST}?review=none"),
    ("transcripts with an open flag", f"{LIST}?flag=any"),
    ("transcripts with a flag of a rare kind", f"{LIST}?flag=loop"),
    ("transcripts with a flag of no kind there", f"{LIST}?flag=person"),
    ("transcripts of low confidence, 5 %", f"{LIST}?low=5"),
    ("transcripts of low confidence, 20 %", f"{LIST}?low=20"),
    ("transcripts by length", f"{LIST}?o=-6"),
    ("transcripts by title", f"{LIST}?o=1"),
    ("search, the commonest word", f"{LIST}?q=<0>"),
    ("search, a usual word", f"{LIST}?q=<300>"),
    ("search, a rare word", f"{LIST}?q=<29000>"),
    ("search, a word that is nowhere", f"{LIST}?q=zebra"),
    ("search, a phrase of common words", f"{LIST}?q=%22<0>+<1>%22"),
    ("search, common, rare state", f"{LIST}?q=<0>&state__exact=failed"),
    ("search, common, low confidence", f"{LIST}?q=<0>&low=20"),
    ("ten hours, the beginning", f"{LIST}{{long}}/change/"),
    ("ten hours, the end of the text", f"{LIST}{{long}}/change/?text=72"),
    ("ten hours, the first events", f"{LIST}{{long}}/change/?log=144"),
    ("segments, newest", SEGMENTS),
    ("segments, page 100", f"{SEGMENTS}?p=100"),
    ("segments of low confidence", f"{SEGMENTS}?look=confidence"),
    ("segments never confirmed", f"{SEGMENTS}?look=unconfirmed"),
    ("events, newest", EVENTS),
    ("events of a kind that is nowhere", f"{EVENTS}?kind__exact=gap"),
]


def main() -> None:
    """Measure and print."""
    asked = arguments(__doc__)
    with filled(asked):
        from django.contrib.auth.models import User
        from django.test import Client
        from django.test.utils import setup_test_environment

        from transcripts.models import Transcript

        setup_test_environment()
        client = Client()
        client.force_login(User.objects.get(username="operator"))
        long = str(Transcript.objects.filter(title=marks.LONG_TITLE).values_list("pk", flat=True)[0])
        print(f"load {os.getloadavg()[0]:.1f}\n{stopwatch.HEAD}")
        for what, address in PAGES:
            _page(client, what, spelled(address.replace("{long}", long)), asked.rounds)
        print(f"load {os.getloadavg()[0]:.1f}")


def _page(client: Any, what: str, address: str, rounds: int) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as statements:
        answer = client.get(address)
    count = len(statements)
    assert answer.status_code in (200, 302), f"{address} answers {answer.status_code}"
    laps = [stopwatch.lap(lambda: client.get(address))[0] for _ in range(rounds)]
    slow = "  SLOW" if stopwatch.p95([lap.unqueued for lap in laps]) > SEARCH_GOAL else ""
    print(f"{stopwatch.line(what, laps)}  {count:2} statements{slow}", flush=True)


if __name__ == "__main__":
    main()
