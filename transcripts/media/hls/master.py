"""Master playlists: which streams and audio tracks there are. Pure."""

from __future__ import annotations

from .attributes import read_attributes, resolve
from .model import MAX_VARIANTS, HlsError, MasterPlaylist, Rendition, Variant, invalid

MASTER_TAGS = ("#EXT-X-STREAM-INF:", "#EXT-X-MEDIA:", "#EXT-X-I-FRAME-STREAM-INF:")

_DESCRIBES = "public.accessibility.describes-video"


def parse_master(lines: list[str], url: str) -> MasterPlaylist:
    """The variants and audio renditions in ``lines``, addresses resolved against ``url``. Everything else that names
    an address (pictures, session data, session keys) is never looked at. Raises ``HlsError`` (``hls_invalid``,
    ``hls_limits``)."""
    variants: list[Variant] = []
    renditions: list[Rendition] = []
    pending: dict[str, str] | None = None
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF:"):
            pending = read_attributes(line.partition(":")[2])
        elif line.startswith("#EXT-X-MEDIA:"):
            renditions += _rendition(read_attributes(line.partition(":")[2]), url)
        elif not line.startswith("#") and pending is not None:
            variants.append(_variant(pending, resolve(url, line)))
            pending = None
        if len(variants) > MAX_VARIANTS or len(renditions) > MAX_VARIANTS:
            raise HlsError("hls_limits", f"The HLS playlist offers more than {MAX_VARIANTS} streams.")
    if not variants and not any(rendition.uri for rendition in renditions):
        raise invalid("offers no stream with sound")
    return MasterPlaylist(tuple(variants), tuple(renditions))


def _variant(attributes: dict[str, str], uri: str) -> Variant:
    bandwidth = attributes.get("BANDWIDTH", "")
    codecs = tuple(codec.strip().lower() for codec in attributes.get("CODECS", "").split(",") if codec.strip())
    return Variant(
        uri=uri,
        bandwidth=int(bandwidth) if bandwidth.isascii() and bandwidth.isdigit() and len(bandwidth) < 16 else 0,
        codecs=codecs,
        picture="RESOLUTION" in attributes or "VIDEO" in attributes,
        audio=attributes.get("AUDIO", ""),
    )


def _rendition(attributes: dict[str, str], url: str) -> list[Rendition]:
    if attributes.get("TYPE") != "AUDIO":
        return []
    uri = attributes.get("URI")
    return [
        Rendition(
            group=attributes.get("GROUP-ID", ""),
            name=attributes.get("NAME", ""),
            uri=resolve(url, uri) if uri else None,
            language=attributes.get("LANGUAGE", "").lower(),
            default=attributes.get("DEFAULT") == "YES",
            autoselect=attributes.get("AUTOSELECT") == "YES",
            described=_DESCRIBES in attributes.get("CHARACTERISTICS", ""),
        )
    ]
