"""What people fill in about webhooks and watchlists. Judges and cleans; changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from transcripts.alerts.matching import MOST_WORDS, parse
from transcripts.media.guard import MAX_URL_LENGTH
from transcripts.models import Watchlist, WebhookEvent

#: Terms of a list, and characters of one.
MOST_TERMS, TERM_LENGTH = 100, 100


def lines(text: str) -> list[str]:
    """The lines of a text box, trimmed, without repeats and empty ones."""
    return list(dict.fromkeys(" ".join(line.split()) for line in text.splitlines() if line.strip()))


class LinesField(forms.CharField):
    """A text box of one entry a line; cleans to a list."""

    widget = forms.Textarea(attrs={"rows": 4, "spellcheck": "false"})

    def clean(self, value: Any) -> list[str]:
        """The lines. Raises ValidationError for too many or too long ones."""
        found = lines(super().clean(value))
        if len(found) > MOST_TERMS or any(len(line) > TERM_LENGTH for line in found):
            limits = {"most": MOST_TERMS, "length": TERM_LENGTH}
            raise forms.ValidationError(_("At most %(most)s lines of %(length)s characters."), params=limits)
        return found


class WebhookForm(forms.Form):
    """An address and what it is told of."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=MAX_URL_LENGTH,
        help_text=gettext_lazy("https:// of a server that is reached over the internet. Redirects are not followed."),
        widget=forms.TextInput(attrs={"inputmode": "url", "autocomplete": "off", "placeholder": "https://"}),
    )
    description = forms.CharField(label=gettext_lazy("Description"), max_length=200, required=False)
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=[(event.value, event.label) for event in WebhookEvent if event != WebhookEvent.TEST],
        widget=forms.CheckboxSelectMultiple,
    )
    enabled = forms.BooleanField(label=gettext_lazy("Switched on"), required=False, initial=True)


if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Watchlist]
else:
    _ModelForm = forms.ModelForm


class WatchlistForm(_ModelForm):
    """Terms, where to watch for them, and when to be quiet."""

    terms = LinesField(
        label=gettext_lazy("Words and phrases, one a line"),
        help_text=gettext_lazy("A * at the end of a word stands for any ending: elect* finds elected and election."),
    )
    languages = forms.CharField(
        label=gettext_lazy("Only in these languages"),
        help_text=gettext_lazy("Codes such as en, de. Empty: in all."),
        max_length=200,
        required=False,
    )
    sources = LinesField(
        label=gettext_lazy("Only where the title or link holds one of these"),
        help_text=gettext_lazy("One a line. Empty: everywhere."),
        required=False,
    )

    class Meta:
        model = Watchlist
        fields = [
            "name", "terms", "any_form", "sources", "languages", "live_only", "quiet_from", "quiet_until", "time_zone",
            "tells_pages", "tells_webhooks", "is_enabled",
        ]  # fmt: skip
        help_texts = {
            "any_form": gettext_lazy(
                "Other endings and accents count too: city finds cities, cafe finds café. Now and then another word "
                "that begins so is found as well."
            )
        }
        widgets = {
            "quiet_from": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
            "quiet_until": forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, between in {"terms": "\n", "sources": "\n", "languages": ", "}.items():
            self.initial[name] = between.join(self.initial.get(name) or [])

    def clean_terms(self) -> list[str]:
        """Terms that can be found."""
        terms: list[str] = self.cleaned_data["terms"]
        for term in terms:
            if not 1 <= len(parse(term)) <= MOST_WORDS:
                raise forms.ValidationError(
                    _("“%(term)s” needs one to %(most)s words of letters or digits."),
                    params={"term": term, "most": MOST_WORDS},
                )
        return terms

    def clean_languages(self) -> list[str]:
        """A list of codes."""
        return [code for code in self.cleaned_data["languages"].replace(",", " ").lower().split() if code]

    def clean_time_zone(self) -> str:
        """A zone that this machine knows."""
        zone: str = self.cleaned_data["time_zone"].strip()
        if zone not in available_timezones():
            raise forms.ValidationError(_("There is no such time zone. Write it as Europe/Berlin."))
        return zone
