"""How a stream is to be transcribed, judged by the same form as everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from transcripts import engine_settings, limits
from transcripts.forms import SHOWN, SubmitForm, first_errors
from transcripts.incoming.beginning import Refused, Wanted
from transcripts.incoming.commands import Misunderstood, Start
from transcripts.models import Engine, Team


class StreamForm(SubmitForm):
    """The options alone: the sound comes by itself."""

    NEEDS_SOURCE = False
    #: Without the pace: sound comes as fast as it is spoken.
    GROUPS = ((SubmitForm.GROUPS[0][0], ("secondary_languages", "keyterms")), *SubmitForm.GROUPS[1:])
    title = forms.CharField(required=False, max_length=200)


def wanted(start: Start, team: Team) -> Wanted:
    """What a client's first message asks for in a team.

    Raises Misunderstood (``bad_options``) and Refused (``limit_reached``)."""
    form = StreamForm(_filled(start.fields, engine_settings.initial_of(team)), team=team)
    if not form.is_valid():
        if form.has_error("engine", limits.REACHED):
            raise Refused(limits.REACHED, *limits.reason())
        name, texts = next(iter(first_errors(form).items()))
        raise Misunderstood("bad_options", f"{name or 'options'}: {' '.join(texts)}")
    return wanted_of(form, start)


def wanted_of(form: StreamForm, start: Start) -> Wanted:
    """What a form that is valid asks for."""
    data = form.cleaned_data
    return Wanted(
        title=start.title,
        engine=Engine(data["engine"]),
        language=data["language"],
        options=form.options(),
        sound=start.sound,
    )


def _filled(given: Mapping[str, Any], decided: Mapping[str, Any]) -> dict[str, Any]:
    """Values as a form that shows everything would send them; what is not given is as the team has ``decided``."""
    fields = StreamForm.base_fields
    if unknown := sorted(set(given) - set(fields)):
        raise Misunderstood("unknown_field", f"There is no option {unknown[0][:40]!r}.")
    ticked = {name: field.initial for name, field in fields.items() if isinstance(field, forms.BooleanField)}
    return {SHOWN: "1"} | {name: _text(value) for name, value in {**ticked, **decided, **given}.items()}


def _text(value: object) -> object:
    return "\n".join(str(entry) for entry in value) if isinstance(value, list) else value
