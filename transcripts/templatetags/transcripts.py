"""What the templates need beyond Django's own tags: times, icons, state pills."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from django import template
from django.contrib.auth.models import User
from django.http.request import split_domain_port
from django.template import Context
from django.utils.formats import localize
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from transcripts import languages, phrases
from transcripts.accounts.waiting import waiting_invitation
from transcripts.models import Event, Invitation, Team, Transcript
from transcripts.views import looks
from transcripts.views.places import pages_of
from transcripts.views.refusing import ask_an_owner
from transcripts.views.tags import tags_context

register = template.Library()
register.simple_tag(ask_an_owner)


@register.simple_tag
def nobody_was_here() -> bool:
    """Whether nobody has logged in since this server was made: only then does its terminal help."""
    return not User.objects.filter(last_login__isnull=False).exists()


@register.simple_tag(takes_context=True)
def can_use_passkeys(context: Context) -> bool:
    """Whether a passkey can belong to the address of the page: browsers bind them to names, never to numbers
    (Web Authentication Level 2, 5.4.2: the relying party's identifier is a domain)."""
    host, _port = split_domain_port(context["request"].get_host())
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return True
    return False


@register.simple_tag(takes_context=True, name="waiting_invitation")
def _waiting_invitation(context: Context) -> Invitation | None:
    """The invitation that the visitor came with."""
    return waiting_invitation(context["request"])


@register.filter
def clock(ms: int | None) -> str:
    """Milliseconds as ``1:23`` or ``1:02:03``."""
    return looks.clock(ms or 0)


@register.filter
def gap_reason(code: str) -> str:
    """Why audio is missing, in words."""
    return str(looks.gap_reason(code))


@register.filter
def gap_length(ms: int) -> str:
    """How much is missing: ``12 s`` or ``3:05``."""
    return _("%(seconds)s s") % {"seconds": max(round(ms / 1000), 1)} if ms < 60_000 else looks.clock(ms)


@register.filter
def kind_icon(kind: str) -> str:
    """The icon of a source kind."""
    return looks.KIND_ICONS.get(kind, "file")  # type: ignore[call-overload, no-any-return]


@register.filter
def is_web_link(text: str) -> bool:
    """Whether an address may be a link: a browser runs others."""
    return text.lower().startswith(("http://", "https://"))


@register.filter
def language(code: str) -> str:
    """``German (de)`` for ``de``; a code that nobody knows stands for itself."""
    return languages.label(code)


@register.filter
def moment(text: str) -> datetime:
    """An ISO time of the wire as a time that `date` formats."""
    return localtime(datetime.fromisoformat(text))


@register.filter(is_safe=True)
def plain(number: int) -> SafeString:
    """A number as scripts and addresses read it, in every language."""
    return SafeString(int(number))


@register.filter
def words_json(words: list[list[Any]]) -> SafeString:
    """Text, times and (where the engine told it) confidence of each word, for the player and the marks; for an
    attribute in single quotes, where JSON stays half as long."""
    short = [[*word[:3], round(word[3], 2)] if len(word) > 3 and word[3] is not None else word[:3] for word in words]
    text = json.dumps(short, ensure_ascii=False, separators=(",", ":"))
    return SafeString(text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#x27;"))


@register.filter
def behind(ms: int) -> str:
    """How far behind live: ``1.8 s behind``."""
    return _("%(seconds)s s behind") % {"seconds": localize(round(ms / 1000, 1))}


@register.filter
def has_strip(card: dict[str, Any], busy: Collection[str]) -> bool:
    """Whether a card of the board shows how much was heard."""
    return bool(card["heard_ms"] or card["duration_ms"]) and (card["state"] in busy or bool(card["gaps"]))


@register.simple_tag
def strip_path(card: dict[str, Any], layer: str) -> str:
    """A layer of a card's strip, 1000 wide and 4 high: what is settled, or the gaps."""
    total = looks.strip_total(card)
    spans = card["gaps"] if layer == "gaps" else [[0, card["heard_ms"]]]
    return "".join(looks.bar(start / total, (end - start) / total) for start, end in spans)


@register.simple_tag
def strip_words(card: dict[str, Any]) -> str:
    """What the strip shows, in words."""
    heard = looks.clock(card["heard_ms"])
    if card["duration_ms"]:
        heard = _("%(heard)s of %(total)s heard") % {"heard": heard, "total": looks.clock(card["duration_ms"])}
    else:
        heard = _("%(heard)s heard") % {"heard": heard}
    return f"{heard}, " + _("%(time)s lost") % {"time": gap_length(card["gap_ms"])} if card["gap_ms"] else heard


@register.simple_tag
def look_hint(state: str, is_live: bool, phase: str = "") -> str:
    """What a state without text means."""
    return str(looks.look(state, is_live, phase).hint)


@register.inclusion_tag("transcripts/_tags.html")
def tags_of(transcript: Transcript, allowed: Collection[str]) -> dict[str, Any]:
    """The tags of a transcript, with the form that changes them for whoever may ``edit``."""
    return tags_context(transcript, may_edit="edit" in allowed)


@register.inclusion_tag("transcripts/team/_tabs.html", takes_context=True)
def team_tabs(context: Context, managed: Team, at: str) -> dict[str, Any]:
    """The pages of a team that whoever asks may open; ``at`` names the one that is open."""
    return {"managed": managed, "at": at, "pages": pages_of(context["request"].user, managed)}


@register.simple_tag
def log_text(event: Event) -> str:
    """What a row of the log says, in words."""
    return looks.log_text(event.kind, event.payload)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A symbol of the sprite, decorative: the word beside it says the same."""
    return format_html('<svg class="icon" aria-hidden="true" focusable="false"><use href="#i-{}"/></svg>', name)


@register.inclusion_tag("transcripts/_pill.html")
def pill(state: str, is_live: bool = False, phase: str = "") -> dict[str, Any]:
    """The state as icon, word and colour."""
    return {"look": looks.look(state, is_live, phase), "state": state}


@register.filter
def said(sentence: str) -> str:
    """A stored English sentence in the reader's language."""
    return phrases.say(sentence)


@register.filter
def offers(state: str, control: str) -> bool:
    """Whether a state offers a control."""
    return state in looks.CONTROLS[control]
