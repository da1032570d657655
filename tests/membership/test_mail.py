"""Invitations by mail through a real SMTP server on loopback."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.test import Client
from django.urls import reverse

from transcripts.models import Invitation, Role

pytestmark = pytest.mark.django_db


class Sink(socketserver.TCPServer):
    """Takes mail (RFC 5321, as much as one client needs) and keeps it; ``refuses`` every recipient if told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.letters: list[bytes] = []
        self.refuses = False


class _Talk(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        sink = self.server
        assert isinstance(sink, Sink)
        self.wfile.write(b"220 sink\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"RCPT" and sink.refuses:
                self.wfile.write(b"550 nobody here\r\n")
            elif word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                letter = b"".join(iter(self.rfile.readline, b".\r\n"))
                sink.letters.append(letter)
                self.wfile.write(b"250 taken\r\n")
            else:
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 fine\r\n")
            if word == b"QUIT":
                return


@pytest.fixture
def sink(settings: Any) -> Iterator[Sink]:
    with Sink() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address[:2]
        settings.STTWEB_MAIL_URL = f"smtp://127.0.0.1:{settings.EMAIL_PORT}"
        yield server
        server.shutdown()
        thread.join()


def invite(client: Client, team: Any) -> Any:
    data = {"role": "reviewer", "days": "7", "email": "dora@example.org"}
    return client.post(reverse("team-invite", args=[team.pk]), data, follow=True)


def test_the_mailed_link_lets_in_whose_address_it_was_sent_to(sink, client, team, alice, charlie):
    client.force_login(alice)
    team.name = "Übersee\r\nBcc: all@example.org"
    team.save()
    assert invite(client, team).status_code == 200
    letter = message_from_bytes(sink.letters[0], policy=policy.default)
    assert (letter["To"], letter["Bcc"]) == ("dora@example.org", None)
    assert "Übersee" in letter["Subject"]
    text = letter.get_content()
    address = next(word for word in text.split() if "/invitation/" in word)
    guest = Client()
    guest.force_login(charlie)
    path = address.partition("testserver")[2]
    assert path.startswith("/invitation/")
    assert guest.get(path).status_code == 403
    EmailAddress.objects.create(user=charlie, email="dora@example.org", verified=True)
    assert guest.get(path).status_code == 200
    assert guest.post(path).status_code == 302
    assert team.memberships.get(user=charlie).role == Role.REVIEWER
    assert mail.outbox == []


def test_a_letter_that_nobody_took_is_said_and_the_link_is_there_all_the_same(sink, client, team, alice):
    sink.refuses = True
    client.force_login(alice)
    page = invite(client, team).content.decode()
    assert "was not mailed" in page
    assert "/invitation/" in page
    assert sink.letters == []
    assert Invitation.objects.open().count() == 1
