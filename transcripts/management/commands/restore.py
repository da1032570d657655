"""`manage.py restore FILE`: bring a backup back into an empty installation."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from transcripts.upkeep import restore
from transcripts.upkeep.errors import UpkeepError


class Command(BaseCommand):
    """Everything is compared with the manifest before anything is changed; exits with 1 and a sentence otherwise."""

    help = "Restore a backup into an empty STTWEB_VAR and database (stop all sttweb processes first)."
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command line."""
        parser.add_argument("archive", type=Path, help="a file made by `manage.py backup`")
        parser.add_argument("--force", action="store_true", help="replace everything that is here")
        parser.add_argument(
            "--erasures", type=Path, action="append", default=[], metavar="FILE",
            help="a list of what was erased since (erasures.jsonl of the installation that was lost)",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command. Raises CommandError."""
        try:
            done = restore.load(options["archive"], force=options["force"], erasures=options["erasures"])
        except UpkeepError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The backup could not be restored: {error}.") from error
        made_at, files = done.manifest["made_at"], len(done.manifest["files"])
        self.stdout.write(f"Restored the backup of {made_at}: {files} files, all hashes agree.")
        self.stdout.write(f"Erased again: {done.erased}. Transcripts that go on: {done.resumed}.")
        self.stdout.write("Everyone logs in again. Browsers that were open must be reloaded.")
