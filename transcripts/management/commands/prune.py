"""`manage.py prune`: erase now what the teams' retention says is due, and finish what an earlier erasure left."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from transcripts.models import Erased
from transcripts.upkeep import erasing, reconcile, retention


class Command(BaseCommand):
    """Workers do the same by themselves every few minutes; this is for cron, and for looking first."""

    help = "Erase transcripts and recordings that are older than their team keeps them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command line."""
        parser.add_argument("--dry-run", action="store_true", help="only say what would be erased")
        parser.add_argument(
            "--compact",
            action="store_true",
            help="rewrite the database file whatever its size, so that nothing of what was deleted is left in it; "
            "nothing can be written meanwhile",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command; it goes on until nothing is due."""
        if options["dry_run"]:
            self._say()
            return
        total = 0
        while count := retention.prune():
            total += count
        retention.expire_audit()
        finished = erasing.finish_pending(compact=options["compact"])
        left = reconcile.unfinished_erasures()
        self.stdout.write(f"Erased by retention: {total}. Erasures finished: {finished}. Still open: {left}.")

    def _say(self) -> None:
        count = 0
        for item in retention.due(limit=1_000_000):
            count += 1
            what = "everything" if item.what == Erased.ALL else "recording"
            ended = item.transcript.finished_at
            when = f"{ended:%Y-%m-%d}" if ended else "?"
            self.stdout.write(f"{item.transcript.pk}  {what:10}  ended {when}  team {item.transcript.team_id}")
        self.stdout.write(f"Would be erased: {count}. Nothing was changed.")
