"""`manage.py fsck`: find rows without files, files without rows and broken logs; mend what can be mended."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from transcripts.upkeep import erasing, reconcile


class Command(BaseCommand):
    """Exits with 1 when something does not fit and was not mended, so that cron notices."""

    help = "Compare the database with the media and spool folders."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command line."""
        parser.add_argument("--repair", action="store_true", help="mend what can be mended")
        parser.add_argument("--hashes", action="store_true", help="also read every recording and compare its hash")
        parser.add_argument(
            "--young", type=float, default=24.0, metavar="HOURS", help="age from which a file without a row is a stray"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command."""
        repair, found, mended = options["repair"], 0, 0
        for stray in reconcile.find(hashes=options["hashes"], young_seconds=options["young"] * 3600):
            found += 1
            done = repair and stray.mend is not None
            if done and stray.mend is not None:
                stray.mend()
                mended += 1
            note = "mended" if done else "can be mended" if stray.mend else "needs a person"
            self.stdout.write(f"{stray.code:24} {stray.about}  ({note})")
        if repair:
            erasing.finish_pending()
        open_erasures = reconcile.unfinished_erasures()
        self.stdout.write(f"Found: {found}. Mended: {mended}. Erasures not finished: {open_erasures}.")
        if found > mended or open_erasures:
            raise SystemExit(1)
