"""Every page renders for a member, with and without content."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("path", ["/", "/new", "/library", "/library?q=zebra"])
def test_pages_render_empty_and_full(client, alice, make_transcript, path):
    client.force_login(alice)
    assert client.get(path).status_code == 200
    make_transcript(state="failed", message="No such address.", next_step="Check the link.")
    assert client.get(path).status_code == 200
