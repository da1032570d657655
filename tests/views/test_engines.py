"""Engines, keys, vocabulary and usage in the settings of a team."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import connection
from django.urls import reverse

from tests.faults.conftest import provider
from transcripts import engine_settings, limits
from transcripts.engine.profile import PRODUCT
from transcripts.jobs import budget
from transcripts.models import (
    Act,
    AuditEntry,
    Engine,
    Membership,
    ProviderKey,
    Role,
    State,
    TeamEngine,
    Transcript,
    count_usage,
)

pytestmark = pytest.mark.django_db
KEY = "sk_0123456789abcdef0123WXYZ"
EU = "wss://api.eu.residency.elevenlabs.io"
HOUR = 16_000 * 3600


@pytest.fixture
def owner(client, alice):
    client.force_login(alice)
    return client


def post(client, name, team, **data):
    return client.post(reverse(name, args=[team.pk]), data)


def page(client, team) -> str:
    return client.get(reverse("team-settings", args=[team.pk])).content.decode()


def enter(client, team, **data):
    return post(client, "team-key", team, **{"key": KEY, "region": EU, "label": "Desk", **data})


def acts(team):
    return list(AuditEntry.objects.filter(team_id=team.pk).order_by("id").values_list("act", flat=True))


def test_a_key_goes_in_and_only_its_end_comes_out(owner, team, caplog):
    assert enter(owner, team).status_code == 302
    shown = page(owner, team)
    assert "WXYZ" in shown
    assert "api.eu.residency.elevenlabs.io" in shown
    assert KEY not in shown
    with connection.cursor() as cursor:
        cursor.execute("select * from transcripts_providerkey")
        assert KEY not in repr(cursor.fetchall())
    assert ProviderKey.objects.get().key == KEY
    entry = AuditEntry.objects.get(act=Act.KEY_SET)
    assert KEY not in f"{entry.target}{entry.details}{caplog.text}"


def test_a_form_with_a_mistake_does_not_show_the_key_again(owner, team):
    answer = enter(owner, team, region="own", base_url="http://192.168.1.1/")
    assert answer.status_code == 422
    assert KEY not in answer.content.decode()
    assert answer.context["key_form"].errors.keys() == {"base_url"}
    assert not ProviderKey.objects.exists()


@pytest.mark.parametrize(
    "data",
    [{"key": ""}, {"key": "short"}, {"key": "with space in it"}, {"key": "schlüssel-123"}, {"key": "a\x00bcdefghijk"},
     {"region": "wss://evil.example.org"}, {"region": "own", "base_url": ""}, {"region": "own", "base_url": "nonsense"},
     {"region": "own", "base_url": "http://speech.example.org"}, {"region": "own", "base_url": "https://127.0.0.1"},
     {"region": "own", "base_url": "https://u:p@speech.example.org"}],
    ids=str,
)  # fmt: skip
def test_what_is_no_key_or_no_host_is_refused(owner, team, data):
    assert enter(owner, team, **data).status_code == 422
    assert not ProviderKey.objects.exists()


def test_a_key_is_replaced_and_removed(owner, team):
    enter(owner, team)
    enter(owner, team, key=KEY.replace("WXYZ", "NEW1"), region="own", base_url="https://speech.example.com/")
    row = ProviderKey.objects.get()
    assert (row.last_four, row.base_url) == ("NEW1", "https://speech.example.com")
    assert post(owner, "team-key-remove", team).status_code == 302
    assert not ProviderKey.objects.exists()
    assert acts(team) == [Act.KEY_SET, Act.KEY_SET, Act.KEY_REMOVED]


@pytest.mark.parametrize("role", list(Role))
def test_keys_and_limits_are_the_owners_and_defaults_the_managers(client, bob, team, role):
    Membership.objects.filter(user=bob).update(role=role)
    client.force_login(bob)
    owns, manages = role == Role.OWNER, role in (Role.OWNER, Role.MANAGER)
    assert enter(client, team).status_code == (302 if owns else 403)
    assert post(client, "team-limit", team, limit="5", limit_unit="hours").status_code == (302 if owns else 403)
    assert post(client, "team-key-test", team).status_code in ((200, 302) if owns else (403,))
    assert post(client, "team-key-remove", team).status_code == (302 if owns else 403)
    assert post(client, "team-defaults", team, preset="live").status_code == (302 if manages else 403)


def test_without_the_master_key_the_page_still_opens(owner, team, settings):
    enter(owner, team)
    settings.STTWEB_MASTER_KEYS = ["another master key of enough characters"]
    assert "WXYZ" in page(owner, team)
    assert engine_settings.host_in_use(team) == ("", "key_unreadable")
    assert post(owner, "team-key-test", team).status_code == 302


def test_the_form_begins_with_what_the_team_decided(owner, team):
    enter(owner, team)
    terms = "Lovelace\nBabbage\nLovelace"
    data = {"engine": "elevenlabs", "language": "de", "preset": "accurate", "keyterms": terms}
    assert post(owner, "team-defaults", team, **data).status_code == 302
    form = owner.get("/new").context["form"]
    assert [form[name].value() for name in ("engine", "language", "preset", "keyterms")] == [
        "elevenlabs", "German (de)", "accurate", "Lovelace\nBabbage",
    ]  # fmt: skip
    assert form.hosted_is_ready
    assert "2 / 50" in page(owner, team)


@pytest.mark.parametrize("terms", ["\n".join(f"term{n}" for n in range(51)), "x" * 21], ids=["too many", "too long"])
def test_the_vocabulary_keeps_the_rules_of_the_service(owner, team, terms):
    answer = post(owner, "team-defaults", team, keyterms=terms)
    assert answer.status_code == 422
    assert answer.context["defaults"].errors.keys() == {"keyterms"}
    assert not TeamEngine.objects.exists()


def test_a_limit_warns_stops_new_work_and_lets_it_go_on_when_it_is_raised(owner, team, make_transcript, settings):
    settings.ELEVENLABS_API_KEY = "operators-key"
    post(owner, "team-limit", team, limit="10", limit_unit="hours")
    waiting = make_transcript(engine=Engine.ELEVENLABS)
    running = make_transcript(engine=Engine.ELEVENLABS, state=State.RUNNING)
    offline = make_transcript()
    count_usage(team.pk, Engine.ELEVENLABS, 8 * HOUR)
    budget.care()
    budget.care()
    assert "80 % of the monthly limit" in page(owner, team)
    assert "The team has used 80 %" in owner.get("/new").content.decode()
    waiting.refresh_from_db()
    assert waiting.state == State.QUEUED
    count_usage(team.pk, Engine.ELEVENLABS, 2 * HOUR)
    budget.care()
    states = list(Transcript.objects.order_by("created_at").values_list("state", "code"))
    assert states == [(State.PAUSED, "limit_reached"), (State.RUNNING, ""), (State.QUEUED, "")]
    refused = owner.post("/new", {"links": "https://media.example.org/a.mp3", "engine": "elevenlabs"})
    assert refused.status_code == 422
    assert "monthly limit" in refused.context["form"].errors["engine"][0]
    assert owner.post("/new", {"links": "https://media.example.org/a.mp3", "engine": "embedded"}).status_code == 302
    post(owner, "team-limit", team, limit="20", limit_unit="hours")
    budget.care()
    waiting.refresh_from_db()
    assert waiting.state == State.QUEUED
    told = [act for act in acts(team) if act in (Act.LIMIT_NEAR, Act.LIMIT_REACHED)]
    assert told == [Act.LIMIT_NEAR, Act.LIMIT_REACHED]
    assert {running.pk, offline.pk} < set(Transcript.objects.values_list("pk", flat=True))


def test_a_limit_in_money_counts_the_price_of_an_hour(owner, team, settings):
    settings.STTWEB_HOSTED_PRICE = "€0,50"
    post(owner, "team-limit", team, limit="1.00", limit_unit="money")
    count_usage(team.pk, Engine.ELEVENLABS, HOUR)
    count_usage(team.pk, Engine.ELEVENLABS, HOUR // 2)
    standing = limits.standing(team.pk)
    assert (standing.percent, standing.level) == (75, "")
    count_usage(team.pk, Engine.ELEVENLABS, HOUR // 2)
    with pytest.raises(limits.LimitReached):
        limits.require(team.pk, Engine.ELEVENLABS)
    limits.require(team.pk, Engine.EMBEDDED)
    assert "€1.00" in page(owner, team)


@pytest.mark.parametrize("value", ["-1", "many", "1e99", "NaN", "0.001", "\x00"])
def test_what_is_no_limit_is_refused(owner, team, value):
    assert post(owner, "team-limit", team, limit=value, limit_unit="hours").status_code == 422
    assert not TeamEngine.objects.exists()


class Service:
    """A speech service with a key, in a thread of its own."""

    def __init__(self, rules=None, key="sk_the_good_key") -> None:
        self._rules, self._key, self.port = rules, key, 0
        self._up, self._loop = threading.Event(), asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        async with provider(self._rules, profile=PRODUCT, key=self._key) as (self.port, _server):
            self._up.set()
            await self._end.wait()

    def __enter__(self) -> int:
        self._thread.start()
        assert self._up.wait(30)
        return self.port

    def __exit__(self, *failure: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture
def loopback(settings) -> None:
    settings.FETCH_ALLOW_NETWORKS = ["127.0.0.0/8"]


def steps_of(client, team):
    answer = post(client, "team-key-test", team)
    assert answer.status_code == 200
    return [(step["name"], step["state"], step["code"]) for step in answer.context["test_steps"]]


def use(client, team, settings, port, key="sk_the_good_key"):
    settings.FETCH_ALLOW_PORTS = [port]
    assert enter(client, team, key=key, region="own", base_url=f"http://127.0.0.1:{port}").status_code == 302


OK = [(name, "ok", "") for name in ("address", "connection", "handshake", "authorisation", "session")]


def told(failed: str, code: str):
    at = [name for name, _state, _code in OK].index(failed)
    return OK[:at] + [(failed, "failed", code)] + [(name, "skipped", "") for name, _state, _code in OK[at + 1 :]]


def test_a_good_key_passes_every_step_and_no_sound_is_sent(owner, team, settings, loopback):
    with Service() as port:
        use(owner, team, settings, port)
        assert steps_of(owner, team) == OK
    assert ProviderKey.objects.get().works
    assert AuditEntry.objects.get(act=Act.KEY_TESTED).outcome == "ok"


@pytest.mark.parametrize(
    ("rules", "key", "failed", "code"),
    [
        ([], "sk_a_wrong_key", "authorisation", "auth_error"),
        ([{"fault": "refuse", "status": 401}], "sk_the_good_key", "authorisation", "auth_error"),
        ([{"fault": "refuse", "status": 402}], "sk_the_good_key", "session", "quota_exceeded"),
        ([{"fault": "refuse", "status": 404}], "sk_the_good_key", "handshake", "handshake_refused"),
    ],
    ids=["wrong key", "401", "quota", "not the service"],
)
def test_the_step_that_failed_is_named(owner, team, settings, loopback, rules, key, failed, code):
    with Service(rules) as port:
        use(owner, team, settings, port, key)
        assert steps_of(owner, team) == told(failed, code)
    assert not ProviderKey.objects.get().works
    assert AuditEntry.objects.get(act=Act.KEY_TESTED).outcome == failed
    assert "failed:" in page(owner, team)


def test_a_port_where_nobody_listens(owner, team, settings, loopback):
    with Service() as port:
        use(owner, team, settings, port)
    assert steps_of(owner, team) == told("connection", "unreachable")


def test_an_address_that_is_not_allowed_any_more_is_not_connected_to(owner, team, settings, loopback):
    with Service() as port:
        use(owner, team, settings, port)
        settings.FETCH_ALLOW_NETWORKS = []
        assert steps_of(owner, team) == told("address", "key_host_blocked")


def test_tests_are_counted(owner, team, settings, loopback):
    with Service() as port:
        use(owner, team, settings, port)
    statuses = [post(owner, "team-key-test", team).status_code for _ in range(6)]
    assert 302 in statuses
    assert statuses[0] == 200
