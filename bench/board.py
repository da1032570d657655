"""What a team's board costs with many live sessions: messages and bytes to each watcher, queries and time of a round.

    python -m bench.board [--sessions 500] [--rounds 5]

Fills a database of its own with live sessions, opens a board with one watcher who reads everything, and lets every
session commit once a round; then the poll compares. Prints, asserts nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any


def fill(count: int) -> Any:
    """A team with ``count`` live sessions that say something."""
    from django.core.management import call_command

    from transcripts import services
    from transcripts.models import SourceKind, Team, Transcript

    call_command("migrate", verbosity=0)
    team = Team.objects.create(name="Newsroom")
    for number in range(count):
        link = services.Submission(
            title=f"Channel {number}", kind=SourceKind.URL, url=f"https://media.example.org/{number}"
        )
        services.submit(team, None, link, wake=False)
    said = "Good evening, and welcome to the programme; the river rose another thirty centimetres overnight."
    Transcript.objects.update(state="running", is_live=True, last_text=said, segment_count=400, last_seq=400)
    return team.pk


async def run(options: argparse.Namespace, team: Any) -> None:
    """Open the board, then rounds."""
    from asgiref.sync import sync_to_async
    from django.db.models import F

    from transcripts.live import board
    from transcripts.live.outbox import Outbox
    from transcripts.live.publish import GROWN
    from transcripts.live.station import read_unfinished
    from transcripts.models import Transcript

    sent: list[int] = []
    closed: list[int] = []

    async def send(text: str) -> None:
        sent.append(len(text))

    async def close(code: int) -> None:
        closed.append(code)

    board.CARD_SECONDS = 0.2
    feed, outbox = board.BoardFeed(team), Outbox(send, close)
    feed.watchers.add(outbox)
    ids = [str(key) async for key in Transcript.objects.values_list("pk", flat=True)]
    await measured("hello", sent, closed, feed.follow(outbox, 0))
    for _ in range(options.rounds):
        await Transcript.objects.aupdate(last_seq=F("last_seq") + 1)
        for key in ids:
            feed.hear({"type": GROWN, "transcript": key, "seq": 401})
        await measured("a round in which all spoke", sent, closed, asyncio.sleep(1.0))
    heads = (await sync_to_async(read_unfinished)([team]))[team]
    feed.compare(heads)
    await measured("the poll", sent, closed, asyncio.sleep(1.0))
    await feed.stop()
    await outbox.stop()


async def measured(what: str, sent: list[int], closed: list[int], work: Any) -> None:
    """Await something and print what was sent meanwhile, and the processor time of it all."""
    sent.clear()
    before = time.process_time()
    await work
    await asyncio.sleep(0.5)
    took = (time.process_time() - before) * 1000
    print(f"{what:28} {len(sent):4} messages {sum(sent) / 1024:7.1f} KiB  {took:6.0f} ms of processor time  {closed}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"STTWEB_VAR": str(Path(folder)), "DJANGO_SETTINGS_MODULE": "sttweb.settings"}
        import django

        django.setup()
        asyncio.run(run(options, fill(options.sessions)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
