"""How something is to be transcribed: what the team begins with or its preset, what the request names, and the
judgement of the form: that of the page."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from transcripts import limits
from transcripts.api.errors import Refusal
from transcripts.api.schemas import HowIn
from transcripts.forms import SHOWN, SubmitForm, first_errors
from transcripts.models import Team, TeamPreset
from transcripts.views import presets


class HowForm(SubmitForm):
    """The form's judgement of options, with a link or for an upload beside it."""

    NEEDS_SOURCE = False
    most_links = 1


def judged(team: Team, how: HowIn, link: str = "") -> HowForm:
    """The form with what is wanted, which is possible here.

    Raises Refusal (``bad_link``, ``bad_options``, ``unknown_preset``), limits.LimitReached.
    """
    form = HowForm(_fields(team, how, link), team=team)
    if form.is_valid():
        return form
    if form.has_error("engine", limits.REACHED):
        raise limits.LimitReached
    fields = {name or "request": list(texts) for name, texts in first_errors(form).items()}
    if "links" in fields:
        raise Refusal("bad_link", " ".join(fields["links"]), _("Send another link."), fields={"url": fields["links"]})
    message = _("This cannot be transcribed in that way.")
    raise Refusal("bad_options", message, _("Change what “fields” names."), fields=fields)


def _fields(team: Team, how: HowIn, link: str) -> QueryDict:
    """The fields as the form would send them: all of them, so that a box that is not ticked counts."""
    preset = _preset(team, how.team_preset)
    values: dict[str, Any] = {"include_timestamps": True, "enable_logging": True} | presets.initial_of(team, preset)
    named = how.model_dump(exclude_unset=True, include={"engine", "language", "preset"})
    values |= named | how.options.model_dump(exclude_unset=True)
    fields = QueryDict(mutable=True)
    fields[SHOWN] = "1"
    # One line: a second one would be a second link.
    fields["links"] = " ".join(link.split())
    for name, value in values.items():
        if name in HowForm.base_fields and value is not None and value is not False:
            fields[name] = "\n".join(value) if isinstance(value, list) else str(value)
    return fields


def _preset(team: Team, name: str) -> TeamPreset | None:
    if not name:
        return None
    preset = TeamPreset.objects.filter(team=team, name=name).first()
    if preset is None:
        step = _("GET /presets lists them.")
        raise Refusal("unknown_preset", _("The team has no preset of that name."), step, fields={"team_preset": [name]})
    return preset
