"""Recordings by the API: at once, or in parts that survive a broken line."""

from __future__ import annotations

import hashlib
import io
import wave
from typing import Any

import pytest

from tests.api.conftest import Program, code_of
from transcripts.media.parts import PART_BYTES
from transcripts.models import Transcript, Upload


@pytest.fixture(autouse=True)
def _media(settings, tmp_path):
    settings.STTWEB_MEDIA_DIR = tmp_path / "media"
    settings.STTWEB_SPOOL_DIR = tmp_path / "spool"


def recording(seconds: float = 0.5) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(int(seconds * 16_000) * 2))
    return file.getvalue()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def send(program: Program, method: str, path: str, data: bytes, **headers: str) -> Any:
    names = {"Authorization": f"Bearer {program.token}", **headers}
    return program._client.generic(method, f"/api/v1{path}", data, "application/octet-stream", headers=names)


def part(program: Program, upload: str, offset: int, data: bytes) -> Any:
    return send(program, "PUT", f"/uploads/{upload}?offset={offset}", data, **{"X-Part-SHA256": sha256(data)})


def test_a_small_recording_in_one_request(alices):
    data = recording()
    response = send(alices, "POST", "/uploads/direct?name=my%20talk.wav&preset=live", data)
    assert response.status_code == 201
    made = Transcript.objects.get()
    assert (made.title, made.preset, made.media_bytes) == ("my talk", "live", len(data))
    assert response.json()["media_sha256"] == sha256(data)
    sound = alices.ask("get", f"/transcripts/{made.pk}/audio", Range="bytes=0-3")
    assert (sound.status_code, sound["Content-Range"]) == (206, f"bytes 0-3/{len(data)}")


def test_what_is_no_recording_leaves_nothing_behind(alices):
    response = send(alices, "POST", "/uploads/direct?name=a.wav", b"plain text, and no recording at all " * 20)
    assert response.status_code == 409
    assert code_of(response) == "not_media"
    assert not Upload.objects.exists()
    assert not Transcript.objects.exists()
    assert code_of(send(alices, "POST", "/uploads/direct?name=a.wav", b"")) == "upload_empty"


def test_a_large_recording_is_sent_to_the_other_door(alices):
    response = send(alices, "POST", "/uploads/direct?name=a.wav", bytes(PART_BYTES + 1))
    assert (response.status_code, code_of(response)) == (413, "part_too_large")


def test_parts_go_on_where_they_were(alices):
    data = recording(1)
    begun = alices.post("/uploads", {"name": "talk.wav", "size": len(data)})
    assert begun.status_code == 201
    upload = begun.json()["id"]
    assert part(alices, upload, 0, data[:10_000]).json() == {"offset": 10_000}
    wrong = part(alices, upload, 20_000, data[20_000:])
    assert (wrong.status_code, code_of(wrong), wrong.json()["offset"]) == (409, "upload_offset", 10_000)
    early = alices.post(f"/uploads/{upload}/complete", {"sha256": sha256(data)})
    assert code_of(early) == "upload_incomplete"
    assert alices.get(f"/uploads/{upload}").json()["offset"] == 10_000
    part(alices, upload, 10_000, data[10_000:])
    done = alices.post(f"/uploads/{upload}/complete", {"sha256": sha256(data)})
    assert done.json()["title"] == "talk"
    assert alices.post(f"/uploads/{upload}/complete", {"sha256": sha256(data)}).json()["id"] == done.json()["id"]
    assert code_of(alices.post(f"/uploads/{upload}/complete", {})) == "no_proof"


def test_uploads_are_listed_and_given_up(alices):
    upload = alices.post("/uploads", {"name": "talk.wav", "size": 100}).json()["id"]
    assert [one["id"] for one in alices.get("/uploads").json()["items"]] == [upload]
    assert alices.delete(f"/uploads/{upload}").status_code == 204
    assert alices.get("/uploads").json()["items"] == []
    assert alices.get(f"/uploads/{upload}").status_code == 404


def test_a_part_needs_its_place_and_its_hash(alices):
    upload = alices.post("/uploads", {"name": "talk.wav", "size": 100}).json()["id"]
    assert send(alices, "PUT", f"/uploads/{upload}?offset=0", b"x").status_code == 422
    assert send(alices, "PUT", f"/uploads/{upload}", b"x", **{"X-Part-SHA256": sha256(b"x")}).status_code == 422
    damaged = send(alices, "PUT", f"/uploads/{upload}?offset=0", b"x", **{"X-Part-SHA256": sha256(b"y")})
    assert code_of(damaged) == "part_hash"


def test_an_upload_belongs_to_its_person_and_team(alices, alice, bob, other_team, program):
    from transcripts.models import Membership, Role

    upload = alices.post("/uploads", {"name": "talk.wav", "size": 100}).json()["id"]
    assert program(bob).get(f"/uploads/{upload}").status_code == 404
    Membership.objects.create(team=other_team, user=alice, role=Role.OWNER)
    assert program(alice, within=other_team).get(f"/uploads/{upload}").status_code == 404
