"""What people fill in: links and files to transcribe, and how. Judges and cleans; changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import fields as fields_of
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from transcripts import limits
from transcripts.fields import LanguageField, LanguageInput, ListField, ManyFilesField
from transcripts.jobs import accounts, source
from transcripts.media.errors import BlockedUrl
from transcripts.media.guard import Policy, judge_url
from transcripts.models import Engine, Team
from transcripts.phrases import say, say_all
from transcripts.realtime.options import REDACTION_MODES, VAD_RANGES, SessionOptions

MAX_LINKS = 50
#: Sent by the form that shows all options.
SHOWN = "all_options"
#: When text settles: value, name, what it is for.
PRESETS = [
    ("", pgettext_lazy("preset", "Automatic"), gettext_lazy("Live for streams, accurate for recordings.")),
    ("live", pgettext_lazy("preset", "Live"), gettext_lazy("Text settles at every short pause, within seconds.")),
    (
        "accurate",
        pgettext_lazy("preset", "Accurate"),
        gettext_lazy("Text settles in stretches of 20 to 30 seconds; fewer mistakes."),
    ),
    (
        "provider_vad",
        pgettext_lazy("preset", "As the engine decides"),
        gettext_lazy("The engine's own voice detection; its settings are under More options."),
    ),
    ("manual", pgettext_lazy("preset", "Manual"), gettext_lazy("Text settles when somebody presses Commit now.")),
]
VAD_LABELS = {
    "vad_silence_threshold_secs": gettext_lazy("Silence before a commit, in seconds"),
    "vad_threshold": gettext_lazy("Voice threshold"),
    "min_speech_duration_ms": gettext_lazy("Shortest speech, in milliseconds"),
    "min_silence_duration_ms": gettext_lazy("Shortest silence, in milliseconds"),
}


def _toggle(label: Any, *, hint: Any = "", initial: bool = False) -> forms.BooleanField:
    return forms.BooleanField(label=label, help_text=hint, required=False, initial=initial)


class SubmitForm(forms.Form):
    """Links or files, and how they are to be transcribed. ``cleaned_data["links"]`` is a list of judged URLs."""

    #: Most links that one form takes.
    most_links = MAX_LINKS

    links = forms.CharField(
        label=gettext_lazy("Links"),
        required=False,
        strip=True,
        max_length=MAX_LINKS * 2100,
        help_text=gettext_lazy("Audio, video or a live stream; one link a line."),
        widget=forms.Textarea(attrs={"rows": 3, "inputmode": "url", "spellcheck": "false", "autocomplete": "off"}),
    )
    uploads = ManyFilesField(label=gettext_lazy("Files"), required=False)
    language = LanguageField(
        label=gettext_lazy("Language"),
        required=False,
        max_length=60,
        help_text=gettext_lazy("Type to search. Left empty, the engine finds out."),
        widget=LanguageInput(attrs={"placeholder": gettext_lazy("Detect automatically"), "autocomplete": "off"}),
    )
    engine = forms.ChoiceField(label=gettext_lazy("Engine"), choices=Engine, required=False, widget=forms.RadioSelect)
    preset = forms.ChoiceField(
        label=gettext_lazy("When text settles"),
        choices=[(value, name) for value, name, _hint in PRESETS],
        required=False,
        widget=forms.RadioSelect,
    )

    pace = forms.FloatField(
        label=gettext_lazy("Pace of files, times real time"),
        required=False,
        min_value=0.1,
        max_value=100,
        help_text=gettext_lazy("Left empty, as fast as the engine takes it."),
    )
    secondary_languages = ListField(
        label=gettext_lazy("Other languages spoken"), required=False, help_text=gettext_lazy("Codes such as de, fr.")
    )
    keyterms = ListField(
        label=gettext_lazy("Names and terms to expect"),
        required=False,
        help_text=gettext_lazy("One a line, at most 50 of 20 characters. Costs extra at the hosted engine."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    include_timestamps = _toggle(
        gettext_lazy("Word times"),
        hint=gettext_lazy("Needed for subtitles, and to play from a word."),
        initial=True,
    )
    include_language_detection = _toggle(
        gettext_lazy("Report the language of each passage"),
        hint=gettext_lazy("For recordings in which the language changes."),
    )
    no_verbatim = _toggle(
        gettext_lazy("Leave out filler words"), hint=gettext_lazy("Such as “uh”, and words said twice by mistake.")
    )
    filter_background_audio = _toggle(
        gettext_lazy("Filter background sound"), hint=gettext_lazy("Not together with word times.")
    )
    enable_logging = _toggle(
        gettext_lazy("Let the hosted engine keep logs"),
        hint=gettext_lazy("Off asks for zero retention, which needs an enterprise account."),
        initial=True,
    )
    commit_strategy = forms.ChoiceField(
        label=gettext_lazy("How the engine decides"),
        required=False,
        choices=[("vad", gettext_lazy("By silence")), ("turn_prediction", gettext_lazy("By predicted turns"))],
        help_text=gettext_lazy("Only when the engine decides."),
    )
    vad_silence_threshold_secs = forms.FloatField(required=False)
    vad_threshold = forms.FloatField(required=False)
    min_speech_duration_ms = forms.IntegerField(required=False)
    min_silence_duration_ms = forms.IntegerField(required=False)
    entity_detection = ListField(
        label=gettext_lazy("Entities to mark"), required=False, help_text=gettext_lazy("Such as all, pii, phi, pci.")
    )
    entity_redaction = ListField(
        label=gettext_lazy("Entities to redact"),
        required=False,
        help_text=gettext_lazy("They are not written into the text. Costs extra."),
    )
    entity_redaction_mode = forms.ChoiceField(
        label=gettext_lazy("Redacted as"),
        required=False,
        choices=[("", gettext_lazy("The engine's default")), *((mode, mode) for mode in REDACTION_MODES)],
        help_text=gettext_lazy("What stands in the text instead."),
    )
    transcript_edit = forms.CharField(
        label=gettext_lazy("Instruction for the written text"),
        required=False,
        help_text=gettext_lazy("At most 2000 characters. Costs extra."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    model_id = forms.CharField(
        label=gettext_lazy("Model"),
        required=False,
        initial=SessionOptions().model_id,
        help_text=gettext_lazy("For those who know that the service has another one."),
    )

    #: Something to transcribe must come with it.
    NEEDS_SOURCE = True
    #: Fields under *More*, by headline; all are parameters of the session but the pace.
    GROUPS: tuple[tuple[Any, tuple[str, ...]], ...] = (
        (gettext_lazy("Speech"), ("secondary_languages", "pace", "keyterms")),
        (
            gettext_lazy("Text"),
            ("include_timestamps", "include_language_detection", "no_verbatim", "filter_background_audio",
             "enable_logging"),
        ),
        (gettext_lazy("When the engine decides"), ("commit_strategy", *VAD_RANGES)),
        (
            gettext_lazy("Entities and editing"),
            ("entity_detection", "entity_redaction", "entity_redaction_mode", "transcript_edit", "model_id"),
        ),
    )  # fmt: skip

    def __init__(self, *args: Any, team: Team | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.team = team
        self.fields["engine"].initial = settings.STTWEB_ENGINE
        for name, (low, high, _unit) in VAD_RANGES.items():
            self.fields[name].label = VAD_LABELS[name]
            self.fields[name].help_text = _("Between %(low)s and %(high)s.") % {"low": low, "high": high}
            self.fields[name].widget.attrs |= {"min": low, "max": high, "step": "any"}
        for name, field in self.fields.items():
            field.widget.attrs["aria-describedby"] = f"{name}-about"

    @property
    def groups(self) -> list[tuple[Any, list[forms.BoundField]]]:
        """The fields under *More*, by headline."""
        return [(headline, [self[name] for name in names]) for headline, names in self.GROUPS]

    @property
    def preset_cards(self) -> list[tuple[str, Any, Any, bool]]:
        """When text settles: value, name, what it is for, whether it is the chosen one."""
        chosen = self["preset"].value() or ""
        return [(value, name, hint, value == chosen) for value, name, hint in PRESETS]

    @property
    def more_is_open(self) -> bool:
        """A field under *More* has something to say."""
        return any(name in self.errors for _headline, names in self.GROUPS for name in names)

    @property
    def hosted_is_ready(self) -> bool:
        """There is a key for the hosted engine: the team's own, or the operator's."""
        return bool(settings.ELEVENLABS_API_KEY) if self.team is None else accounts.is_ready(self.team.pk)

    def clean_links(self) -> list[str]:
        """Each line judged; the first problem names its line."""
        lines = [line.strip() for line in self.cleaned_data["links"].splitlines() if line.strip()]
        if len(lines) > self.most_links:
            raise forms.ValidationError(_("At most %(count)s links at once."), params={"count": self.most_links})
        policy = source.policy()
        problems = [found for line in lines if (found := _link_problem(line, policy))]
        if problems:
            raise forms.ValidationError(problems)
        return lines

    def clean_engine(self) -> str:
        """The chosen engine, which must be able to work here."""
        engine: str = self.cleaned_data["engine"] or settings.STTWEB_ENGINE
        if engine == Engine.ELEVENLABS and not self.hosted_is_ready:
            raise forms.ValidationError(
                _("There is no key for the hosted engine.")
                + " "
                + _("An owner can enter one in the team's settings, or the operator sets ELEVENLABS_API_KEY.")
            )
        if self.team is not None:
            try:
                limits.require(self.team.pk, engine)
            except limits.LimitReached as reached:
                raise forms.ValidationError(f"{reached.message} {reached.next_step}", code=reached.code) from reached
        return engine

    def _restore_toggles(self) -> None:
        """A box that is not ticked sends nothing, and neither does a form that does not show it: the board's."""
        for name, field in self.fields.items():
            if isinstance(field, forms.BooleanField) and SHOWN not in self.data:
                self.cleaned_data[name] = field.initial

    def clean(self) -> dict[str, Any]:
        """What concerns several fields: something to transcribe, and options that the service takes."""
        data = super().clean() or self.cleaned_data
        self._restore_toggles()
        if self.NEEDS_SOURCE and not (data.get("links") or data.get("uploads") or self.errors):
            self.add_error("links", _("Paste a link, or choose a file."))
        if data.get("engine") == Engine.EMBEDDED and data.get("language") not in ("", "en", None):
            self.add_error("language", _("The embedded engine hears English only."))
        for name, sentence in self.session_options().problems().items():
            field = "language" if name == "language_code" else name if name in self.fields else None
            self.add_error(field, say(sentence))
        return data

    def session_options(self) -> SessionOptions:
        """The parameters of the session; fields in error keep their defaults."""
        known = {item.name for item in fields_of(SessionOptions)}
        values = {name: value for name, value in self.cleaned_data.items() if name in known and value not in ("", None)}
        if self.cleaned_data.get("preset") != "provider_vad":
            values["commit_strategy"] = "manual"
        return SessionOptions(**values, language_code=self.cleaned_data.get("language") or None)

    def options(self) -> dict[str, Any]:
        """What a transcript keeps in ``options``: the session's parameters and our own ``preset`` and ``pace``."""
        own = {name: self.cleaned_data.get(name) for name in ("preset", "pace")}
        return self.session_options().to_dict() | {name: value for name, value in own.items() if value}


def _link_problem(link: str, policy: Policy) -> str:
    try:
        judge_url(link, policy)
    except BlockedUrl as error:
        shown = link if len(link) <= 60 else f"{link[:57]}…"
        return f"{shown}: {say_all(error.message, error.next_step)}"
    return ""


def first_errors(form: forms.BaseForm) -> Mapping[str, Iterable[str]]:
    """Errors by field for a script; what belongs to no field stands under an empty name."""
    return {"" if name == "__all__" else name: [str(text) for text in texts] for name, texts in form.errors.items()}
