"""A look at a link before it is submitted: a sentence, never more than it may cost, and only for who may submit."""

from __future__ import annotations

import pytest

from transcripts.media.sample import find_sample
from transcripts.views import probing


@pytest.fixture
def editor(client, bob):
    client.force_login(bob)
    return client


@pytest.mark.parametrize(
    ("link", "word"),
    [("http://127.0.0.1/a.mp3", "Blocked"), ("ftp://media.example.org/a.mp3", "http"), ("http://10.0.0.7/", "Blocked")],
)
def test_what_cannot_be_fetched_is_said_in_a_sentence(editor, link, word):
    answer = editor.post("/probe", {"link": link})
    assert answer.status_code == 200
    assert answer.json()["usable"] is False
    assert word in answer.json()["sentence"]


def test_a_recording_is_described(editor, settings, tmp_path):
    import functools
    import http.server
    import threading

    sample = find_sample()
    assert sample is not None
    (tmp_path / "talk.wav").write_bytes(sample.path.read_bytes())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=tmp_path)) as server:
        settings.FETCH_ALLOW_NETWORKS, settings.FETCH_ALLOW_PORTS = ["127.0.0.0/8"], [server.server_port]
        threading.Thread(target=server.serve_forever).start()
        answer = editor.post("/probe", {"link": f"http://127.0.0.1:{server.server_port}/talk.wav"}).json()
        server.shutdown()
    assert answer["usable"] is True, answer
    assert answer["sentence"].endswith("kB, 10 s")


def test_nobody_asks_without_end(editor, monkeypatch):
    monkeypatch.setattr(probing, "A_MINUTE", 2)
    codes = [editor.post("/probe", {"link": "ftp://media.example.org/"}).status_code for _ in range(3)]
    assert codes == [200, 200, 429]


def test_only_so_many_looks_are_taken_at_once(editor):
    for _ in range(probing.AT_ONCE):
        assert probing._places.acquire(blocking=False)
    try:
        assert editor.post("/probe", {"link": "http://127.0.0.1/"}).status_code == 429
    finally:
        for _ in range(probing.AT_ONCE):
            probing._places.release()


def test_a_viewer_and_a_stranger_ask_nothing(client, victor):
    assert client.post("/probe", {"link": "http://127.0.0.1/"}).status_code == 302
    client.force_login(victor)
    assert client.post("/probe", {"link": "http://127.0.0.1/"}).status_code == 403


@pytest.mark.parametrize("link", ["", " ", "x" * 3000])
def test_nonsense_is_not_looked_at(editor, link):
    assert editor.post("/probe", {"link": link}).status_code == 400
