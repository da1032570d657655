"""What monitors are told, and who is told at all."""

from __future__ import annotations

import sqlite3

import pytest
from django.db import connection
from django.test import Client

from sttweb import health

PUBLIC = {"STTWEB_BIND": "0.0.0.0", "TRUSTED_ORIGINS": ["https://captions.example.org"]}


@pytest.fixture
def public(settings):
    """An installation that the world can reach."""
    settings.STTWEB_BIND = "0.0.0.0"
    settings.TRUSTED_ORIGINS = ["https://captions.example.org"]
    return settings


def test_alive_touches_no_database_and_asks_for_no_host(client, settings):
    """Without the database mark, any query would fail this test."""
    settings.SECURE_SSL_REDIRECT = True
    answer = client.get("/healthz", headers={"Host": "10.1.2.3:8000"})
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert answer.headers["Cache-Control"] == "no-store"


async def test_alive_answers_the_same_to_an_asynchronous_server(async_client):
    assert (await async_client.get("/healthz")).content == b"ok\n"


@pytest.mark.django_db
def test_ready_names_its_parts(client, worker):
    worker()
    answer = client.get("/readyz")
    assert answer.status_code == 200
    said = answer.json()
    assert (said["ready"], said["degraded"]) == (True, False)
    assert set(said["parts"]) == {"database", "migrations", "workers", "decoder", "channel_layer"}
    assert all(part == {"ok": True, "says": "ok"} for part in said["parts"].values())
    assert said["version"] == "0.1.0"


@pytest.mark.django_db
def test_without_a_fresh_worker_it_is_not_ready(client, worker):
    assert client.get("/readyz").status_code == 503
    worker(silent=31)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "No worker" in answer.json()["parts"]["workers"]["says"]
    worker("second", silent=2)
    assert client.get("/readyz").status_code == 200


@pytest.mark.django_db
def test_tables_of_an_older_version_are_not_ready(client, worker, monkeypatch):
    worker()
    monkeypatch.setattr(health, "_migrated", set())
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app='transcripts' AND name='0003_upkeep'")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "migrate" in answer.json()["parts"]["migrations"]["says"]


@pytest.mark.django_db
def test_a_redis_that_is_away_makes_it_degraded_and_not_less(client, worker, settings):
    worker()
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer"}}
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert (answer.json()["ready"], answer.json()["degraded"]) == (True, True)
    assert "polling" in answer.json()["parts"]["channel_layer"]["says"]


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer_is_not_ready(client, monkeypatch, tmp_path):
    """The file is no database: the same errors as from one that is away."""
    broken = tmp_path / "broken.sqlite3"
    broken.write_bytes(b"not a database" * 1000)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(broken).execute("select 1 from x")
    connection.close()
    monkeypatch.setitem(connection.settings_dict, "NAME", str(broken))
    try:
        answer = client.get("/readyz")
        metrics = client.get("/metrics")
    finally:
        connection.close()
    assert answer.status_code == 503
    assert answer.json()["parts"]["database"] == {"ok": False, "says": "The database does not answer."}
    assert metrics.status_code == 503


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/readyz", "/metrics"])
class TestAccess:
    def test_this_machine_may_ask_while_nobody_else_can_reach_it(self, path, client, worker):
        worker()
        assert client.get(path).status_code == 200
        assert client.get(path, REMOTE_ADDR="192.0.2.7").status_code == 401

    def test_what_comes_through_a_proxy_is_not_from_this_machine(self, path, client):
        for header in ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"):
            assert client.get(path, headers={header: "127.0.0.1"}).status_code == 401

    def test_a_loopback_address_behind_a_public_origin_proves_nothing(self, path, client, settings):
        settings.TRUSTED_ORIGINS = ["https://captions.example.org"]
        answer = client.get(path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert b"sttweb_" not in answer.content

    def test_the_token_opens_it(self, path, client, public, worker):
        worker()
        public.STTWEB_METRICS_TOKEN = "a-long-token"
        assert client.get(path, headers={"Authorization": "Bearer a-long-token"}).status_code == 200
        for wrong in ("Bearer a-long-tokeN", "Bearer ", "", "a-long-token", "Bearer a-long-token2", "Bearer é"):
            assert client.get(path, headers={"Authorization": wrong}).status_code == 401

    def test_without_a_token_no_empty_one_opens_it(self, path, client, public):
        public.STTWEB_METRICS_TOKEN = ""
        assert client.get(path, headers={"Authorization": "Bearer "}).status_code == 401

    def test_staff_may_ask_and_members_may_not(self, path, public, desk, alice, worker):
        worker()
        assert desk.get(path).status_code == 200
        member = Client()
        member.force_login(alice)
        assert member.get(path).status_code == 401

    def test_nothing_is_kept_and_nothing_is_posted(self, path, client, worker):
        worker()
        assert "no-store" in client.get(path).headers["Cache-Control"]
        assert client.post(path).status_code == 405
