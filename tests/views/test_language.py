"""Pages in two languages: the browser's, until a person chooses one."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.test import Client


@pytest.fixture
def page(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


def test_the_browsers_language_counts_until_one_is_chosen(page: Client) -> None:
    german = {"Accept-Language": "de-AT,de;q=0.9"}
    assert 'lang="de"' in page.get("/", headers=german).content.decode()
    answer = page.post("/language", {"lang": "en", "next": "/library"}, headers=german)
    assert answer.headers["Location"] == "/library"
    assert 'lang="en"' in page.get("/", headers=german).content.decode()
    page.post("/language", {"lang": "de"})
    assert "Bibliothek" in page.get("/").content.decode()


def test_neither_an_unknown_language_nor_another_site_is_gone_to(page: Client) -> None:
    answer = page.post("/language", {"lang": "xx", "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/"
    assert not answer.cookies
