"""The ASGI application: pages, browser sockets and the background consumer. Knows no server."""

from __future__ import annotations

import gc
import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sttweb.settings")
http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402 - consumers need the apps that the line above loads
from channels.routing import ChannelNameRouter, ProtocolTypeRouter, URLRouter  # noqa: E402
from django.conf import settings  # noqa: E402

from sttweb.origins import OwnOrigins  # noqa: E402
from transcripts.routing import background_consumers, socket_urls  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": http,
        # Full origins, scheme and port included: AllowedHostsOriginValidator would let other ports of the host in.
        "websocket": OwnOrigins(AuthMiddlewareStack(URLRouter(socket_urls)), settings.TRUSTED_ORIGINS),
        "channel": ChannelNameRouter(background_consumers),
    }
)

# What is loaded by now stays until the end: the collector need not look through it again and again (0.1 s each time,
# in the middle of somebody's request).
gc.collect()
gc.freeze()
