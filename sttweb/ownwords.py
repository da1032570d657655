"""What the server itself answers when no application is asked: in the form that who asks can use, in their language.

Nothing here needs a person or a database: what is said may be that one of them failed.
"""

from __future__ import annotations

import json

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation.trans_real import parse_accept_lang_header


def _(text: str) -> str:
    """Marks a sentence for the translators; Django's own marker wants settings already when it is imported."""
    return text


#: Status -> code, headline.
KINDS = {
    400: ("bad_request", _("Not understood")),
    403: ("stranger", _("Log in first")),
    413: ("too_large", _("Too large")),
    500: ("server_error", _("The server could not answer.")),
    503: ("unavailable", _("Not available at the moment")),
    507: ("disk_full", _("No room")),
}


def answer(status: int, sentence: str, next_step: str, accept: str, languages: str) -> tuple[str, bytes]:
    """Type and body for the headers Accept and Accept-Language of the one who asked."""
    if not settings.configured:
        return "text/plain; charset=utf-8", f"{sentence} {next_step}\n".encode()
    code, headline = KINDS.get(status, KINDS[500])
    with translation.override(_language(languages)):
        if "text/html" in accept:
            page = {"headline": gettext(headline), "sentence": gettext(sentence), "next_step": gettext(next_step)}
            return "text/html; charset=utf-8", render_to_string("refused.html", page).encode()
        if "json" in accept:
            told = {"code": code, "message": gettext(sentence), "next_step": gettext(next_step)}
            return "application/json", json.dumps(told, ensure_ascii=False).encode()
        return "text/plain; charset=utf-8", f"{gettext(sentence)} {gettext(next_step)}\n".encode()


def _language(header: str) -> str:
    """The first language of the header that we have, else ours."""
    for wanted, _weight in parse_accept_lang_header(header):
        try:
            return translation.get_supported_language_variant(wanted)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE
