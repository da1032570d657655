"""Sealed secrets: unreadable without a master key, readable with any of them."""

from __future__ import annotations

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

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
