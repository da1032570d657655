"""The bytes of a segment before they may reach the decoder: decrypted, stripped of tags, known to be media. Pure."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from transcripts.media.errors import NotMedia
from transcripts.media.sniff import SNIFF_BYTES, judge_content

from .model import HlsError, Segment

#: Length of an AES-128 key and of a block, in bytes.
BLOCK = 16

_BOXES = (b"sidx", b"emsg", b"prft", b"ssix")
_TS_PACKET = 188


def decrypt(data: bytes, key: bytes, iv: bytes) -> bytes:
    """Plain bytes of a segment encrypted with AES-128-CBC and PKCS7 padding (RFC 8216, 5.2). Raises ``HlsError``
    (``hls_bad_key``) for a key that is not 16 bytes, ``NotMedia`` (``not_media``) when length or padding is wrong."""
    if len(key) != BLOCK:
        raise HlsError("hls_bad_key", "The stream's decryption key is not 16 bytes long.")
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv)).decryptor()
    padding = PKCS7(BLOCK * 8).unpadder()
    try:
        plain = cipher.update(data) + cipher.finalize()
        return padding.update(plain) + padding.finalize()
    except ValueError:
        raise NotMedia("not_media", "A part of the stream could not be decrypted.") from None


def sequence_iv(segment: Segment) -> bytes:
    """The IV of a segment whose key names none: its number as 16 bytes, big-endian (RFC 8216, 5.2)."""
    return (segment.sequence % 2**128).to_bytes(BLOCK, "big")


def without_tags(data: bytes) -> bytes:
    """``data`` without the ID3 tags in front, which packed audio carries in every segment (RFC 8216, 3.4) and which
    no decoder expects in the middle of a stream."""
    start = 0
    while data.startswith(b"ID3", start) and len(data) >= start + 10:
        size = data[start + 6 : start + 10]
        start += 10 + (size[0] << 21 | size[1] << 14 | size[2] << 7 | size[3])
    return data[start:]


def judge_segment(data: bytes) -> str:
    """The container of a segment without tags. Raises ``NotMedia`` for a playlist, a page, an archive or noise."""
    if data[4:8] in _BOXES:
        return "mov"
    # A transport stream of a few packets is too short for the general test.
    if data and len(data) % _TS_PACKET == 0 and data[::_TS_PACKET] == b"G" * (len(data) // _TS_PACKET):
        return "mpegts"
    return judge_content(data[:SNIFF_BYTES])
