"""An archive is read only when it is whole, ours and unchanged; nothing in it decides where files go."""

from __future__ import annotations

import io
import json
import tarfile

import pytest

from transcripts.upkeep.archive import MANIFEST, SCHEMA, Writer, unpack
from transcripts.upkeep.errors import ArchiveError

KEY = "5b0c2d0e-6f0d-4c57-9a3e-0d8f6f1a2b3c"
NAME = f"media/{KEY[:2]}/{KEY}"


def packed(tmp_path, files):
    out = io.BytesIO()
    writer = Writer(out)
    for name, content in files.items():
        path = tmp_path / "source"
        path.write_bytes(content)
        assert writer.add(name, path)
    writer.close({"database": "sqlite"})
    return out.getvalue()


def refusal(data, folder):
    with pytest.raises(ArchiveError) as refused:
        unpack(io.BytesIO(data), folder)
    return refused.value.code


def tar_of(*members):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w|") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                tar.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def test_what_was_packed_comes_out_with_its_manifest(tmp_path):
    files = {"database.sqlite3": b"d" * 3_000_000, NAME: b"sound"}
    manifest = unpack(io.BytesIO(packed(tmp_path, files)), tmp_path / "out")
    assert manifest["schema"] == SCHEMA
    assert {entry["name"]: entry["size"] for entry in manifest["files"]} == {"database.sqlite3": 3_000_000, NAME: 5}
    assert {name: (tmp_path / "out" / name).read_bytes() for name in files} == files


def test_a_file_that_is_gone_is_left_out(tmp_path):
    out = io.BytesIO()
    writer = Writer(out)
    assert not writer.add(NAME, tmp_path / "absent")
    writer.close({})
    assert unpack(io.BytesIO(out.getvalue()), tmp_path / "out")["files"] == []


def test_an_archive_that_was_cut_off_is_refused_wherever_the_cut_is(tmp_path):
    whole = packed(tmp_path, {"database.sqlite3": b"d" * 5_000, NAME: b"sound"})
    end = whole.index(MANIFEST.encode()) + 600
    cuts = [*range(0, end, 509), end]
    codes = {refusal(whole[:cut], tmp_path / f"out{cut}") for cut in cuts}
    assert codes <= {"backup_unreadable", "backup_incomplete", "backup_foreign"}


def test_a_changed_byte_anywhere_in_a_file_is_found(tmp_path):
    whole = bytearray(packed(tmp_path, {"database.sqlite3": b"d" * 5_000}))
    whole[whole.index(b"dddd") + 1234] ^= 1
    assert refusal(bytes(whole), tmp_path / "out") == "backup_damaged"


@pytest.mark.parametrize(
    "name",
    ["../evil", "/tmp/evil", "media/../../evil", "media/aa/evil", f"media/aa/{KEY}/x", "manage.py", f"spool/{KEY}/x"],
)
def test_a_name_that_no_backup_has_is_refused(tmp_path, name):
    assert refusal(tar_of((name, b"x")), tmp_path / "out") == "backup_foreign"
    assert list(tmp_path.rglob("evil")) == []


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_only_ordinary_files_come_out(tmp_path, kind):
    info = tarfile.TarInfo("secret_key")
    info.type, info.linkname = kind, "/etc/passwd"
    assert refusal(tar_of(info), tmp_path / "out") == "backup_foreign"


def test_a_file_given_twice_or_behind_the_manifest_is_refused(tmp_path):
    manifest = json.dumps({"schema": SCHEMA, "files": []}).encode()
    assert refusal(tar_of((NAME, b"1"), (NAME, b"2")), tmp_path / "1") == "backup_foreign"
    assert refusal(tar_of((MANIFEST, manifest), (NAME, b"2")), tmp_path / "2") == "backup_foreign"
    assert refusal(tar_of((NAME, b"2"), (MANIFEST, manifest)), tmp_path / "3") == "backup_damaged"


@pytest.mark.parametrize("manifest", [b"", b"[]", b"{}", b'{"schema": "other/1", "files": []}', b"\xff"])
def test_a_foreign_manifest_is_refused(tmp_path, manifest):
    assert refusal(tar_of((MANIFEST, manifest)), tmp_path / "out") == "backup_foreign"


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 10_240, b"PK\x03\x04" + b"x" * 3000])
def test_something_else_is_refused(tmp_path, data):
    assert refusal(data, tmp_path / "out") in {"backup_unreadable", "backup_incomplete"}
