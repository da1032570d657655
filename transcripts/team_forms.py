"""What those who manage a team fill in, a form for each section of its settings. Judges and cleans; changes nothing."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from transcripts.jobs.clean import clean_text
from transcripts.membership import rules
from transcripts.models import Role, Team

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


#: How many days an invitation works, as people choose it.
INVITATION_DAYS = (1, 3, 7, 30)


def invitation_days() -> list[tuple[int, str]]:
    """The choices, in the reader's language."""
    return [(n, ngettext("%(n)s day", "%(n)s days", n) % {"n": n}) for n in INVITATION_DAYS]


class InvitationForm(forms.Form):
    """What an invitation is made from; the roles are those that its maker may give."""

    role = forms.ChoiceField(label=_("Role"))
    days = forms.TypedChoiceField(label=_("Ends after"), choices=invitation_days, coerce=int, initial=7)
    email = forms.EmailField(
        label=_("E-mail address"),
        required=False,
        max_length=254,
        help_text=_(
            "Optional: only the account with this address can join; the link is sent there if this server sends mail."
        ),
    )

    def __init__(self, giver: Role, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["role"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(role.value, role.label) for role in rules.givable(giver)]
        choice.initial = Role.EDITOR.value
        self.fields["email"].widget.attrs |= {"autocomplete": "off", "aria-describedby": "email-about"}


class TeamForm(forms.Form):
    """The name of a team."""

    name = forms.CharField(label=_("Name"), max_length=100)

    def clean_name(self) -> str:
        """One line without control characters."""
        name = " ".join(clean_text(self.cleaned_data["name"]).split())
        if not name:
            raise forms.ValidationError(_("Give the team a name."), code="required")
        return name
