"""Where the sound of a transcript is, under the operator's bounds: the row and the settings as a request for audio."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from ipaddress import ip_network
from pathlib import Path
from uuid import UUID

from django.conf import settings

from transcripts.incoming.rows import has_ended, release_received, sound_of
from transcripts.media.decode import DecodeLimits
from transcripts.media.errors import StorageError
from transcripts.media.fetch import Limits
from transcripts.media.guard import OnAllowed, Policy
from transcripts.media.live import LivePatience
from transcripts.media.open import AudioRequest
from transcripts.media.pages import Page, Pages
from transcripts.media.parts import Parts
from transcripts.media.pcm import SAMPLE_RATE
from transcripts.media.request import Growing
from transcripts.media.sample import Sample, make_sample
from transcripts.media.status import OnStatus
from transcripts.media.storage import MediaStore
from transcripts.models import SourceKind, Transcript

#: Runs a function on a thread that has a database connection.
Ask = Callable[[Callable[[UUID], bool], UUID], Awaitable[bool]]


def media_store() -> MediaStore:
    """The store of uploads that the settings name."""
    return MediaStore(Path(settings.STTWEB_MEDIA_DIR), max_bytes=settings.STTWEB_MAX_MEDIA_BYTES)


def sample_of(row: Transcript) -> Sample | None:
    """The recording of a transcript of a sample, made if need be; None when this installation carries none."""
    return make_sample(str(row.options.get("sample", "")), Path(settings.STTWEB_VAR) / "samples")


def upload_parts() -> Parts:
    """The uploads in that store that are on their way."""
    return Parts(Path(settings.STTWEB_MEDIA_DIR))


def forget_received(transcript_id: UUID) -> None:
    """Remove what a client sent, once all of it was heard. Blocks on the database."""
    if key := release_received(transcript_id):
        media_store().delete(key)


def spool_dir(transcript_id: UUID) -> Path:
    """The folder that keeps a transcript's fetched file while its job may have to resume."""
    return Path(settings.STTWEB_SPOOL_DIR) / str(transcript_id)


def forget_spooled(transcript_id: UUID) -> None:
    """Remove a fetched file that no job needs any more."""
    shutil.rmtree(spool_dir(transcript_id), ignore_errors=True)


def policy(on_allowed: OnAllowed | None = None) -> Policy:
    """What the operator allows beyond the public internet, and our own names, which no link may reach.

    ``on_allowed`` as in Policy.
    """
    hosts = {host.strip("[]").lower() for host in settings.ALLOWED_HOSTS}
    return Policy(
        allow_networks=tuple(ip_network(network) for network in settings.FETCH_ALLOW_NETWORKS),
        allow_ports=frozenset(settings.FETCH_ALLOW_PORTS),
        own_hosts=frozenset(hosts - {"127.0.0.1", "::1", "localhost"}),
        on_allowed=on_allowed,
    )


def pages(seconds: float = 60.0) -> Pages:
    """How recordings are found on web pages, and in what time."""
    return Pages(settings.STTWEB_PAGES, tuple(settings.STTWEB_PAGES_EXTRACTORS), seconds)


def source_of(
    row: Transcript,
    start: int,
    ask: Ask,
    on_status: OnStatus | None = None,
    on_page: Callable[[Page], None] | None = None,
    on_allowed: OnAllowed | None = None,
) -> AudioRequest:
    """What is to be opened, from sample ``start`` on; ``on_status`` hears how a live source is doing, ``on_page`` what
    a web page carries, ``on_allowed`` as in Policy, ``ask`` reads from the database.

    Raises MediaError when a stored file is gone."""
    decode_limits = DecodeLimits(max_samples=round(settings.STTWEB_MAX_HOURS * 3600 * SAMPLE_RATE))
    ffmpeg = settings.STTWEB_FFMPEG or None
    if row.source_kind != SourceKind.URL:
        growing = _growing(row, ask) if row.source_kind == SourceKind.SOCKET else None
        return AudioRequest(
            path=None if growing else _stored(row),
            growing=growing,
            start=start,
            on_status=on_status,
            decode_limits=decode_limits,
            ffmpeg=ffmpeg,
            allow_unsafe_decoder=settings.STTWEB_ALLOW_UNSANDBOXED_DECODER,
        )
    return AudioRequest(
        url=row.source_url,
        start=start,
        spool_dir=spool_dir(row.pk),
        policy=policy(on_allowed),
        limits=Limits(max_bytes=settings.STTWEB_MAX_MEDIA_BYTES),
        decode_limits=decode_limits,
        ffmpeg=ffmpeg,
        pages=pages(),
        on_page=on_page,
        # Text of two versions of a file must never be mixed.
        expect_sha256=row.media_sha256 or None if row.committed_samples else None,
        language=row.language,
        patience=_patience(),
        on_status=on_status,
        allow_unsafe_decoder=settings.STTWEB_ALLOW_UNSANDBOXED_DECODER,
    )


def _patience() -> LivePatience:
    silence = settings.STTWEB_SOURCE_SILENCE_SECONDS
    return LivePatience(stalled_s=min(LivePatience().stalled_s, silence / 2), silence_s=silence)


def _growing(row: Transcript, ask: Ask) -> Growing:
    async def ended() -> bool:
        return await ask(has_ended, row.pk)

    return Growing(media_store().path_of(row.media_key), sound_of(row.stream), ended)


def _stored(row: Transcript) -> Path:
    if row.source_kind == SourceKind.UPLOAD:
        return media_store().path_of(row.media_key)
    sample = sample_of(row)
    if sample is None:
        raise StorageError("no_sample", "This installation carries no sample recording.")
    return sample.path
