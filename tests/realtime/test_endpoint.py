from __future__ import annotations

import pytest

from transcripts.realtime.endpoint import Endpoint, EndpointError
from transcripts.realtime.options import SessionOptions

QUERY = "?model_id=scribe_v2_realtime&audio_format=pcm_16000&commit_strategy=manual&include_timestamps=true"


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("wss://api.elevenlabs.io", "wss://api.elevenlabs.io/v1/speech-to-text/realtime"),
        ("https://api.eu.residency.elevenlabs.io/", "wss://api.eu.residency.elevenlabs.io/v1/speech-to-text/realtime"),
        ("http://127.0.0.1:8765", "ws://127.0.0.1:8765/v1/speech-to-text/realtime"),
        ("WS://[::1]:9/stt/", "ws://[::1]:9/stt/v1/speech-to-text/realtime"),
        ("wss://proxy.example/a/b", "wss://proxy.example/a/b/v1/speech-to-text/realtime"),
        ("wss://x.example/v1/speech-to-text/realtime", "wss://x.example/v1/speech-to-text/realtime"),
    ],
)
def test_any_scheme_and_prefix_that_the_sdks_take(base, url):
    assert Endpoint(base).url(SessionOptions()) == url + QUERY


@pytest.mark.parametrize(
    "base",
    [
        "",
        "api.elevenlabs.io",
        "ftp://x.example",
        "wss://",
        "wss://[",
        "wss://x.example:port",
        "wss://x.example:99999",
        "ws://:80",
    ],
)
def test_a_base_url_that_is_none_is_refused(base):
    with pytest.raises(EndpointError):
        Endpoint(base).url(SessionOptions())


def test_values_are_percent_encoded():
    url = Endpoint().url(SessionOptions(keyterms=("R&D Lab",)))
    assert url.endswith("&keyterms=R%26D%20Lab")


def test_the_key_travels_in_the_header_and_the_token_in_the_query_never_both():
    keyed = Endpoint(api_key="sk_secret")
    assert keyed.headers() == {"xi-api-key": "sk_secret"}
    assert "sk_secret" not in keyed.url(SessionOptions())
    both = Endpoint(api_key="sk_secret", token="sutkn_1")
    assert both.headers() == {}
    assert both.url(SessionOptions()).endswith("&token=sutkn_1")
    assert Endpoint().headers() == {}


def test_neither_secret_is_shown():
    assert "secret" not in repr(Endpoint(api_key="sk_secret", token="sutkn_secret"))
