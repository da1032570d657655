"""The decoder program: where it is, what it can do, and the command lines it is started with.

No name that a person chose ever stands on a command line: to FFmpeg ``pipe:0`` or ``concat:x`` as a file name is an
instruction.
"""

from __future__ import annotations

import os
import struct
import subprocess
from functools import lru_cache

import imageio_ffmpeg

from .errors import DecodeError
from .formats import SoundFormat
from .pcm import SAMPLE_RATE

#: Demuxers that may be opened: recordings and streams, nothing that names other files (playlists, concat, SDP, DASH).
FORMATS = (
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,eac3,flac,flv,loas,matroska,mov,mp3,mpeg,mpegts,ogg,tta,voc,w64,"
    "wav,wv"
)

#: Decoders that may be opened, by the names of FFmpeg 5 to 9. Pictures and video are not among them: probing opens
#: those even under -vn, and their decoders are where the memory bugs are.
DECODERS = (
    "aac,aac_fixed,aac_latm,ac3,ac3_fixed,adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_swf,adpcm_yamaha,alac,amrnb,amrwb,"
    "ape,eac3,flac,gsm,gsm_ms,libopencore_amrnb,libopencore_amrwb,libopus,libvorbis,mp1,mp1float,mp2,mp2float,mp3,"
    "mp3adu,mp3adufloat,mp3float,nellymoser,opus,pcm_alaw,pcm_f16le,pcm_f24le,pcm_f32be,pcm_f32le,pcm_f64be,pcm_f64le,"
    "pcm_mulaw,pcm_s16be,pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,pcm_s24be,pcm_s24le,pcm_s24le_planar,pcm_s32be,"
    "pcm_s32le,pcm_s32le_planar,pcm_s64be,pcm_s64le,pcm_s8,pcm_s8_planar,pcm_u16be,pcm_u16le,pcm_u24be,pcm_u24le,"
    "pcm_u32be,pcm_u32le,pcm_u8,speex,tta,vorbis,wavpack,wmalossless,wmapro,wmav1,wmav2,wmavoice"
)

#: The head of a WAV file of our PCM that says nothing about its length.
WAV_HEADER = struct.pack(
    "<4sI8sIHHIIHH4sI", b"RIFF", 0xFFFFFFFF, b"WAVEfmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16, b"data",
    0xFFFFFFFF,
)  # fmt: skip

_QUIET = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "info", "-threads", "1"]
_BOUNDS = ["-codec_whitelist", DECODERS, "-max_streams", "64"]
_LISTS = ["-format_whitelist", FORMATS, *_BOUNDS]
_MAX_ALLOC = ["-max_alloc", str(256 * 1024**2)]

#: Samples are put where the file's clock says: sound that starts late or has holes is padded with silence, so that a
#: word's time is the time at which a player shows it.
_ON_THE_CLOCK = ["-af", "aresample=async=1:first_pts=0"]


def find_program(given: str | None = None) -> str:
    """Absolute path of the decoder: ``given`` (the operator's choice) or the one that imageio-ffmpeg carries.

    Raises ``DecodeError`` (``decoder_unavailable``).
    """
    try:
        path = os.path.abspath(given) if given else imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        path = ""
    if not path or not os.access(path, os.X_OK):
        step = "Ask the operator to check STTWEB_FFMPEG."
        raise DecodeError("decoder_unavailable", "The audio decoder is not installed.", next_step=step)
    return path


def reads_descriptors(program: str) -> bool:
    """Whether the build has the ``fd`` protocol (FFmpeg 6 and later). Asked once per file; about 20 ms."""
    status = os.stat(program)
    return _has_fd_protocol(program, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=8)
def _has_fd_protocol(program: str, _modified: int, _size: int) -> bool:
    command = [program, "-hide_banner", "-loglevel", "quiet", "-protocols"]
    try:
        asked = subprocess.run(  # noqa: S603  the operator's own program, fixed arguments
            command, capture_output=True, timeout=20, check=False, stdin=subprocess.DEVNULL, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return b"fd" in asked.stdout.split()


def file_command(program: str, max_samples: int, *, by_descriptor: bool) -> list[str]:
    """Decode the seekable file open as descriptor 0, on the file's own clock."""
    if by_descriptor:
        source = ["-protocol_whitelist", "fd", *_LISTS, *_probing(5_000_000, 10), "-fd", "0", "-i", "fd:"]
    else:
        source = ["-protocol_whitelist", "file", *_LISTS, *_probing(5_000_000, 10), "-i", "/proc/self/fd/0"]
    return [program, *_QUIET, *_MAX_ALLOC, *source, *_output(max_samples, _ON_THE_CLOCK)]


def stream_command(program: str, max_samples: int, declared: SoundFormat | None = None) -> list[str]:
    """Decode what is written to standard input, handing out samples as soon as they are there. ``declared`` says what
    it is, and nothing else is tried then."""
    # No "nobuffer" here: it throws away what was read to recognise the stream. A second of probing delays the first
    # sample by about as much and later ones not at all.
    form = declared.input_options if declared else ["-format_whitelist", FORMATS]
    source = ["-protocol_whitelist", "pipe", *form, *_BOUNDS, *_probing(512_000, 1), "-i", "pipe:0"]
    return [program, *_QUIET, *_MAX_ALLOC, *source, *_output(max_samples, ["-flush_packets", "1"])]


def encode_command(program: str) -> list[str]:
    """Encode ``WAV_HEADER`` and the PCM after it from standard input as bare MP3 frames of one length (see ``keep``),
    to standard output."""
    # In large packets: FFmpeg hands each one from thread to thread, which at its own size costs a fifth of it all.
    source = ["-protocol_whitelist", "pipe", "-ignore_length", "1", "-max_size", "65536", "-f", "wav", "-i", "pipe:0"]
    # Quality 9 is the fastest search for the same bits; at this rate it cannot be told from the others in speech.
    coding = ["-c:a", "libmp3lame", "-b:a", "48k", "-reservoir", "0", "-compression_level", "9"]
    bare = ["-write_xing", "0", "-id3v2_version", "0", "-map_metadata", "-1", "-f", "mp3", "pipe:1"]
    return [program, *_QUIET, *source, *coding, *bare]


def _probing(size: int, seconds: int) -> list[str]:
    return ["-probesize", str(size), "-analyzeduration", str(seconds * 1_000_000)]


def _output(max_samples: int, options: list[str]) -> list[str]:
    # One second more than allowed, so that the reader can tell "exactly at the limit" from "longer".
    cap = max_samples // SAMPLE_RATE + 1
    only_sound = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-map_metadata", "-1"]
    return [*only_sound, *options, "-ac", "1", "-ar", str(SAMPLE_RATE), "-t", str(cap), "-f", "s16le", "pipe:1"]
