"""What owners and managers fill in about a team's engines. Judges and cleans; changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from transcripts.fields import LanguageField, LanguageInput, ListField
from transcripts.forms import PRESETS
from transcripts.jobs import hosts
from transcripts.media.errors import BlockedUrl
from transcripts.models import Engine, LimitUnit, TeamEngine
from transcripts.realtime.options import MAX_KEYTERMS, SessionOptions

#: The choice of a host that is no region.
OWN_HOST = "own"


def _describe(form: forms.Form, prefix: str) -> None:
    for name, field in form.fields.items():
        field.widget.attrs["aria-describedby"] = f"{name}-about"
        field.widget.attrs["id"] = f"id_{prefix}_{name}"


class KeyForm(forms.Form):
    """A key and the host that it is good for. The key is never filled in again."""

    key = forms.CharField(
        label=gettext_lazy("Key"),
        min_length=8,
        max_length=200,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("Kept sealed. Nobody can read it here again, only its last four characters."),
    )
    region = forms.ChoiceField(
        label=gettext_lazy("Region"), choices=[*hosts.REGIONS.items(), (OWN_HOST, gettext_lazy("Another host"))]
    )
    base_url = forms.CharField(
        label=gettext_lazy("Another host"),
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"inputmode": "url", "placeholder": "https://", "autocomplete": "off"}),
        help_text=gettext_lazy("An https address that speaks the same protocol; only with the choice “Another host”."),
    )
    label = forms.CharField(
        label=gettext_lazy("Name"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("For people, such as the account that pays."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _describe(self, "provider")

    def clean_key(self) -> str:
        """Visible ASCII without spaces: what a header can carry."""
        key = str(self.cleaned_data["key"])
        if not (key.isascii() and key.isprintable() and " " not in key):
            raise forms.ValidationError(
                _("A key has letters, digits and signs only, no spaces."), code="key_characters"
            )
        return key

    def clean(self) -> dict[str, Any]:
        """``host`` is the base URL that was chosen."""
        data = super().clean() or self.cleaned_data
        data["host"] = data.get("region")
        if data["host"] == OWN_HOST:
            data["host"] = str(data.get("base_url") or "").rstrip("/")
            try:
                hosts.judge(data["host"])
            except BlockedUrl as error:
                self.add_error("base_url", forms.ValidationError(f"{error.message} {error.next_step}".rstrip()))
        return data


class DefaultsForm(forms.Form):
    """What new transcripts of a team begin with."""

    engine = forms.ChoiceField(
        label=gettext_lazy("Engine"),
        required=False,
        choices=[("", gettext_lazy("As the operator set it")), *Engine.choices],
    )
    language = LanguageField(
        label=gettext_lazy("Language"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("Type to search. Left empty, the engine finds out."),
        widget=LanguageInput(attrs={"placeholder": gettext_lazy("Detect automatically"), "autocomplete": "off"}),
    )
    preset = forms.ChoiceField(
        label=gettext_lazy("When text settles"),
        required=False,
        choices=[(value, name) for value, name, _hint in PRESETS],
    )
    keyterms = ListField(
        label=gettext_lazy("Vocabulary"),
        required=False,
        help_text=gettext_lazy("Names and terms to expect, one a line. Costs extra at the hosted engine."),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false"}),
    )

    @classmethod
    def of(cls, row: TeamEngine) -> DefaultsForm:
        """The form with what holds now."""
        held = {"engine": row.engine, "language": row.language, "preset": row.preset}
        return cls(initial=held | {"keyterms": "\n".join(row.keyterms)})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _describe(self, "defaults")

    def clean_keyterms(self) -> Sequence[str]:
        """The rules of the service: their number and their length; each once."""
        terms = tuple(dict.fromkeys(self.cleaned_data["keyterms"]))
        problem = SessionOptions(keyterms=terms).problems().get("keyterms")
        if problem:
            raise forms.ValidationError(problem, code="keyterms")
        return terms

    def clean(self) -> dict[str, Any]:
        """The embedded engine hears one language."""
        data = super().clean() or self.cleaned_data
        if data.get("engine") == Engine.EMBEDDED and data.get("language") not in ("", "en", None):
            self.add_error("language", _("The embedded engine hears English only."))
        return data

    @property
    def count(self) -> str:
        """How many terms there are of how many there may be."""
        value = self["keyterms"].value() or ""
        lines = value if isinstance(value, (list, tuple)) else str(value).splitlines()
        return f"{sum(1 for line in lines if line.strip())} / {MAX_KEYTERMS}"


class LimitForm(forms.Form):
    """How much of the hosted engine a team may use in a calendar month."""

    limit = forms.DecimalField(
        label=gettext_lazy("Monthly limit"),
        required=False,
        min_value=0,
        max_digits=9,
        decimal_places=2,
        help_text=gettext_lazy("Empty: no limit. New work stops when it is reached; what runs may finish."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "placeholder": gettext_lazy("no limit")}),
    )
    limit_unit = forms.ChoiceField(label=gettext_lazy("Counted in"), choices=LimitUnit.choices)

    @classmethod
    def of(cls, row: TeamEngine) -> LimitForm:
        """The form with what holds now."""
        return cls(initial={"limit": row.limit, "limit_unit": row.limit_unit})

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _describe(self, "limit")
