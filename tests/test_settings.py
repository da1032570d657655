"""What the settings accept, refuse and make by themselves, each in a process of its own."""

from __future__ import annotations

import ast
import json
import os
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from sttweb.env import persistent_secret, secret

ROOT = Path(__file__).resolve().parent.parent
SECRETS = ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "ELEVENLABS_API_KEY", "STTWEB_METRICS_TOKEN",
           "STTWEB_MAIL_URL", "STTWEB_MASTER_KEYS", "STTWEB_OIDC_CLIENT_SECRET"]  # fmt: skip
#: Set to nothing, so that a .env file of the working copy does not take part.
QUIET = dict.fromkeys([*SECRETS, "STTWEB_ORIGINS"], "")


def run(tmp_path, *arguments, **variables):
    """Run Python in the project with only these variables."""
    quiet = {name: value for name, value in QUIET.items() if f"{name}_FILE" not in variables}
    environment = {"PATH": os.environ["PATH"], "STTWEB_VAR": str(tmp_path), **quiet, **variables}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def settings_of(tmp_path, *names, **variables):
    """The values of some settings, as a fresh process sees them."""
    values = f"[getattr(s, n) for n in {names!r}]"
    program = f"import json; from sttweb import settings as s; print(json.dumps({values}, default=str))"
    done = run(tmp_path, "-c", program, **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refusal(tmp_path, **variables):
    """The sentence with which the settings refuse to load."""
    done = run(tmp_path, "-c", "import sttweb.settings", **variables)
    assert done.returncode != 0
    return done.stderr.splitlines()[-1].removeprefix("django.core.exceptions.ImproperlyConfigured: ")


def test_a_fresh_machine_needs_nothing_and_is_closed(tmp_path):
    names = ["DEBUG", "STTWEB_BIND", "ALLOWED_HOSTS", "STTWEB_ENGINE", "SECURE_SSL_REDIRECT"]
    assert settings_of(tmp_path, *names) == [False, "127.0.0.1", ["127.0.0.1", "localhost", "[::1]"], "embedded", False]


def test_a_fresh_machine_trusts_its_own_pages_only(tmp_path):
    (origins,) = settings_of(tmp_path, "TRUSTED_ORIGINS", STTWEB_PORT="8123")
    assert origins == ["http://127.0.0.1:8123", "http://localhost:8123", "http://[::1]:8123"]


def test_sqlite_waits_for_the_disk_when_it_is_asked_to(tmp_path):
    for asked, word in (("true", "FULL"), ("false", "NORMAL")):
        (databases,) = settings_of(tmp_path, "DATABASES", STTWEB_SQLITE_FULL=asked)
        assert f"synchronous={word};" in str(databases)


def test_debug_is_refused_together_with_a_public_address(tmp_path):
    assert "STTWEB_DEBUG is refused" in refusal(tmp_path, STTWEB_DEBUG="true", STTWEB_BIND="0.0.0.0")
    assert settings_of(tmp_path, "DEBUG", STTWEB_DEBUG="true") == [True]


@pytest.mark.parametrize("key", ["change-me", "x" * 49, "x" * 80, "abcd" * 20], ids=["example", "short", "one", "four"])
def test_a_short_or_simple_secret_key_of_ones_own_is_refused(tmp_path, key):
    assert "SECRET_KEY is shorter than 50 characters" in refusal(tmp_path, SECRET_KEY=key)


def test_hosts_may_not_be_a_wildcard(tmp_path):
    assert "may not hold '*'" in refusal(tmp_path, STTWEB_HOSTS="captions.example.org,*")


def test_an_unknown_engine_is_refused(tmp_path):
    assert "'embedded' or 'elevenlabs', not 'whisper'" in refusal(tmp_path, STTWEB_ENGINE="whisper")


def test_a_key_makes_the_hosted_engine_the_default(tmp_path):
    assert settings_of(tmp_path, "STTWEB_ENGINE", ELEVENLABS_API_KEY="a-key") == ["elevenlabs"]
    assert settings_of(tmp_path, "STTWEB_ENGINE", ELEVENLABS_API_KEY="k", STTWEB_ENGINE="embedded") == ["embedded"]


def test_a_https_origin_turns_on_all_that_https_needs(tmp_path):
    names = ["ALLOWED_HOSTS", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_SSL_REDIRECT", "TRUSTED_ORIGINS"]
    origin = "https://captions.example.org"
    assert settings_of(tmp_path, *names, STTWEB_ORIGINS=f"{origin}/") == [
        ["captions.example.org"], True, True, True, [origin]
    ]  # fmt: skip


def test_postgresql_and_redis_are_named_by_their_addresses(tmp_path):
    names = ["DATABASES", "CHANNEL_LAYERS"]
    databases, layers = settings_of(
        tmp_path, *names, DATABASE_URL="postgres://u:p@db.example.org/stt", REDIS_URL="redis://cache.example.org/1"
    )
    assert databases["default"]["ENGINE"] == "django.db.backends.postgresql"
    assert databases["default"]["OPTIONS"]["pool"]["max_size"] == 20
    assert layers["default"]["CONFIG"]["hosts"][0]["address"] == "redis://cache.example.org/1"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_come_from_a_file(tmp_path, name):
    values = {
        "SECRET_KEY": "0123456789" * 6,
        "DATABASE_URL": "sqlite:////nowhere/db",
        "REDIS_URL": "redis://r.example.org",
        "ELEVENLABS_API_KEY": "k",
        "STTWEB_METRICS_TOKEN": "m",
        "STTWEB_MAIL_URL": "smtp://mail.example.org",
        "STTWEB_MASTER_KEYS": "0123456789" * 4,
        "STTWEB_OIDC_CLIENT_SECRET": "s",
    }
    file = tmp_path / "secret"
    file.write_text(f"{values[name]}\n")
    read = settings_of(tmp_path, name, **{f"{name}_FILE": str(file)})
    assert read == [[values[name]] if name == "STTWEB_MASTER_KEYS" else values[name]]


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_given_twice_is_refused(tmp_path, name):
    (tmp_path / "secret").write_text("x")
    said = refusal(tmp_path, **{name: "y", f"{name}_FILE": str(tmp_path / "secret")})
    assert said == f"Both {name} and {name}_FILE are set; keep one of them."


def test_a_process_started_by_another_reads_the_same_secret_files(tmp_path):
    """What one process reads from a file must not end up in the environment of its children as a second value."""
    file = tmp_path / "secret"
    file.write_text(f"sqlite:///{tmp_path}/db")
    child = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import sttweb.settings'], check=True)"
    done = run(tmp_path, "-c", f"import sttweb.settings; {child}", DATABASE_URL_FILE=str(file))
    assert done.returncode == 0, done.stderr


def test_a_secret_file_that_is_not_there_stops_the_start(monkeypatch, tmp_path):
    monkeypatch.setenv("SOME_KEY_FILE", str(tmp_path / "absent"))
    with pytest.raises(ImproperlyConfigured, match=r"SOME_KEY_FILE names .* which cannot be read"):
        secret("SOME_KEY")


@pytest.mark.parametrize("url", ["nonsense", "mysql://u:hidden@h/n", "postgres://u:hidden@h:port/n"])
def test_an_address_of_no_database_is_refused_without_showing_its_password(tmp_path, url):
    said = refusal(tmp_path, DATABASE_URL=url)
    assert said == "DATABASE_URL must be like postgres://user:password@host:5432/name."


def test_the_state_folder_is_private_and_one_that_cannot_be_made_is_named(tmp_path):
    settings_of(tmp_path, "DEBUG", STTWEB_VAR=str(tmp_path / "state"))
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    file = tmp_path / "file"
    file.write_text("")
    said = refusal(tmp_path, STTWEB_VAR=str(file / "state"))
    assert said == f"STTWEB_VAR is {file}/state, which cannot be made: Not a directory."


@pytest.mark.parametrize("values", [{"STTWEB_PORT": "many"}, {"STTWEB_ENGINE": "loudest"}])
def test_a_mistake_in_the_configuration_is_one_line_and_no_trace(tmp_path, values):
    done = run(tmp_path, "manage.py", "up", **values)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert next(iter(values)) in done.stderr


def test_the_secret_key_is_made_once_and_kept_from_others(tmp_path):
    first, second = (settings_of(tmp_path, "SECRET_KEY") for _ in range(2))
    assert first == second
    assert len(first[0]) >= 80
    assert stat.S_IMODE((tmp_path / "secret_key").stat().st_mode) == 0o600


def test_the_master_key_is_made_once_and_is_another(tmp_path):
    first, second = (settings_of(tmp_path, "STTWEB_MASTER_KEYS", "SECRET_KEY") for _ in range(2))
    assert first == second
    assert first[0] != [first[1]]
    assert stat.S_IMODE((tmp_path / "master_keys").stat().st_mode) == 0o600


def test_several_master_keys_are_read_in_their_order_and_short_ones_refused(tmp_path):
    new, old = "n" * 32, "o" * 40
    assert settings_of(tmp_path, "STTWEB_MASTER_KEYS", STTWEB_MASTER_KEYS=f"{new},\n{old}") == [[new, old]]
    assert not (tmp_path / "master_keys").exists()
    assert "shorter than 32 characters" in refusal(tmp_path, STTWEB_MASTER_KEYS=f"{new},short")


def test_processes_that_start_together_agree_on_the_key(tmp_path):
    for turn in range(20):
        together = threading.Barrier(8)
        keys: list[str] = []

        def start(path=tmp_path / f"key{turn}", together=together, keys=keys):
            together.wait(10)
            keys.append(persistent_secret(path))

        threads = [threading.Thread(target=start) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(keys)) == 1
        assert len(keys[0]) >= 80


_READS_ADDRESSES = ROOT / "sttweb/visiting.py"


def environment_of(page):
    """The lines ``NAME=value`` of the first block of settings on a page of the documentation."""
    block = re.search(r"```(?:ini|sh|env)\n(.*?)```", (ROOT / "docs" / page).read_text(), re.DOTALL)
    assert block is not None
    lines = [line for line in block[1].splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def test_the_documented_production_environment_passes_the_deployment_check(tmp_path):
    variables = environment_of("production.md")
    assert {"STTWEB_ORIGINS", "DATABASE_URL_FILE", "REDIS_URL_FILE", "SECRET_KEY_FILE"} <= set(variables)
    values = {
        "DATABASE_URL_FILE": "postgres://u:p@db.example.org/stt",
        "REDIS_URL_FILE": "redis://cache.example.org",
        "SECRET_KEY_FILE": "0123456789abcdef" * 4,
        "STTWEB_MASTER_KEYS_FILE": "fedcba9876543210" * 4,
        "ELEVENLABS_API_KEY_FILE": "not-a-real-key",
    }
    for name, value in values.items():
        (tmp_path / name).write_text(value)
        variables[name] = str(tmp_path / name)
    variables |= {name: str(tmp_path / "var") for name, path in variables.items() if path.startswith("/srv/")}
    done = run(tmp_path, "-W", "error", "manage.py", "check", "--deploy", "--fail-level", "WARNING", **variables)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout


def test_the_documented_proxy_writes_every_header_that_is_believed():
    """One that it leaves out is passed on as a stranger wrote it."""
    believed = set(re.findall(r"HTTP_(X_FORWARDED_\w+)", (ROOT / "sttweb/settings.py").read_text()))
    believed |= {
        name.upper().replace("-", "_") for name in re.findall(r"X-Forwarded-For", _READS_ADDRESSES.read_text())
    }
    (block,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs/production.md").read_text(), re.DOTALL)
    written = {name.upper().replace("-", "_") for name in re.findall(r"proxy_set_header (\S+)", block)}
    assert believed == {"X_FORWARDED_PROTO", "X_FORWARDED_FOR"}
    assert believed <= written


def options():
    """Every option that settings.py reads: name -> its default as written, or None where it is worked out."""
    found = {}
    for node in ast.walk(ast.parse((ROOT / "sttweb/settings.py").read_text())):
        if not (isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant)):
            continue
        called = ast.unparse(node.func)
        if called == "secret" or (called.startswith("env.") and called not in {"env.read_env", "env.dj_db_url"}):
            found[node.args[0].value] = value_of(node.args[1]) if len(node.args) > 1 else None
    return found


def value_of(node):
    """A default that is written as a plain number or text."""
    try:
        return eval(compile(ast.Expression(node), "settings", "eval"), {"__builtins__": {}})
    except NameError:
        return None


def documented():
    """Every option of docs/configuration.md: name -> its row of the table."""
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]+)`(.*)$", (ROOT / "docs/configuration.md").read_text(), re.MULTILINE)
    assert len(rows) == len(dict(rows)), "an option is listed twice"
    return dict(rows)


def test_the_documentation_lists_exactly_the_options_there_are():
    assert set(documented()) == set(options())


def test_the_documentation_gives_the_defaults_there_are():
    listed = documented()
    plain = {name: value for name, value in options().items() if value not in (None, "", [])}
    assert plain
    wrong = {name: value for name, value in plain.items() if f"`{str(value).lower()}`" not in listed[name].lower()}
    assert wrong == {}


def test_the_documentation_says_which_options_may_be_files():
    listed = documented()
    assert {name for name, row in listed.items() if f"`{name}_FILE`" in row} == set(SECRETS)
