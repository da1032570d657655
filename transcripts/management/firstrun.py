"""What an empty installation needs before anyone can log in: tables, a team and its owner."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from transcripts.models import Membership, Role, Team

OWNER = "owner"
TEAM = "My team"
#: Letters and digits that nobody confuses on paper; four groups of five are 98 bits.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
GROUPS, GROUP_CHARS = 4, 5


@dataclass(frozen=True, slots=True)
class Login:
    """The first login; the password is shown once and kept nowhere in clear."""

    username: str
    password: str


def random_password() -> str:
    """A password that can be read aloud, such as ``k3mpx-…``."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(GROUP_CHARS)) for _ in range(GROUPS))


def ensure_database() -> None:
    """Bring the tables up to date; quiet and quick when they are. Raises CommandError when there is no database."""
    try:
        connection.ensure_connection()
    except (OperationalError, InterfaceError) as error:
        raise CommandError(
            f"The database does not answer ({error}). Start it, or correct DATABASE_URL, and start this again."
        ) from error
    call_command("migrate", verbosity=0, interactive=False)


def first_team() -> Team:
    """The oldest team, made when there is none."""
    return Team.objects.order_by("created_at").first() or Team.objects.create(name=TEAM)


def first_login() -> Login | None:
    """Make the first team and its owner in an empty installation; None when there is anyone already, also when another
    process makes them at this moment."""
    try:
        with transaction.atomic():
            return None if User.objects.exists() else _make_owner()
    except IntegrityError:  # the name is unique: the other one was first
        return None


def _make_owner() -> Login:
    login = Login(OWNER, random_password())
    owner = User.objects.create_superuser(login.username, password=login.password)
    Membership.objects.create(team=first_team(), user=owner, role=Role.OWNER)
    return login
