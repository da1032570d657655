"""Where sockets and channel messages go."""

from __future__ import annotations

from django.urls import path

from transcripts.jobs.consumers import TranscribeConsumer
from transcripts.jobs.wake import WORK_CHANNEL
from transcripts.live.consumers import BoardConsumer, TranscriptConsumer

socket_urls = [
    path("ws/t/<uuid:transcript_id>/", TranscriptConsumer.as_asgi()),
    path("ws/board/<uuid:team_id>/", BoardConsumer.as_asgi()),
]

background_consumers = {WORK_CHANNEL: TranscribeConsumer.as_asgi()}
