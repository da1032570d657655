"""Programs that send real speech over the audio socket in each form, against the whole product as people start it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bench.incoming import FORMS, cookies_of, encoded, send
from tests.e2e.test_microphone import SAID

pytestmark = pytest.mark.speech


@pytest.mark.parametrize("form", sorted(FORMS))
def test_every_word_comes_back_on_the_socket_that_took_the_sound(
    address: tuple[str, str], sample_file: Path, form: str
) -> None:
    origin, password = address
    cookies = cookies_of(origin, "owner", password)
    heard = asyncio.run(send(origin, cookies, form, encoded(form, sample_file), None))
    words = " ".join(heard.words).lower()
    places = [words.find(word) for word in SAID]
    assert heard.ended
    assert -1 not in places, words
    assert places == sorted(places)
    assert len(heard.delays()) > 10
