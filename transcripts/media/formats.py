"""The forms in which clients may send sound of their own. Pure.

PCM and µ-law have no header: what they are is declared once, every byte has its place in time, and a sender may go on
at any sample. WebM and Ogg are containers, one unbroken run of bytes each.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from .pcm import SAMPLE_BYTES, SAMPLE_RATE

#: Rates in Hz and channels that are taken without a header.
MIN_RATE, MAX_RATE, MAX_CHANNELS = 8_000, 48_000, 2
#: Most bytes that a second of speech in a container has: Opus ends at 510 kb/s (RFC 6716, 2.1.1).
CONTAINER_BYTES = 64_000


class Encoding(StrEnum):
    """What the bytes are."""

    PCM = "pcm_s16le"
    MULAW = "mulaw"
    WEBM = "webm"
    OGG = "ogg"


_SAMPLE_BYTES = {Encoding.PCM: SAMPLE_BYTES, Encoding.MULAW: 1}
_DEMUXERS = {Encoding.PCM: "s16le", Encoding.MULAW: "mulaw", Encoding.WEBM: "matroska", Encoding.OGG: "ogg"}
_MAGIC = {Encoding.WEBM: b"\x1aE\xdf\xa3", Encoding.OGG: b"OggS"}


@dataclass(frozen=True, slots=True)
class SoundFormat:
    """``rate`` (Hz) and ``channels`` say something of PCM and µ-law only; containers say it themselves."""

    encoding: Encoding = Encoding.PCM
    rate: int = SAMPLE_RATE
    channels: int = 1

    @property
    def is_raw(self) -> bool:
        """No header: any sample is a beginning."""
        return self.encoding in _SAMPLE_BYTES

    @property
    def is_ours(self) -> bool:
        """Already what the product counts in: nothing is to be converted."""
        return self == SoundFormat()

    @property
    def bytes_per_second(self) -> int:
        """Bytes of a second of sound; of a container the most that they may be."""
        return _SAMPLE_BYTES[self.encoding] * self.rate * self.channels if self.is_raw else CONTAINER_BYTES

    @property
    def input_options(self) -> list[str]:
        """How the decoder is told (FFmpeg's input options), instead of letting it guess."""
        name = _DEMUXERS[self.encoding]
        raw = ["-ar", str(self.rate), "-ac", str(self.channels)] if self.is_raw else []
        return ["-format_whitelist", name, "-f", name, *raw]

    def begins(self, head: bytes) -> bool:
        """Whether a stream may begin with ``head`` (4 bytes or more)."""
        return head.startswith(_MAGIC.get(self.encoding, b""))

    def problem(self) -> str:
        """One sentence that says what cannot be taken, or nothing."""
        if self.is_raw and not MIN_RATE <= self.rate <= MAX_RATE:
            return f"The sample rate must be between {MIN_RATE} and {MAX_RATE} Hz."
        if self.is_raw and not 1 <= self.channels <= MAX_CHANNELS:
            return f"There may be 1 to {MAX_CHANNELS} channels."
        return ""
