"""`manage.py backup FILE|FOLDER`: one archive of the database and the recordings, while everything goes on."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from transcripts.upkeep import backup
from transcripts.upkeep.errors import UpkeepError


class Command(BaseCommand):
    """Exits with 1 and a sentence when the backup could not be made; nothing half is left under its name."""

    help = "Write one archive with the database of this moment and the recordings that it knows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Options of the command line."""
        parser.add_argument(
            "target", help="a file, or a folder (there already, or with a slash at its end) for a file with the time"
        )
        parser.add_argument(
            "--with-secrets",
            action="store_true",
            help="put the secret key and the master keys in; keep such an archive as you keep a key",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command. Raises CommandError."""
        try:
            made = backup.make(_place(options["target"]), with_secrets=options["with_secrets"])
        except UpkeepError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"The backup could not be written: {error.strerror or error}.") from error
        self.stdout.write(f"{made.path}: {made.size / 1e6:.1f} MB, {made.files} files.")
        if made.missing:
            self.stdout.write(f"{made.missing} recordings were not there; `manage.py fsck` names them.")


def _place(target: str) -> Path:
    """A slash at the end means a folder, also one that is not there yet: as a file it would be replaced every night."""
    path = Path(target)
    if target.endswith("/"):
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path
