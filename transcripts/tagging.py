"""What people do with tags: put on, take off, rename, merge, delete. Each is one transaction.

Callers have been through `access.py`; nothing here asks for rights again.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from transcripts.models import Tag, Tagging, Team, Transcript
from transcripts.models.tag import tag_key, tag_name

#: Most tags of a team: more than anybody finds again.
MOST_TAGS = 500


class TagRefused(Exception):
    """A tag that cannot be made or renamed so: ``code``, a sentence and the next step for the person."""

    def __init__(self, code: str, message: str, next_step: str) -> None:
        super().__init__(f"{message} {next_step}")
        self.code, self.message, self.next_step = code, message, next_step


def _checked(text: str) -> str:
    name = tag_name(text)
    if not tag_key(name):
        raise TagRefused("tag_without_name", _("A tag needs a name."), _("Type one, then try again."))
    return name


@transaction.atomic
def put(rows: Collection[Transcript], text: str) -> list[Tag]:
    """Tag all rows, each with the tag of its own team, which is made where it is missing. Raises TagRefused."""
    name = _checked(text)
    tags = {team: _made(team, name) for team in sorted({row.team_id for row in rows})}
    taggings = [Tagging(tag=tags[row.team_id], transcript=row) for row in rows]
    Tagging.objects.bulk_create(taggings, ignore_conflicts=True)
    return list(tags.values())


def _made(team_id: UUID, name: str) -> Tag:
    known = Tag.objects.filter(team=team_id, key=tag_key(name)).first()
    if known is not None:
        return known
    _one_at_a_time(team_id)
    if Tag.objects.filter(team=team_id).count() >= MOST_TAGS:
        raise TagRefused(
            "too_many_tags",
            _("The team has %(count)s tags already.") % {"count": MOST_TAGS},
            _("Delete or merge some of them first."),
        )
    return Tag.objects.get_or_create(team_id=team_id, key=tag_key(name), defaults={"name": name})[0]


def _one_at_a_time(team_id: UUID) -> None:
    """Who makes and renames tags of a team waits here for each other; who adds transcripts to it does not."""
    Team.objects.select_for_update(no_key=True).filter(pk=team_id).first()


@transaction.atomic
def take(rows: Collection[Transcript], text: str) -> int:
    """Take the tag of that name off all rows; how many had it."""
    return Tagging.objects.filter(transcript__in=rows, tag__key=tag_key(text)).delete()[0]


@transaction.atomic
def rename(tag: Tag, text: str) -> Tag:
    """Give a tag another name; where the team has a tag of that name, the two become that one. Raises TagRefused."""
    name = _checked(text)
    _one_at_a_time(tag.team_id)
    other = Tag.objects.filter(team=tag.team_id, key=tag_key(name)).exclude(pk=tag.pk).first()
    if other is None:
        tag.name = name
        tag.save()
        return tag
    tagged = Tagging.objects.filter(tag=tag).values_list("transcript", flat=True)
    both = (Tagging(tag=other, transcript_id=key) for key in tagged.iterator(2000))
    Tagging.objects.bulk_create(both, batch_size=2000, ignore_conflicts=True)
    tag.delete()
    return other


def names_of(teams: Sequence[Team]) -> list[str]:
    """The names of these teams' tags, in order, each spelling once."""
    rows = Tag.objects.filter(team__in=teams).order_by("key").values_list("key", "name")
    return list(dict(rows).values())
