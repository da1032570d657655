"""Where sockets and channel messages go."""

from __future__ import annotations

from typing import Any

from channels.security.websocket import WebsocketDenier
from django.urls import path, re_path

from transcripts.incoming.socket import AudioConsumer
from transcripts.jobs.consumers import TranscribeConsumer
from transcripts.jobs.wake import WORK_CHANNEL
from transcripts.live.caption_socket import CaptionConsumer
from transcripts.live.consumers import BoardConsumer, TranscriptConsumer

# Typed loosely: Django's `path` is declared for views, and the stubs of Channels know several shapes of applications.
_transcript: Any = TranscriptConsumer.as_asgi()
_board: Any = BoardConsumer.as_asgi()
_captions: Any = CaptionConsumer.as_asgi()
_audio: Any = AudioConsumer.as_asgi()
_nowhere: Any = WebsocketDenier.as_asgi()

socket_urls: list[Any] = [
    path("ws/t/<uuid:transcript_id>/", _transcript),
    path("ws/board/<uuid:team_id>/", _board),
    path("ws/c/<str:token>/", _captions),
    path("ws/audio/", _audio),
    path("ws/audio/<uuid:transcript_id>/", _audio),
    # An address that names nothing is closed; without this line it would be an error with a traceback.
    re_path("", _nowhere),
]

background_consumers: dict[str, Any] = {WORK_CHANNEL: TranscribeConsumer.as_asgi()}
