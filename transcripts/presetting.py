"""What people do with the presets of a team: save under a name, delete. Each is one transaction.

Callers have been through `access.py` (Right.SUBMIT).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from transcripts.models import Engine, Team, TeamPreset

#: Presets that a team may have, and characters of a name.
MOST, NAME_CHARS = 40, 60


class PresetRefused(Exception):
    """A preset that is not saved or deleted: ``code``, a sentence and the next step for the person."""

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(f"{message} {next_step}".strip())
        self.code, self.message, self.next_step = code, message, next_step


def may_change(preset: TeamPreset, person: User, *, manages: bool) -> bool:
    """Whoever saved it, and those who manage the team."""
    return manages or preset.created_by_id == person.pk


def check_name(team: Team, person: User, name: str, *, manages: bool) -> None:
    """``name`` can be given to a preset by this person. Raises PresetRefused: ``preset_name``, ``preset_taken``,
    ``too_many_presets``."""
    if not name or len(name) > NAME_CHARS:
        raise PresetRefused("preset_name", _("Give it a name of at most 60 characters."))
    known = TeamPreset.objects.filter(team=team)
    same = known.filter(name=name).first()
    if same is not None and not may_change(same, person, manages=manages):
        raise PresetRefused("preset_taken", _("Somebody else has a preset of that name. Choose another name."))
    if same is None and known.count() >= MOST:
        sentence = _("The team has %(count)s presets, the most there can be. Delete one first.") % {"count": MOST}
        raise PresetRefused("too_many_presets", sentence)


@transaction.atomic
def save(
    team: Team, person: User, name: str, *, manages: bool, engine: Engine, language: str, options: Mapping[str, Any]
) -> TeamPreset:
    """Keep options under a name; one that has it is replaced by whoever may change it, and stays whose it was. Raises
    as `check_name`."""
    Team.objects.select_for_update().get(pk=team.pk)
    check_name(team, person, name, manages=manages)
    values = {"engine": engine, "language": language, "options": dict(options)}
    preset, _made = TeamPreset.objects.update_or_create(
        team=team, name=name, defaults=values, create_defaults={**values, "created_by": person}
    )
    return preset


def delete(preset: TeamPreset, person: User, *, manages: bool) -> None:
    """Forget it; transcripts keep their options. Raises PresetRefused (``preset_of_another``)."""
    if not may_change(preset, person, manages=manages):
        raise PresetRefused("preset_of_another", _("Only who saved it, or a manager, can delete it."))
    preset.delete()
