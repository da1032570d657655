"""Hostile requests at pages, uploads and exports: refused or harmless, and never an error of ours."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.handlers.asgi import ASGIRequest
from django.test import Client

from tests.conftest import MakeTranscript
from tests.views.test_submitting import recording
from transcripts.models import Team, Transcript

pytestmark = pytest.mark.django_db

SCRIPT = "<img src=x onerror=alert(1)></script><script>alert(1)</script>"
NAMES = {
    "up": "../../../etc/cron.d/x.mp3", "windows": "C:\\Windows\\x.mp3", "folder": "a/b.mp3", "dots": "..",
    "lines": "a\r\nX-Injected: 1.mp3", "long": "n" * 4000 + ".mp3", "turned": "a\u202egpj.mp3",
    "picture": "\U0001f3a7.mp3",
    "device": "CON.mp3", "script": SCRIPT + ".mp3", "quotes": 'a"; filename=x;.mp3',
}  # fmt: skip


@pytest.fixture
def editor(client: Client, bob: Any, settings: Any, tmp_path: Any) -> Client:
    settings.STTWEB_MEDIA_DIR = tmp_path / "media"
    client.force_login(bob)
    return client


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_files_name_is_a_title_and_nothing_else(editor: Client, tmp_path: Any, name: str) -> None:
    file = SimpleUploadedFile("x.mp3", recording(), content_type="audio/mpeg")
    vars(file)["_name"] = name  # what a browser of an attacker sends; Django's setter would clean it here already
    answer = editor.post("/new", {"uploads": file})
    assert answer.status_code in (302, 400, 422)
    made = Transcript.objects.all()
    for one in made:
        assert re.fullmatch(r"[0-9a-f]{2}/[0-9a-f-]{32,36}", one.media_key)
        assert 0 < len(one.title) <= 200
        assert one.title.isprintable()
        page = editor.get(f"/s/{one.pk}").content.decode()
        assert "<script>alert" not in page
        export = editor.get(f"/s/{one.pk}/export/txt")
        assert "\n" not in export["Content-Disposition"]
        assert "X-Injected" not in export.headers
    assert [path for path in tmp_path.rglob("*") if path.is_file() and tmp_path / "media" not in path.parents] == []


@pytest.mark.parametrize(
    "content",
    [b"<!DOCTYPE html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<?php echo 1; ?>" * 9,
     b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\nfile:///etc/passwd\n", b"%PDF-1.7 x", b"MZ" + bytes(90), b""],
    ids=["page", "picture", "program text", "playlist", "document", "program", "nothing"],
)  # fmt: skip
def test_the_declared_type_of_an_upload_counts_for_nothing(editor: Client, content: bytes) -> None:
    answer = editor.post("/new", {"uploads": SimpleUploadedFile("talk.mp3", content, content_type="audio/mpeg")})
    assert answer.status_code == 422
    assert not Transcript.objects.exists()


@pytest.mark.parametrize("fields", [{f"f{n}": "x" for n in range(10_000)}], ids=["10,000 fields"])
def test_a_form_of_endless_fields_is_refused(editor: Client, fields: dict[str, str]) -> None:
    assert editor.post("/new", fields).status_code == 400


@pytest.mark.parametrize(
    "following",
    [
        "//evil.example", "https:evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)",
        "\t//evil.example",
    ],
)  # fmt: skip
def test_a_login_leads_to_no_other_site(client: Client, bob: Any, following: str) -> None:
    bob.set_password("a good long passphrase")
    bob.save()
    form = {"username": "bob", "password": "a good long passphrase", "next": following}
    answer = client.post(f"/login?next={following}", form)
    target = answer.headers.get("Location", "")
    assert "evil" not in target
    assert "alert" not in target


def test_the_session_changes_its_number_at_login_and_with_the_password(client: Client, bob: Any) -> None:
    bob.set_password("a good long passphrase")
    bob.save()
    client.get("/login")
    client.cookies["sessionid"] = "a" * 32
    client.post("/login", {"username": "bob", "password": "a good long passphrase"})
    first = client.cookies["sessionid"].value
    assert first != "a" * 32
    bob.set_password("another good passphrase")
    bob.save()
    assert client.get("/").status_code == 302, "the old session ended with the old password"


@pytest.mark.parametrize(
    "path", ["/", "/login", "/new", "/feed", "/library", "/s/00000000-0000-0000-0000-000000000000", "/nowhere"]
)
def test_every_answer_carries_the_policy(editor: Client, path: str) -> None:
    answer = editor.get(path)
    policy = answer.headers.get("Content-Security-Policy", "")
    assert "default-src" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    if answer.status_code == 404:
        assert not re.search(r"sttweb/|site-packages|Traceback|DJANGO", answer.content.decode())


def test_the_path_decides_and_not_what_is_added_to_it(
    editor: Client, make_transcript: MakeTranscript, other_team: Team
) -> None:
    own, foreign = make_transcript(title="Ours"), make_transcript(title="Theirs", team=other_team)
    page = editor.get(f"/s/{own.pk}?transcript_id={foreign.pk}&team={other_team.pk}&team=x")
    assert (page.status_code, "Theirs" in page.content.decode()) == (200, False)
    assert editor.get(f"/s/{foreign.pk}?team={own.team_id}").status_code == 404
    assert "Theirs" not in editor.get(f"/library?team={other_team.pk}&team=all").content.decode()
    foreign_fields = {"team": str(other_team.pk), "created_by": "1", "state": "completed"}
    editor.post(f"/s/{own.pk}/rename", {"title": "New", **foreign_fields})
    own.refresh_from_db()
    assert (own.title, own.state, own.team_id == other_team.pk) == ("New", "queued", False)


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "vbscript:x"])
def test_a_source_that_is_no_web_address_is_never_a_link(
    editor: Client, make_transcript: MakeTranscript, link: str
) -> None:
    transcript = make_transcript(source_url=link)
    for path in (f"/s/{transcript.pk}", "/", "/library", f"/s/{transcript.pk}/captions"):
        assert f'href="{link[:10]}' not in editor.get(path).content.decode()


@pytest.mark.parametrize(
    "start", ["=", "+", "-", "@", "\t=", "\r=", "＝", "＋", "－", "＠"], ids=lambda text: f"{ord(text[0]):x}"
)
def test_an_exported_table_runs_nothing(editor: Client, make_transcript: MakeTranscript, start: str) -> None:
    transcript = make_transcript(title=f"{start}1+1", state="completed")
    answer = editor.get(f"/s/{transcript.pk}/export/csv")
    assert answer.status_code == 200
    cells = re.split(r"[,\r\n]", answer.content.decode("utf-8-sig"))
    assert not [cell for cell in cells if cell.lstrip('"').startswith(start)]


@pytest.mark.parametrize(
    "title",
    ["\x01\x1f\ufffe", SCRIPT, "{ DDEAUTO c:\\\\x }", "]]>"],
    ids=["controls", "script", "field", "cdata"],
)
def test_an_exported_document_is_well_formed_and_reaches_for_nothing(
    editor: Client, make_transcript: MakeTranscript, title: str
) -> None:
    transcript = make_transcript(title=title, state="completed")
    answer = editor.get(f"/s/{transcript.pk}/export/docx")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.getvalue())) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    for name, data in parts.items():
        if name.endswith((".xml", ".rels")):
            ElementTree.fromstring(data)
    assert b"instrText" not in parts["word/document.xml"]
    assert b"fldSimple" not in parts["word/document.xml"]
    assert not [name for name, data in parts.items() if b'TargetMode="External"' in data]


def test_a_header_with_underscores_is_not_the_proxys():
    headers = [(b"x_forwarded_for", b"198.51.100.1"), (b"X_Forwarded_Proto", b"https"), (b"host", b"testserver")]
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": headers,
        "client": ["::1", 1],
    }
    meta = ASGIRequest(scope, io.BytesIO()).META
    assert {name for name in meta if "FORWARDED" in name} == set()


@pytest.mark.parametrize(
    "path",
    ["/protected/{key}", "/media/{key}", "/files/{key}", "/static/../media/{key}", "/static/%2e%2e/media/{key}",
     "/s/{id}/audio/{key}", "/protected/s/{id}/audio"],
)  # fmt: skip
def test_no_address_but_the_guarded_one_leads_to_a_stored_file(
    editor: Client, make_transcript: MakeTranscript, path: str
) -> None:
    file = SimpleUploadedFile("x.wav", recording(), content_type="audio/wav")
    editor.post("/new", {"uploads": file})
    made = Transcript.objects.get()
    asked = path.format(key=made.media_key, id=made.pk)
    for client in (editor, Client()):
        assert client.get(asked).status_code in (302, 404), asked
        assert "X-Accel-Redirect" not in client.get(asked).headers


def test_no_signature_in_an_address_opens_a_recording(
    editor: Client, make_transcript: MakeTranscript, charlie: Any
) -> None:
    editor.post("/new", {"uploads": SimpleUploadedFile("x.wav", recording(), content_type="audio/wav")})
    made = Transcript.objects.get()
    address = f"/s/{made.pk}/audio"
    assert editor.get(address).status_code == 200
    stranger = Client()
    stranger.force_login(charlie)
    for signed in ("", "?signature=" + "0" * 64, "?expires=9999999999&signature=x&user=1", f"?key={made.media_key}"):
        assert stranger.get(address + signed).status_code == 404
        assert Client().get(address + signed).status_code in (302, 404)
