"""Fields of forms that Django does not have: several files, lists, a language by any of its names."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from transcripts import languages
from transcripts.media.errors import NotMedia
from transcripts.media.sniff import SNIFF_BYTES, judge_content


class ManyFilesInput(forms.ClearableFileInput):
    """A file input for several files."""

    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """Any number of files, each within the operator's limit; cleans to a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[Any]]:
        """Every file that was chosen."""
        files: list[UploadedFile[Any]] = [super(ManyFilesField, self).clean(one, initial) for one in data or []]
        for one in files:
            if (one.size or 0) > settings.STTWEB_MAX_MEDIA_BYTES:
                limit = filesizeformat(settings.STTWEB_MAX_MEDIA_BYTES)
                raise forms.ValidationError(
                    _("“%(name)s” is larger than %(limit)s, the most that is allowed here."),
                    params={"name": one.name, "limit": limit},
                )
            _refuse_other_content(one)
        return files


def _refuse_other_content(file: UploadedFile[Any]) -> None:
    """Say at once what would fail later: the first bytes tell what a file is, whatever it is called."""
    head = file.read(SNIFF_BYTES)
    file.seek(0)
    try:
        judge_content(head)
    except NotMedia as error:
        sentence = f"{file.name}: {error.message} {error.next_step}".rstrip()
        raise forms.ValidationError(sentence, code=error.code) from error


class ListField(forms.CharField):
    """Entries one a line, or between commas; cleans to a tuple of them."""

    def clean(self, value: Any) -> tuple[str, ...]:
        """The entries, without blanks around them and without empty ones."""
        text = super().clean(value)
        return tuple(entry.strip() for line in text.splitlines() for entry in line.split(",") if entry.strip())


class LanguageInput(forms.TextInput):
    """A text field that offers all languages while somebody types; the browser searches names and own names."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        """The field, and its list."""
        listed = {**(attrs or {}), "list": f"{name}-list"}
        offered = format_html_join("", '<option value="{}">{}</option>', languages.choices())
        return format_html(
            '{}<datalist id="{}-list">{}</datalist>', super().render(name, value, listed, renderer), name, offered
        )


class LanguageField(forms.CharField):
    """A language by its code or any of its names; cleans to the code, or to nothing for automatic detection."""

    widget = LanguageInput

    def prepare_value(self, value: Any) -> Any:
        """A code is shown with its name."""
        return languages.label(value) if isinstance(value, str) else value

    def clean(self, value: Any) -> str:
        """The code."""
        text: str = super().clean(value)
        code = languages.find(text) if text else ""
        if code is None:
            raise forms.ValidationError(
                _("“%(text)s” is no language of the list. Choose one, or leave this empty."),
                code="unknown_language",
                params={"text": text},
            )
        return code
