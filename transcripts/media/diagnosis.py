"""What FFmpeg says on stderr: length and title from the head, and at the end the class of a failure. Pure."""

from __future__ import annotations

import re
import signal

from .errors import DecodeError
from .pcm import SAMPLE_RATE
from .sandbox import LAUNCH_FAILED
from .titles import clean_title

#: As much of the end of stderr as is kept, in bytes.
TAIL_BYTES = 64 * 1024
_MAX_LINE = 4096

_DURATION = re.compile(r"  Duration: (\d+):(\d\d):(\d\d)\.(\d+)")
_TITLE = re.compile(r"    (?:title|icy-name) +: (.+)", re.IGNORECASE)

_STREAM = re.compile(r"  Stream #[^ ]+ (Audio|Video): ([a-z0-9_]{1,32})")
_KBPS = re.compile(r" (\d{1,6}) kb/s")

_LIMITS_REACHED = "Decoding this recording needs more time or memory than is allowed."

#: Fragments of messages -> code and sentence, the first match counts.
_VERDICTS: tuple[tuple[str, str, str], ...] = (
    ("matches no streams", "no_audio_track", "The recording contains no sound track."),
    ("does not contain any stream", "no_audio_track", "The recording contains no sound track."),
    ("Cannot allocate memory", "decode_limits", _LIMITS_REACHED),
    (f"received signal {signal.SIGXCPU:d}", "decode_limits", _LIMITS_REACHED),
    ("not on whitelist", "not_audio", "The format or the sound coding of this recording is not supported."),
    ("Error opening input", "not_audio", "This is not a recording that can be decoded."),
    ("Invalid data found", "not_audio", "This is not a recording that can be decoded."),
    ("Decoder not found", "not_audio", "The sound coding of this recording is not supported."),
)


class Diagnosis:
    """Collects stderr in bounded memory. ``duration_samples``, ``title``, ``picture`` (whether it is a film),
    ``coding`` and ``kbps`` of its first sound track are claims of the file, not facts."""

    def __init__(self) -> None:
        self.duration_samples: int | None = None
        self.title: str | None = None
        self.picture = False
        self.coding: str | None = None
        self.kbps: int | None = None
        self.head_seen = False
        self._tail = bytearray()
        self._line = b""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes of stderr."""
        self._tail += piece
        del self._tail[:-TAIL_BYTES]
        if self.head_seen:
            return
        *lines, rest = (self._line + piece).split(b"\n")
        self._line = rest[:_MAX_LINE]
        for line in lines:
            self._read(line[:_MAX_LINE].decode("utf-8", "replace"))

    def judge(self, code: int, *, produced: bool) -> None:
        """Raise ``DecodeError`` unless ``code``, the exit status, is a success. ``produced`` says whether any sound
        came out before: then a refusal is damage in the middle, not a wrong kind of file."""
        if code == 0:
            return
        text = self._tail.decode("utf-8", "replace")
        if code == LAUNCH_FAILED:
            raise _launch_error(text)
        if code < 0:
            raise _death(-code)
        for fragment, name, sentence in _VERDICTS:
            if fragment in text and not (produced and name == "not_audio"):
                raise DecodeError(name, sentence)
        error = DecodeError("decode_failed", "The recording is damaged and could not be decoded to its end.")
        # For whoever reads the log: people see the sentence only.
        error.add_note(f"the decoder ended with {code} and said last: {text[-300:]!r}")
        raise error

    def _read(self, line: str) -> None:
        if line.startswith("Output #0"):
            self.head_seen = True
        elif self.duration_samples is None and (found := _DURATION.match(line)):
            hours, minutes, seconds = (int(part) for part in found.groups()[:3])
            fraction = float(f"0.{found[4]}")
            self.duration_samples = round(((hours * 60 + minutes) * 60 + seconds + fraction) * SAMPLE_RATE) or None
        elif self.title is None and (found := _TITLE.match(line)):
            self.title = clean_title(found[1])
        elif found := _STREAM.match(line):
            self._read_stream(found[1], found[2], line)

    def _read_stream(self, kind: str, coding: str, line: str) -> None:
        if kind == "Video":
            self.picture = self.picture or "(attached pic)" not in line
        elif self.coding is None:
            rate = _KBPS.search(line)
            self.coding, self.kbps = coding, int(rate[1]) if rate else None


def _launch_error(text: str) -> DecodeError:
    reason = text.rpartition("sandbox: ")[2].strip().splitlines()
    detail = clean_title(reason[0]) if reason else "unknown reason"
    return DecodeError("decoder_unavailable", f"The audio decoder could not be started: {detail}.")


def _death(number: int) -> DecodeError:
    # SIGKILL is what the kernel sends at the hard limit and when the machine is out of memory.
    if number in (signal.SIGXCPU, signal.SIGKILL):
        return DecodeError("decode_limits", _LIMITS_REACHED)
    return DecodeError("decode_crashed", "The decoder broke down on this recording.", retryable=True)
