"""`manage.py reseal`: after a new master key was put in front, seal every stored secret with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db.models import Model, TextField
from django.db.models.functions import Cast

from transcripts.accounts.factors import reseal_factors
from transcripts.sealing import SealedField, Unreadable, unseal


class Command(BaseCommand):
    """Everything may run on. Exits with 1 when a secret cannot be opened with any of the keys; that one stays."""

    help = "Seal the secrets in the database with the first of STTWEB_MASTER_KEYS; the others can go afterwards."

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the command. Raises CommandError."""
        results = [reseal_factors(), *(_reseal(model, field) for model, field in _columns())]
        done, unreadable = (sum(column) for column in zip(*results, strict=True))
        self.stdout.write(f"{done} secrets are sealed with the first key.")
        if unreadable:
            raise CommandError(
                f"{unreadable} secrets cannot be opened with these keys. Put the earlier key back behind the first, "
                "or enter those secrets again."
            )


def _columns() -> Iterator[tuple[type[Model], str]]:
    for model in apps.get_models():
        yield from ((model, field.name) for field in model._meta.concrete_fields if isinstance(field, SealedField))


def _reseal(model: type[Model], field: str) -> tuple[int, int]:
    """How many of a column were sealed anew, and how many cannot be opened; what changes meanwhile is new anyway."""
    done = unreadable = 0
    rows = model._base_manager.annotate(_sealed=Cast(field, TextField())).exclude(_sealed="")
    for pk, sealed in rows.values_list("pk", "_sealed"):
        try:
            done += rows.filter(pk=pk, _sealed=sealed).update(**{field: unseal(sealed)})
        except Unreadable:
            unreadable += 1
    return done, unreadable
