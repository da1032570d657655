"""The failures of the way from a link or file to PCM: one class tree, each with a code, a sentence and a next step."""

from __future__ import annotations


class MediaError(Exception):
    """A source could not be reached, read or decoded.

    ``code`` is snake_case and stable; ``message`` is one plain sentence for a person, without addresses or paths of
    the inside; ``next_step`` says what the person can do; ``retryable`` says whether the same try may work later.
    """

    def __init__(self, code: str, message: str, *, next_step: str = "", retryable: bool = False) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.next_step = next_step
        self.retryable = retryable


class BlockedUrl(MediaError):
    """The guard refuses this URL or address (codes ``url_*``). Never retryable: the answer would be the same."""


class FetchError(MediaError):
    """The source could not be fetched (codes ``source_*``, ``dns_timeout``, ``too_many_redirects``)."""


class NotMedia(MediaError):
    """What arrived is no recording that can be decoded (``not_media``, ``unsupported_*``)."""


class DecodeError(MediaError):
    """The decoder refused or failed (``not_audio``, ``no_audio_track``, ``decode_*``, ``too_long``)."""


class StorageError(MediaError):
    """An upload could not be kept (``upload_too_large``, ``disk_full``, ``upload_empty``)."""
