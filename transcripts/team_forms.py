"""What those who manage a team fill in, a form for each section of its settings. Judges and cleans; changes nothing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from transcripts.models import Team

#: A hundred years: more is for ever.
MOST_DAYS = 36_500


class KeepingForm(forms.Form):
    """How long a team keeps its recordings and its transcripts."""

    keep_media_days = forms.IntegerField(
        label=_("Days to keep recordings"),
        help_text=_("Counted from the end of a transcript. The text stays. Empty: for ever."),
        min_value=0,
        max_value=MOST_DAYS,
        required=False,
    )
    keep_text_days = forms.IntegerField(
        label=_("Days to keep transcripts"),
        help_text=_("Afterwards the text, its history, its recording and its place in the search are erased."),
        min_value=1,
        max_value=MOST_DAYS,
        required=False,
    )
    keep_stream_sound = forms.BooleanField(
        label=_("Keep the sound of live streams"),
        help_text=_("So that it can be played beside the text; about 22 MB an hour. It is kept as long as recordings."),
        required=False,
    )
    #: Sent by the button of the warning that something will be erased at once.
    confirmed = forms.BooleanField(required=False, widget=forms.HiddenInput)

    @classmethod
    def of(cls, team: Team) -> KeepingForm:
        """The form with what holds now."""
        return cls(initial={name: getattr(team, name) for name in cls.base_fields if hasattr(team, name)})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("keep_media_days", "keep_text_days"):
            self.fields[name].widget.attrs |= {"inputmode": "numeric", "placeholder": str(_("for ever"))}
        for name in self.fields:
            self.fields[name].widget.attrs["aria-describedby"] = f"{name}-about"
