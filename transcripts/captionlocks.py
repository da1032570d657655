"""The password of a public caption link: guessing it is slow, and who knew it once is not asked again.

A browser that gave the right password holds a pass: the link's id and its password's hash under our signature. It ends
with the link, and with the password.
"""

from __future__ import annotations

from collections.abc import Mapping

from django.contrib.auth.hashers import check_password
from django.core import signing
from django.utils.crypto import salted_hmac

from transcripts import throttling
from transcripts.models import CaptionLink
from transcripts.throttling import Limit

SALT = "transcripts.captionlocks"
#: Wrong guesses of one address, and of all addresses together, at one link. Right ones are given back.
OF_ADDRESS, OF_ALL = Limit(5 / 60, 10), Limit(0.5, 120)


class WrongPassword(Exception):
    """It was not this one."""


class TooManyGuesses(Exception):
    """Wrong ones came too often: ask again after ``wait`` seconds."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"ask again in {wait:.0f} s")
        self.wait = wait


def unlock(link: CaptionLink, password: str, address: str) -> str:
    """The pass for who knows the password. Raises WrongPassword and TooManyGuesses. Blocks on the database."""
    # The address first: one that has used up its own guesses takes nothing from those of everybody.
    keys = {f"captions.{link.pk.hex[:16]}.{address}"[:80]: OF_ADDRESS, f"captions.{link.pk.hex}": OF_ALL}
    for key, limit in keys.items():
        if wait := throttling.take(key, limit):
            raise TooManyGuesses(wait)
    if not check_password(password, link.password):
        raise WrongPassword
    for key in keys:
        throttling.give_back(key)
    return signing.dumps([str(link.pk), _print(link)], salt=SALT)


def is_open(link: CaptionLink, cookies: Mapping[str, str]) -> bool:
    """Whether the link needs no password, or these cookies hold its pass."""
    if not link.password:
        return True
    try:
        return bool(signing.loads(cookies.get(cookie_of(link), ""), salt=SALT) == [str(link.pk), _print(link)])
    except signing.BadSignature:
        return False


def cookie_of(link: CaptionLink) -> str:
    """The name of the cookie that holds the pass."""
    return f"captions_{link.pk.hex[:12]}"


def _print(link: CaptionLink) -> str:
    """Another one for every password, telling nothing about it."""
    return salted_hmac(SALT, link.password).hexdigest()[:32]
