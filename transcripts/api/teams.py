"""What a team has decided, who is in it, and what it has used."""

from __future__ import annotations

from typing import Any

from django.db.models import Count
from django.http import Http404
from django.utils.translation import gettext as _
from ninja import Router, Status

from transcripts import access, engine_settings, limits, presetting, tagging
from transcripts.access import RIGHTS, Holder, Right
from transcripts.api.auth import HolderRequest
from transcripts.api.errors import Refusal
from transcripts.api.ordering import judged
from transcripts.api.paging import MOST_ID
from transcripts.api.teamschemas import (
    DefaultsIn,
    DefaultsOut,
    MembersOut,
    PresetIn,
    PresetOut,
    PresetsOut,
    TagOut,
    TagPatch,
    TagsOut,
    UsageOut,
)
from transcripts.engine_forms import DefaultsForm
from transcripts.forms import first_errors
from transcripts.jobs.clean import clean_line, clean_text
from transcripts.models import Engine, Membership, Role, Tag, Team, TeamPreset, this_month
from transcripts.reviewing.people import name_of

router = Router(tags=["team"])


@router.get("/members", response=MembersOut)
def list_members(request: HolderRequest) -> dict[str, Any]:
    """Who is in the team. Scope `read`."""
    access.require(request.auth, Right.SEE)
    rows = Membership.objects.filter(team=request.auth.team, user__is_active=True).select_related("user")
    return {"items": [_member(row) for row in rows.order_by("created_at", "pk")]}


def _member(row: Membership) -> dict[str, Any]:
    may_review = Right.REVIEW in RIGHTS[Role(row.role)]
    return {"id": row.user_id, "name": name_of(row.user), "role": row.role, "may_review": may_review}


@router.get("/usage", response=UsageOut)
def read_usage(request: HolderRequest) -> dict[str, Any]:
    """Hours and money of this month and the last, against the team's limit. Scope `manage`."""
    access.require(request.auth, Right.MANAGE)
    team, now = request.auth.team, this_month()
    standing = limits.standing(team.pk)
    return {
        "months": [_month(team, first) for first in (now, limits.month_before(now))],
        "used": standing.used,
        "limit": standing.limit,
        "unit": standing.unit,
        "percent": standing.percent,
        "level": standing.level,
    }


def _month(team: Team, first: Any) -> dict[str, Any]:
    month = limits.month_of(team.pk, first)
    values = {"hosted_hours": month.hosted_hours, "embedded_hours": month.embedded_hours, "cost": month.cost}
    return values | {"month": month.first, "currency": limits.price()[0]}


# --- Defaults and presets ----------------------------------------------------------------------------------------


@router.get("/defaults", response=DefaultsOut)
def read_defaults(request: HolderRequest) -> Any:
    """What new transcripts of the team begin with, its vocabulary among it. Scope `read`."""
    access.require(request.auth, Right.SEE)
    return engine_settings.of(request.auth.team)


@router.patch("/defaults", response=DefaultsOut)
def change_defaults(request: HolderRequest, data: DefaultsIn) -> Any:
    """Change what new transcripts begin with. Scope `manage`."""
    held = request.auth
    access.require(held, Right.MANAGE)
    row = engine_settings.of(held.team)
    values = {"engine": row.engine, "language": row.language, "preset": row.preset, "keyterms": row.keyterms}
    values |= data.model_dump(exclude_unset=True)
    lines = "\n".join(" ".join(term.split()) for term in values["keyterms"])
    form = DefaultsForm(values | {"engine": values["engine"] or "", "keyterms": lines})
    if not form.is_valid():
        fields = {name or "request": list(texts) for name, texts in first_errors(form).items()}
        message = _("Transcripts cannot begin with that.")
        raise Refusal("bad_defaults", message, _("Change what “fields” names."), fields=fields)
    engine_settings.set_defaults(held.team, held.person, **form.cleaned_data)
    return engine_settings.of(held.team)


@router.get("/presets", response=PresetsOut)
def list_presets(request: HolderRequest) -> dict[str, Any]:
    """Options that the team has given a name; send it as `team_preset` with a new transcript. Scope `read`."""
    access.require(request.auth, Right.SEE)
    return {"items": list(TeamPreset.objects.filter(team=request.auth.team))}


@router.post("/presets", response={201: PresetOut})
def save_preset(request: HolderRequest, data: PresetIn) -> Status[TeamPreset]:
    """Give options a name; one of that name is replaced by whoever saved it, or with the scope
    `manage` as well. Scope `submit`."""
    held = request.auth
    access.require(held, Right.SUBMIT)
    form = judged(held.team, data)
    preset = presetting.save(
        held.team,
        held.person,
        clean_line(data.name),
        manages=_manages(held),
        engine=Engine(form.cleaned_data["engine"]),
        language=form.cleaned_data["language"],
        options=form.options(),
    )
    return Status(201, preset)


@router.delete("/presets/{int:preset_id}", response={204: None})
def delete_preset(request: HolderRequest, preset_id: int) -> Status[None]:
    """Forget a preset of one's own; with the scope `manage` as well, that of anybody. Transcripts keep their options.
    Scope `submit`."""
    held = request.auth
    access.require(held, Right.SUBMIT)
    preset = TeamPreset.objects.filter(team=held.team, pk=min(preset_id, MOST_ID)).first()
    if preset is None:
        raise Http404("No such preset.")
    presetting.delete(preset, held.person, manages=_manages(held))
    return Status(204, None)


def _manages(held: Holder) -> bool:
    """The role alone is not enough: a token may do what its scopes allow as well."""
    return Right.MANAGE in held.rights


# --- Tags --------------------------------------------------------------------------------------------------------


@router.get("/tags", response=TagsOut)
def list_tags(request: HolderRequest) -> dict[str, Any]:
    """The team's tags. Scope `read`."""
    access.require(request.auth, Right.SEE)
    return {"items": list(_tags(request.auth))}


def _tags(held: Holder) -> Any:
    """Rows as `TagOut`."""
    rows = Tag.objects.filter(team=held.team).annotate(count=Count("taggings"))
    return ({"id": tag.pk, "name": tag.name, "transcripts": tag.count} for tag in rows)


def _tag(held: Holder, tag_id: int) -> Tag:
    access.require(held, Right.MANAGE)
    found = Tag.objects.filter(team=held.team, pk=min(tag_id, MOST_ID)).first()
    if found is None:
        raise Http404("No such tag.")
    return found


@router.patch("/tags/{int:tag_id}", response=TagOut)
def rename_tag(request: HolderRequest, tag_id: int, data: TagPatch) -> dict[str, Any]:
    """Give a tag another name; the name of another one makes the two one. Scope `manage`."""
    after = tagging.rename(_tag(request.auth, tag_id), clean_text(data.name))
    return next(shown for shown in _tags(request.auth) if shown["id"] == after.pk)


@router.delete("/tags/{int:tag_id}", response={204: None})
def delete_tag(request: HolderRequest, tag_id: int) -> Status[None]:
    """Delete a tag; its transcripts stay. Scope `manage`."""
    _tag(request.auth, tag_id).delete()
    return Status(204, None)
