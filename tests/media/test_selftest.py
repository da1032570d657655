"""No decoder is started where its cage does not hold, and somebody has to say so by name to have it otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from transcripts.media import selftest
from transcripts.media.errors import DecodeError
from transcripts.media.open import AudioRequest, open_audio
from transcripts.media.sandbox import SandboxReport
from transcripts.media.selftest import is_safe, require_safe_decoder, tested_sandbox

from .conftest import Recordings
from .doubles import children, gone

ALL = frozenset({"rlimits", "seccomp", "landlock"})


@pytest.fixture
def untested(monkeypatch: pytest.MonkeyPatch) -> list[SandboxReport]:
    """A process that has not looked yet; what is put in stands for what it found."""
    kept: list[SandboxReport] = []
    monkeypatch.setattr(selftest, "_kept", kept)
    return kept


@pytest.mark.parametrize(
    ("layers", "possible", "safe"),
    [
        (ALL, set(), True),
        ({"rlimits", "seccomp"}, {"read", "environment"}, True),
        ({"seccomp", "landlock"}, set(), False),
        (ALL, {"tcp"}, False),
        ({"rlimits", "landlock"}, {"udp"}, False),
        (ALL, {"unix"}, False),
        ({"rlimits"}, {"tcp", "udp", "unix", "read", "write", "fork", "signal", "environment"}, False),
    ],
)
def test_limits_and_the_denial_of_every_network_are_the_least(layers: set[str], possible: set[str], safe: bool) -> None:
    assert is_safe(SandboxReport(frozenset(layers), frozenset(possible))) is safe


async def test_this_machine_is_tried_once_and_holds(untested: list[SandboxReport]) -> None:
    before = children()
    await require_safe_decoder()
    assert await gone(children() - before)
    assert await tested_sandbox() is untested[0]


async def test_where_the_cage_does_not_hold_nothing_is_decoded(
    untested: list[SandboxReport], recordings: Recordings, tmp_path: Path
) -> None:
    untested.append(SandboxReport(frozenset({"rlimits"}), frozenset({"tcp", "udp"})))
    request = AudioRequest(path=recordings / "a.wav")
    before = children()
    with pytest.raises(DecodeError) as refused:
        async with open_audio(request):
            pass
    assert (refused.value.code, refused.value.retryable) == ("decoder_unsafe", False)
    assert children() <= before
    async with open_audio(AudioRequest(path=recordings / "a.wav", allow_unsafe_decoder=True)) as audio:
        assert audio.duration_samples


async def test_a_self_test_that_cannot_be_made_is_a_cage_that_does_not_hold(
    untested: list[SandboxReport], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(DecodeError, match="decoder_unsafe"):
        await require_safe_decoder()
    await require_safe_decoder(allow_unsafe=True)
