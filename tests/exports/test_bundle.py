"""Zips in pieces."""

from __future__ import annotations

import io
import zipfile

from transcripts.exports.bundle import Bundle


def test_the_pieces_are_a_zip_with_every_file_under_a_name_of_its_own():
    bundle = Bundle()
    pieces = [
        bundle.add("News.srt", b"one" * 1000),
        bundle.add("news.srt", "zwei ü".encode()),
        bundle.add("Grüße.srt", b""),
        bundle.finish(),
    ]
    assert all(pieces)
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as made:
        assert made.testzip() is None
        assert made.namelist() == ["News.srt", "news (2).srt", "Grüße.srt"]
        assert made.read("News.srt") == b"one" * 1000
        assert made.read("news (2).srt").decode() == "zwei ü"


def test_what_was_given_away_is_not_kept():
    bundle = Bundle()
    first = bundle.add("a.txt", bytes(range(256)) * 100)
    assert len(bundle.add("b.txt", b"b")) < 100 < len(first)


def test_a_zip_of_nothing_is_one():
    assert zipfile.ZipFile(io.BytesIO(Bundle().finish())).namelist() == []
