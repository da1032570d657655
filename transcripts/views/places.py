"""The pages of a team, as the tabs that stand on each of them: one table of names, words and rights."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from transcripts import access
from transcripts.access import Person, Right
from transcripts.models import Team

#: Name of the URL, word, and the right that opens it, in the order of the tabs.
PAGES: tuple[tuple[str, Promise, Right], ...] = (
    ("team-settings", _("Settings"), Right.MANAGE),
    ("team-members", _("Members"), Right.SEE),
    ("team-tokens", _("API tokens"), Right.SEE),
    ("team-webhooks", _("Webhooks"), Right.MANAGE),
    ("team-audit", _("Audit"), Right.MANAGE),
)


def pages_of(person: Person, team: Team) -> list[tuple[str, Promise]]:
    """Names and words of the pages of a team that the person may open, in one query."""
    rights = access.rights_in(person, [team.pk]).get(team.pk, frozenset())
    return [(name, word) for name, word, right in PAGES if right in rights]
