"""The origin of these tests is the one of ``origins.py``; the parent's policy and canary stand on its port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from tests.media.origins import Origin, running
from transcripts.media.fetch import Limits, Response, open_url
from transcripts.media.guard import Policy
from transcripts.media.hls.loading import Fetch


@pytest.fixture
async def origin() -> AsyncIterator[Origin]:
    async with running(Origin()) as site:
        yield site


@pytest.fixture
def fetch(policy: Policy) -> Fetch:
    """The guarded client as the product wires it."""

    def guarded(url: str, *, limits: Limits, headers: Mapping[str, str]) -> AbstractAsyncContextManager[Response]:
        return open_url(url, policy=policy, limits=limits, headers=headers)

    return guarded
