"""A right that was lost ends open sockets at once: memberships, accounts and sessions tell, sockets look again.

What is told is only "look again at this person", so a message that is lost, doubled or forged does no harm; sockets
look by themselves every 30 s anyway (`live.consumers`). One group for all: such changes are rare.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.contrib.auth.signals import user_logged_out
from django.db import transaction
from django.db.models.signals import post_delete, post_save

from transcripts.live.publish import send_look_again
from transcripts.models import Membership

#: Fields of a person whose change is no loss.
HARMLESS = frozenset({"last_login", "first_name", "last_name", "email"})


def look_again(user_id: int) -> None:
    """Every socket of this person, in every process, looks at once whether it may stay. After the commit."""
    transaction.on_commit(lambda: async_to_sync(send_look_again)(user_id))


def _membership_changed(instance: Membership, created: bool = False, **_: Any) -> None:
    if not created:
        look_again(instance.user_id)


def _person_changed(
    instance: User, created: bool = False, update_fields: frozenset[str] | None = None, **_: Any
) -> None:
    if not created and not (update_fields and update_fields <= HARMLESS):
        look_again(instance.pk)


def _logged_out(user: User | None = None, **_: Any) -> None:
    if user is not None:
        look_again(user.pk)


def connect() -> None:
    """Listen to what may take a right away. Called once, when the app is ready."""
    post_save.connect(_membership_changed, sender=Membership, dispatch_uid="rights.membership")
    post_delete.connect(_membership_changed, sender=Membership, dispatch_uid="rights.no_membership")
    post_save.connect(_person_changed, sender=User, dispatch_uid="rights.person")
    user_logged_out.connect(_logged_out, dispatch_uid="rights.logged_out")
