"""Secrets at rest: a text column whose content only the holders of the master keys can read.

The master keys live outside the database (STTWEB_MASTER_KEYS, or a file in STTWEB_VAR): a stolen dump shows nothing.
The first key seals, every key opens, so a new key in front of the old one is a rotation without a pause.
"""

from __future__ import annotations

import base64
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import models

#: What the derived keys are for; another purpose gets others from the same master key.
_PURPOSE = b"sttweb sealed columns 1"


if TYPE_CHECKING:
    _Text = models.TextField[str, str]
else:
    _Text = models.TextField


class Unreadable(Exception):
    """What was sealed cannot be opened with the master keys that this process has."""

    code = "sealed_unreadable"
    message = "A stored secret cannot be read with the master key of this installation."
    next_step = "Put the earlier key back into STTWEB_MASTER_KEYS, behind the present one, or enter the secret again."

    def __init__(self) -> None:
        super().__init__(self.message)


def seal(text: str) -> str:
    """``text`` encrypted and authenticated under the first master key; ASCII, a different result each time."""
    return _keys(tuple(settings.STTWEB_MASTER_KEYS)).encrypt(text.encode()).decode("ascii")


def unseal(sealed: str) -> str:
    """What `seal` was given. Raises Unreadable for anything that none of the master keys sealed."""
    try:
        return _keys(tuple(settings.STTWEB_MASTER_KEYS)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Unreadable from None


def reseal(sealed: str) -> str:
    """The same secret under the first master key, after a rotation. Raises Unreadable."""
    return seal(unseal(sealed))


class SealedField(_Text):
    """A text that is sealed in the database and plain on the row; the empty text stays empty.

    Reading a row whose secret cannot be opened raises Unreadable: defer the column where the secret is not needed.
    Filtering by it finds nothing but the empty text, since the same secret never looks the same twice.
    """

    def from_db_value(self, value: str | None, expression: object, connection: object) -> str | None:
        """Plain text of a column."""
        return unseal(value) if value else value

    def get_prep_value(self, value: Any) -> Any:
        """The sealed column of a plain text."""
        value = super().get_prep_value(value)
        return seal(value) if value else value


@lru_cache(maxsize=4)
def _keys(masters: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(master)) for master in masters])


def _derived(master: str) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=_PURPOSE).derive(master.encode())
    return base64.urlsafe_b64encode(key)
