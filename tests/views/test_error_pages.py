"""Every page that says no: HTML that looks like the product, one heading, what happened, and a way on."""

from __future__ import annotations

import pytest
from django.template.loader import render_to_string
from django.test import Client, RequestFactory
from django.views.defaults import bad_request, server_error

from transcripts.live import doorstep
from transcripts.models import Membership, Role

pytestmark = pytest.mark.django_db


def missing(client, victor):
    client.force_login(victor)
    return client.get("/s/00000000-0000-0000-0000-000000000000")


def forbidden(client, victor):
    client.force_login(victor)
    return client.get("/new")


def too_old(client, victor):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(victor)
    return strict.post("/theme", {"theme": "dark"})


def too_many(client, victor, monkeypatch):
    monkeypatch.setattr(doorstep.captions, "admits", lambda address: False)
    return client.get("/c/anything")


@pytest.mark.parametrize(
    ("ask", "status", "heading"),
    [
        (missing, 404, "Nothing here"),
        (forbidden, 403, "Not allowed"),
        (too_old, 403, "The form was too old"),
        (too_many, 429, "Too many requests"),
    ],
)
def test_a_refusal_is_a_page_of_the_product(request, client, victor, ask, status, heading):
    extra = {"monkeypatch": request.getfixturevalue("monkeypatch")} if ask is too_many else {}
    response = ask(client, victor, **extra)
    assert response.status_code == status
    judge(response.content.decode(), heading)


def test_a_body_that_is_too_large_is_said_at_the_form(client, alice, settings):
    settings.STTWEB_MAX_MEDIA_BYTES = 10
    client.force_login(alice)
    response = client.post("/new", {"links": "x" * 3_000_000})
    assert response.status_code == 413
    assert "the most at once" in response.content.decode()


@pytest.mark.parametrize(
    ("view", "heading"),
    [
        (lambda asked: bad_request(asked, ValueError()), "The server did not understand that"),
        (server_error, "Something broke"),
    ],
    ids=["400", "500"],
)
def test_errors_of_the_server_need_no_person_and_no_database(view, heading, django_assert_num_queries):
    with django_assert_num_queries(0):
        judge(view(RequestFactory().get("/")).content.decode(), heading)


def judge(page: str, heading: str) -> None:
    assert page.startswith("<!doctype html>")
    assert page.count("<h1") == 1
    assert heading in page[page.index("<h1") :]
    assert 'class="lead"' in page
    assert "app" in page[: page.index("</head>")]
    assert "<script>" not in page
    assert "Traceback" not in page
    assert "{%" not in page


def test_who_comes_too_often_is_told_to_wait():
    assert "Wait a moment" in render_to_string("429.html")


def test_who_may_not_reads_whom_to_ask(client, victor, alice, bob, team, django_user_model):
    client.force_login(victor)
    page = client.get("/new").content.decode()
    assert "Ask the owner of the team: Alice." in page
    assert f"/team/{team.pk}/members" in page
    away = django_user_model.objects.create_user("owen", first_name="Owen", is_active=False)
    Membership.objects.create(team=team, user=away, role=Role.OWNER)
    Membership.objects.filter(user=bob).update(role=Role.OWNER)
    assert "Ask an owner of the team: Alice, Bob." in client.get(f"/team/{team.pk}/settings").content.decode()


def test_a_missing_right_in_another_team_names_the_owners_of_that_one(client, victor, other_team, charlie, alice):
    Membership.objects.create(team=other_team, user=alice, role=Role.VIEWER)
    client.force_login(alice)
    page = client.get(f"/team/{other_team.pk}/settings").content.decode()
    assert "Ask the owner of the team: Charlie." in page


def test_a_stranger_learns_no_names(client, victor, other_team, charlie):
    client.force_login(victor)
    answer = client.get(f"/team/{other_team.pk}/settings")
    assert answer.status_code == 404
    assert "Charlie" not in answer.content.decode()
