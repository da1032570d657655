"""Uploads in parts: they go on wherever they stopped, become a transcript once, and refuse everything else by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.test import Client

from tests.views.uploading import Sender, recording, sha256
from transcripts import uploading
from transcripts.media.parts import PART_BYTES
from transcripts.models import Membership, Role, Transcript, Upload
from transcripts.views import recordings

CONTENT = recording(0.2, 513)


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    settings.STTWEB_MEDIA_DIR = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def bobs(client, bob) -> Sender:
    client.force_login(bob)
    return Sender(client)


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_file_in_parts_becomes_a_transcript_with_its_options(bobs, bob, media):
    made = bobs.begin(CONTENT, "Harbour_214.wav", language="en", preset="live", all_options="1", keyterms="Sibelius")
    assert made.status_code == 201
    about = made.json()
    assert (about["offset"], about["part_bytes"], made["Location"]) == (0, PART_BYTES, about["url"])
    assert bobs.put(about["url"], 0, CONTENT[:5000]).json() == {"offset": 5000}
    assert bobs.put(about["url"], 5000, CONTENT[5000:]).json() == {"offset": len(CONTENT)}
    done = bobs.complete(about["url"], CONTENT)
    row = Transcript.objects.get()
    assert done.json() == {"transcript": str(row.pk), "location": f"/s/{row.pk}", "sha256": sha256(CONTENT)}
    assert (row.title, row.created_by, row.state, row.source_kind) == ("Harbour 214", bob, "queued", "upload")
    assert (row.language, row.preset, row.options["keyterms"]) == ("en", "live", ["Sibelius"])
    assert (row.options["include_timestamps"], row.media_bytes, row.media_sha256) == (
        False, len(CONTENT), sha256(CONTENT),
    )  # fmt: skip
    path = recordings.path_of(row)
    assert path is not None
    assert path.read_bytes() == CONTENT
    assert files(media) == [path.name]


def test_where_it_stands_is_told_and_it_goes_on_there(bobs):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    told = bobs.client.head(url)
    assert (told["Upload-Offset"], told["Upload-Length"]) == ("4000", str(len(CONTENT)))
    assert "no-store" in told["Cache-Control"]
    assert bobs.client.get(url).json()["offset"] == 4000
    (listed,) = bobs.client.get("/uploads").json()["uploads"]
    assert (listed["name"], listed["size"], listed["offset"]) == ("Council.wav", len(CONTENT), 4000)
    assert bobs.put(url, 4000, CONTENT[4000:]).status_code == 200
    assert bobs.complete(url, CONTENT).status_code == 200
    assert bobs.client.get("/uploads").json() == {"uploads": []}


def test_the_same_part_again_is_taken_once(bobs):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:3000])
    bobs.put(url, 3000, CONTENT[3000:4000])
    for offset, end in ((3000, 4000), (0, 3000), (1000, 3500)):
        again = bobs.put(url, offset, CONTENT[offset:end])
        assert (again.status_code, again.json()) == (200, {"offset": 4000})
    bobs.put(url, 4000, CONTENT[4000:])
    assert bobs.complete(url, CONTENT).status_code == 200


@pytest.mark.parametrize(
    ("offset", "part", "code"),
    [
        (5000, CONTENT[5000:5100], "upload_offset"),
        (3000, CONTENT[3000:4500], "upload_offset"),
        (0, b"x" * 4000, "upload_differs"),
    ],
    ids=["beyond", "across", "other bytes"],
)
def test_a_part_for_another_place_is_told_the_true_one(bobs, offset, part, code):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    refused = bobs.put(url, offset, part)
    assert (refused.status_code, refused.json()["code"], refused.json()["offset"]) == (409, code, 4000)
    bobs.put(url, 4000, CONTENT[4000:])
    assert bobs.complete(url, CONTENT).status_code == 200


def test_a_part_that_was_damaged_on_its_way_is_not_kept(bobs, media):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    refused = bobs.put(url, 4000, CONTENT[4000:5000], digest="0" * 64)
    assert (refused.status_code, refused.json()["code"], refused.json()["offset"]) == (422, "part_hash", 4000)
    assert next(media.rglob("*.part")).stat().st_size == 4000


@pytest.mark.parametrize(
    ("size", "status", "code"),
    [(None, 400, "bad_request"), ("12", 400, "bad_request"), (True, 400, "bad_request"), (0, 400, "upload_empty"),
     (-5, 400, "upload_empty"), (10**13, 413, "upload_too_large"), (10**40, 413, "upload_too_large")],
)  # fmt: skip
def test_a_size_that_cannot_be_is_refused_before_anything_is_made(bobs, media, size, status, code):
    announced = {"name": "a.wav", "size": size}
    refused = bobs.client.post("/uploads", announced, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused.json()["next_step"]
    assert not Upload.objects.exists()
    assert files(media) == []


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'{"name": "a"}', b" " * 300_000])
def test_what_is_not_the_json_that_is_expected_is_a_clean_refusal(bobs, body):
    refused = bobs.client.post("/uploads", body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")


def test_more_than_was_announced_is_refused_and_not_kept(bobs, media):
    url = bobs.begin(1000).json()["url"]
    refused = bobs.put(url, 0, CONTENT[:1001])
    assert (refused.status_code, refused.json()["code"], refused.json()["offset"]) == (413, "upload_beyond", 0)
    assert next(media.rglob("*.part")).stat().st_size == 0


def test_a_part_over_the_limit_is_refused(bobs):
    url = bobs.begin(PART_BYTES * 2).json()["url"]
    refused = bobs.put(url, 0, bytes(PART_BYTES + 1))
    assert (refused.status_code, refused.json()["code"]) == (413, "part_too_large")
    unsaid = uploading.Part(0, "0" * 64, [bytes(PART_BYTES), b"x"])
    with pytest.raises(uploading.Refused, match="part_too_large"):
        uploading.take(Upload.objects.get(), unsaid)


@pytest.mark.parametrize(
    ("offset", "digest", "extra"),
    [("", None, {}), ("-1", None, {}), ("1e3", None, {}), ("9" * 30, None, {}), (0, "", {}), (0, "xyz", {}),
     (0, None, {"HTTP_CONTENT_ENCODING": "gzip"})],
    ids=["no place", "negative", "no number", "too long", "no hash", "bad hash", "compressed"],
)  # fmt: skip
def test_a_part_without_its_place_or_hash_is_refused(bobs, offset, digest, extra):
    url = bobs.begin(CONTENT).json()["url"]
    refused = bobs.put(url, offset, CONTENT[:100], digest, **extra)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")


def test_an_empty_part_is_refused(bobs):
    url = bobs.begin(CONTENT).json()["url"]
    assert bobs.put(url, 0, b"").json()["code"] == "part_empty"


@pytest.mark.parametrize("proof", [{}, {"sha256": "x"}, {"blocks_sha256": ""}], ids=["none", "no hash", "empty"])
def test_the_end_needs_a_proof(bobs, proof):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT)
    refused = bobs.client.post(f"{url}/complete", proof, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")
    assert not Transcript.objects.exists()


def test_the_end_before_the_end_says_where_it_stands(bobs):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    refused = bobs.complete(url, CONTENT)
    assert (refused.status_code, refused.json()["code"], refused.json()["offset"]) == (409, "upload_incomplete", 4000)


def test_another_file_than_was_meant_becomes_nothing(bobs, media):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT)
    refused = bobs.complete(url, b"another file")
    assert (refused.status_code, refused.json()["code"]) == (422, "upload_changed")
    assert not Transcript.objects.exists()
    assert not Upload.objects.exists()
    assert files(media) == []


def test_the_end_twice_is_one_transcript(bobs):
    first = bobs.send(CONTENT)
    upload = Upload.objects.get()
    again = bobs.complete(f"/uploads/{upload.pk}", CONTENT)
    assert first.json() == again.json()
    assert Transcript.objects.count() == 1
    assert bobs.client.delete(f"/uploads/{upload.pk}").status_code == 204
    assert recordings.path_of(Transcript.objects.get()) is not None


@pytest.mark.parametrize(
    "content",
    [b"<!doctype html><script>alert(1)</script>", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<?php echo 1;",
     b"%PDF-1.7 and so on", b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n/etc/passwd\n"],
    ids=["html", "svg", "php", "pdf", "hls"],
)  # fmt: skip
def test_what_is_no_recording_is_refused_with_its_first_part_whatever_it_is_called(bobs, media, content):
    url = bobs.begin(content, "talk.mp3").json()["url"]
    refused = bobs.put(url, 0, content)
    assert refused.status_code == 422
    assert refused.json()["code"] in {"not_media", "is_page", "unsupported_hls"}
    assert refused.json()["message"].startswith("talk.mp3: ")
    assert not Upload.objects.exists()
    assert files(media) == []


def test_what_is_no_recording_is_refused_at_the_end_when_its_parts_were_small(bobs, media):
    content = b"%PDF-1.7 and so on"
    url = bobs.begin(content).json()["url"]
    for offset in range(0, len(content), 5):
        assert bobs.put(url, offset, content[offset : offset + 5]).status_code == 200
    assert bobs.complete(url, content).json()["code"] == "not_media"
    assert not Transcript.objects.exists()
    assert files(media) == []


@pytest.mark.parametrize(
    ("name", "shown", "title"),
    [
        ("../../../etc/cron.d/x", "x", "x"),
        ("C:\\temp\\Talk.wav", "Talk.wav", "Talk"),
        ("..", "..", "."),
        ("a\0b\r\nSet-Cookie: x.wav", "a b Set-Cookie: x.wav", "a b Set-Cookie: x"),
        ("x" * 4000 + ".wav", "x" * 200, "x" * 200),
        ("\u202egpj.wav", "gpj.wav", "gpj"),
        ("\ud800.wav", ".wav", ".wav"),
        ("🐳 CON.wav", "🐳 CON.wav", "🐳 CON"),
        ("", "Recording", "Recording"),
    ],
    ids=["climbing", "windows", "dots", "control", "long", "override", "surrogate", "emoji", "empty"],
)
def test_a_name_is_shown_and_is_never_a_path(bobs, media, name, shown, title):
    assert bobs.send(CONTENT, name, part=len(CONTENT)).status_code == 200
    row = Transcript.objects.get()
    assert (Upload.objects.get().name, row.title) == (shown, title)
    assert files(media) == [row.media_key.split("/")[1]]


def test_options_with_a_mistake_are_refused_at_their_fields(bobs):
    refused = bobs.begin(CONTENT, language="de", vad_threshold="7")
    assert refused.status_code == 422
    assert set(refused.json()["errors"]) == {"language", "vad_threshold"}
    assert not Upload.objects.exists()


def test_half_characters_in_options_do_no_harm(bobs):
    body = json.dumps({"name": "a.wav", "size": 10, "options": {"keyterms": ["\ud800x"], "transcript_edit": {"a": 1}}})
    assert bobs.client.post("/uploads", body, content_type="application/json").status_code == 201
    Upload.objects.get().options["keyterms"][0].encode()


# --- Whose it is ------------------------------------------------------------------------------------------------------


def everything(url: str, client: Client) -> list[int]:
    """The status of every way to an upload."""
    sender = Sender(client)
    answers = [client.get(url), client.head(url), sender.put(url, 0, b"x"), sender.complete(url), client.delete(url)]
    return [answer.status_code for answer in answers]


def test_for_everybody_else_there_is_no_such_upload(bobs, client, alice, charlie, team):
    url = bobs.begin(CONTENT).json()["url"]
    nothing = "/uploads/00000000-0000-4000-8000-000000000000"
    for stranger in (alice, charlie):
        client.force_login(stranger)
        assert everything(url, client) == everything(nothing, client) == [404] * 5
        assert client.get(url).content == client.get(nothing).content
        assert client.get("/uploads").json() == {"uploads": []}
    assert Upload.objects.get().received == 0


def test_nobody_is_told_to_log_in_and_what_was_sent_stays(bobs, client, bob):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    client.logout()
    assert everything(url, client) == [401] * 5
    assert client.post("/uploads", {}, content_type="application/json").status_code == 401
    assert client.get("/uploads").json()["code"] == "logged_out"
    other_device = Client()
    other_device.force_login(bob)
    assert other_device.get(url).json()["offset"] == 4000


def test_who_may_not_submit_may_not_upload_nor_go_on(bobs, client, bob, victor):
    url = bobs.begin(CONTENT).json()["url"]
    Membership.objects.filter(user=bob).update(role=Role.VIEWER)
    assert everything(url, client) == [403] * 5
    client.force_login(victor)
    refused = bobs.begin(CONTENT)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    Membership.objects.filter(user=bob).delete()
    client.force_login(bob)
    assert everything(url, client) == [404] * 5
    assert bobs.begin(CONTENT).json()["code"] == "no_team"


def test_other_sites_can_neither_begin_nor_send_nor_remove(bobs, bob):
    url = bobs.begin(CONTENT).json()["url"]
    client = Client(enforce_csrf_checks=True)
    client.force_login(bob)
    assert everything(url, client) == [200, 200, 403, 403, 403]
    assert client.post("/uploads", {"name": "a", "size": 1}, content_type="application/json").status_code == 403
    assert Upload.objects.get().received == 0


def test_another_device_of_the_same_person_goes_on_and_a_session_that_ended_does_not(bobs, bob):
    url = bobs.begin(CONTENT).json()["url"]
    bobs.put(url, 0, CONTENT[:4000])
    bobs.client.logout()
    for answer in (bobs.put(url, 4000, CONTENT[4000:]), bobs.client.head(url), bobs.complete(url, CONTENT)):
        assert answer.status_code in (302, 401, 403)
        assert answer.status_code != 302 or answer.url.startswith("/login")
    phone = Sender(Client())
    phone.client.force_login(bob)
    assert [one["url"] for one in phone.client.get("/uploads").json()["uploads"]] == [url]
    assert phone.client.get(url).json()["offset"] == 4000
    assert phone.put(url, 4000, CONTENT[4000:]).status_code == 200
    assert phone.complete(url, CONTENT).status_code == 200
    assert Transcript.objects.get().media_sha256 == sha256(CONTENT)
