"""Options that a team has given a name: saved from the form of a new transcript, chosen there, deleted there."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render, resolve_url
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from transcripts import engine_settings, presetting
from transcripts.access import Right
from transcripts.forms import SubmitForm, first_errors
from transcripts.jobs.clean import clean_line
from transcripts.models import Engine, Team, TeamPreset
from transcripts.views.shell import TeamRequest, current_membership, in_team, rights


class PresetForm(SubmitForm):
    """The options of the form without anything to transcribe."""

    def clean(self) -> dict[str, Any]:
        """As for a transcript, but nothing to transcribe is no mistake."""
        data = super().clean()
        self.errors.pop("links", None)
        return data


def listed(request: TeamRequest, chosen: TeamPreset | None = None) -> dict[str, Any]:
    """Context of the presets in a form; ``removable`` are those that this person may delete."""
    presets, manages = list(TeamPreset.objects.filter(team=request.team)), _manages(request)
    removable = [one for one in presets if presetting.may_change(one, request.user, manages=manages)]
    return {"presets": presets, "removable": removable, "chosen": chosen}


def chosen_by(request: TeamRequest) -> TeamPreset | None:
    """The preset that the query names, when the team has it."""
    key = request.GET.get("preset", "")
    known = key.isascii() and key.isdecimal() and len(key) < 19
    return TeamPreset.objects.filter(team=request.team, pk=int(key)).first() if known else None


def initial_of(team: Team, preset: TeamPreset | None) -> dict[str, Any]:
    """What the form begins with: the preset, else what the team has decided; lists as people write them."""
    if preset is None:
        return engine_settings.initial_of(team)
    own: dict[str, Any] = preset.options
    lists = {key: "\n".join(value) for key, value in own.items() if isinstance(value, list)}
    return own | lists | {"engine": preset.engine, "language": preset.language}


@require_POST
@in_team(Right.SUBMIT)
def save(request: TeamRequest) -> HttpResponse:
    """``/presets``: keep the options of the form under ``preset_name``; one of that name is replaced by whoever may
    delete it."""
    name = clean_line(request.POST.get("preset_name", ""))
    values = request.POST.copy()
    values.pop("links", None)
    form = PresetForm(values, {}, team=request.team)
    try:
        presetting.check_name(request.team, request.user, name, manages=_manages(request))
        if problem := _problem(form):
            return _answer(request, problem=problem, name=name)
        chosen = presetting.save(
            request.team,
            request.user,
            name,
            manages=_manages(request),
            engine=Engine(form.cleaned_data["engine"]),
            language=form.cleaned_data["language"],
            options=form.options(),
        )
    except presetting.PresetRefused as refused:
        return _answer(request, problem=str(refused), name=name)
    return _answer(request, chosen=chosen, said=_("Saved as “%(name)s”.") % {"name": name})


def _problem(form: PresetForm) -> str:
    """Why the options cannot be saved, in one sentence; nothing when they can."""
    if form.is_valid():
        return ""
    field, texts = next(iter(first_errors(form).items()))
    label = form.fields[field].label if field in form.fields else ""
    return f"{label}: {next(iter(texts))}" if label else str(next(iter(texts)))


@require_POST
@in_team(Right.SUBMIT)
def delete(request: TeamRequest, preset_id: int) -> HttpResponse:
    """``/presets/<id>/delete``: by who made it, or a manager. Transcripts keep the options they were made with."""
    preset = TeamPreset.objects.filter(team=request.team, pk=preset_id).first()
    if preset is None:
        raise Http404("No such preset.")
    try:
        presetting.delete(preset, request.user, manages=_manages(request))
    except presetting.PresetRefused as refused:
        return _answer(request, problem=str(refused))
    return _answer(request, said=_("“%(name)s” was deleted.") % {"name": preset.name})


def _manages(request: TeamRequest) -> bool:
    return Right.MANAGE in rights(current_membership(request))


def _answer(
    request: TeamRequest, *, chosen: TeamPreset | None = None, said: str = "", problem: str = "", name: str = ""
) -> HttpResponse:
    """The list anew for a script; for others the form again, with what was typed."""
    if request.htmx:
        context = listed(request, chosen) | {"said": said, "problem": problem, "preset_name": name}
        return render(request, "transcripts/_presets.html", context)
    (messages.error if problem else messages.success)(request, problem or said)
    query = {"preset": chosen.pk if chosen else "", "links": request.POST.get("links", "")[:4000]}
    kept = urlencode({key: value for key, value in query.items() if value})
    return redirect(f"{resolve_url('new')}?{kept}" if kept else "new")
