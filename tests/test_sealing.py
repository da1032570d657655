"""Sealed secrets: unreadable without a master key, readable with any of them."""

from __future__ import annotations

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.upkeep.installations import Installation
from transcripts import engine_settings
from transcripts.models import ProviderKey
from transcripts.sealing import Unreadable, reseal, seal, unseal

OLD, NEW = "o" * 40, "n" * 40


def test_what_was_sealed_says_nothing_and_never_looks_the_same_twice():
    first, second = seal("sk-secret"), seal("sk-secret")
    assert first != second
    assert "sk-secret" not in first
    assert unseal(first) == unseal(second) == "sk-secret"


def test_every_key_opens_and_the_first_one_seals(settings):
    settings.STTWEB_MASTER_KEYS = [OLD]
    sealed = seal("sk-secret")
    settings.STTWEB_MASTER_KEYS = [NEW, OLD]
    again = reseal(sealed)
    settings.STTWEB_MASTER_KEYS = [NEW]
    assert unseal(again) == "sk-secret"
    with pytest.raises(Unreadable):
        unseal(sealed)


@pytest.mark.parametrize("text", ["", "nonsense", "gAAAAA", "é"])
def test_what_nobody_sealed_is_refused(text):
    with pytest.raises(Unreadable) as refused:
        unseal(text)
    assert refused.value.next_step


@pytest.mark.django_db
def test_reseal_leaves_nothing_under_the_old_key_and_says_what_it_cannot_open(settings, team, alice, capsys):
    settings.STTWEB_MASTER_KEYS = [OLD]
    engine_settings.set_key(team, alice, key="sk_0123456789", base_url="wss://api.elevenlabs.io", label="")
    settings.STTWEB_MASTER_KEYS = [NEW, OLD]
    call_command("reseal")
    settings.STTWEB_MASTER_KEYS = [NEW]
    assert ProviderKey.objects.get().key == "sk_0123456789"
    settings.STTWEB_MASTER_KEYS = ["x" * 32]
    with pytest.raises(CommandError, match="1 secrets cannot be opened"):
        call_command("reseal")
    settings.STTWEB_MASTER_KEYS = [NEW]
    assert ProviderKey.objects.get().key == "sk_0123456789"


#: Numbers of a person's factors that were set up as the pages do, and the recovery codes that open.
SET_UP = """
from allauth.core import context
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP
from django.contrib.auth.models import User
from transcripts import engine_settings
from transcripts.models import Team, Webhook
dora, team = User.objects.create_user("dora"), Team.objects.create(name="Newsroom")
TOTP.activate(dora, "JBSWY3DPEHPK3PXP")
codes = RecoveryCodes.activate(dora)
used = codes.get_unused_codes()[0]
assert codes.validate_code(used)
engine_settings.set_key(team, dora, key="sk_0123456789", base_url="wss://api.elevenlabs.io", label="")
Webhook.objects.create(team=team, url="https://hooks.example.org/", secret="whsec_abc", old_secret="whsec_old")
print(*codes.get_unused_codes())
"""
STILL_OPENS = """
import time
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from transcripts.models import ProviderKey, Webhook
totp, codes = (Authenticator.objects.get(type=kind).wrap() for kind in ("totp", "recovery_codes"))
assert totp.validate_code(format_hotp_value(hotp_value("JBSWY3DPEHPK3PXP", int(time.time()) // 30)))
hook = Webhook.objects.get()
assert (ProviderKey.objects.get().key, hook.secret, hook.old_secret) == ("sk_0123456789", "whsec_abc", "whsec_old")
print(*codes.get_unused_codes())
"""


def test_a_rotation_as_the_operator_does_it_leaves_everything_readable_and_nothing_under_the_old_key(tmp_path):
    keys = tmp_path / "keys"
    keys.write_text(OLD)
    one = Installation(tmp_path / "var", {"STTWEB_MASTER_KEYS_FILE": str(keys)})
    one.manage("migrate", "--verbosity", "0")
    codes = one.shell(SET_UP).split()
    assert len(codes) > 5
    keys.write_text(f"{NEW}\n{OLD}\n")
    assert "5 secrets" in one.manage("reseal")
    keys.write_text(NEW)
    assert one.shell(STILL_OPENS).split() == codes
    assert "5 secrets" in one.manage("reseal")
    keys.write_text("x" * 32)
    assert "5 secrets cannot be opened" in one.manage("reseal", ok=False)
    keys.write_text(NEW)
    assert one.shell(STILL_OPENS.replace("assert totp.", "totp.")).split() == codes


@pytest.mark.django_db
def test_a_factor_that_cannot_be_read_is_a_page_with_words(settings, client, django_user_model):
    person = django_user_model.objects.create_user("dora", password="right-one-77")
    settings.STTWEB_MASTER_KEYS = [OLD]
    TOTP.activate(person, "JBSWY3DPEHPK3PXP")
    settings.STTWEB_MASTER_KEYS = [NEW]
    assert client.post("/login", {"login": "dora", "password": "right-one-77"}).status_code == 302
    answer = client.post("/account/2fa/authenticate/", {"code": "123456"})
    assert answer.status_code == 503
    assert "cannot be read with the master key" in answer.content.decode()
    assert "sealed_unreadable" in answer.content.decode()
    assert "_auth_user_id" not in client.session
