"""How the tests of the reader read: everything, in short, or up to the error that must come."""

from __future__ import annotations

from typing import Any

import pytest

from tests.media.origins import (
    adts_number,
)
from transcripts.media.errors import MediaError
from transcripts.media.hls.items import Bytes, Item, Stalled
from transcripts.media.hls.loading import Fetch
from transcripts.media.hls.reader import HlsReader, Patience

#: Times as fast as the wall's clock.
SPEED = 25.0

IMPATIENT = Patience(retry_s=0.01)


def reader(url: str, fetch: Fetch, **options: Any) -> HlsReader:
    return HlsReader(url, fetch, **{"patience": IMPATIENT, **options})


async def everything(source: HlsReader) -> list[Item]:
    return [item async for item in source.items()]


def short(items: list[Item]) -> list[object]:
    """Items as a test reads them: numbers for the synthetic segments, the rest as it is. On a busy machine a fast
    clock sees stalls that nobody scripted; tests of stalls look for themselves."""
    return [adts_number(item.data) if isinstance(item, Bytes) else item for item in items if type(item) is not Stalled]


async def failure(source: HlsReader) -> tuple[list[Item], MediaError]:
    """The items before the error that must come, and the error."""
    items: list[Item] = []

    async def collect() -> None:
        async for item in source.items():
            items.append(item)

    with pytest.raises(MediaError) as caught:
        await collect()
    return items, caught.value
