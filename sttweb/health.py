"""What monitors ask: is the process alive, can it serve, and how is everything.

``/healthz`` touches nothing, so that a sick database does not get healthy processes killed. ``/readyz`` names its
parts. ``/metrics`` is for Prometheus. The last two tell of the inside: they answer a token, staff, and requests from
this very machine as long as nobody else can reach it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
from collections.abc import Awaitable, Callable
from functools import wraps
from urllib.parse import urlsplit

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from sttweb import prometheus
from sttweb.counting import process_name
from sttweb.observe import version

logger = logging.getLogger(__name__)

LAYER_SECONDS = 1.0
_IN_MEMORY = "channels.layers.InMemoryChannelLayer"
_FORWARDED = ("HTTP_FORWARDED", "HTTP_X_FORWARDED_FOR", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_PROTO", "HTTP_VIA")
#: Databases whose tables fit; once and for all, for the program of a process does not change.
_migrated: set[str] = set()


class Alive:
    """Middleware: answers ``/healthz`` before anything else, whatever the host, the scheme and the database are."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """The answer, or what the rest of the chain says."""
        if request.path_info != "/healthz":
            return self.get_response(request)
        answer = HttpResponse("ok\n", content_type="text/plain; charset=utf-8", headers={"Cache-Control": "no-store"})
        return _at_once(answer) if self._is_async else answer


async def _at_once(answer: HttpResponse) -> HttpResponse:
    return answer


def reached_from_here_only(request: HttpRequest) -> bool:
    """It comes from this machine, not through a proxy, and this installation is for this machine only.

    A loopback address alone proves nothing: behind a proxy all of the world comes from there.
    """
    local = settings.LOOPBACK_BINDS
    origins = {urlsplit(origin).hostname for origin in settings.TRUSTED_ORIGINS}
    proxied = any(name in request.META for name in _FORWARDED)
    return (
        settings.STTWEB_BIND in local and origins <= local and request.META.get("REMOTE_ADDR") in local and not proxied
    )


def _allowed(request: HttpRequest) -> bool:
    if reached_from_here_only(request):
        return True
    token, said = settings.STTWEB_METRICS_TOKEN, request.headers.get("Authorization", "")
    if token and hmac.compare_digest(said.encode(), f"Bearer {token}".encode()):
        return True
    return bool(request.user.is_authenticated and request.user.is_active and request.user.is_staff)


def guarded(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """A view for monitors and staff; others get 401 (503 when the database cannot say who they are)."""

    @wraps(view)
    def inner(request: HttpRequest) -> HttpResponse:
        try:
            allowed = _allowed(request)
        except DatabaseError:
            return HttpResponse("not ready\n", status=503, content_type="text/plain; charset=utf-8")
        if allowed:
            return view(request)
        return HttpResponse("Not for you.\n", status=401, headers={"WWW-Authenticate": 'Bearer realm="sttweb"'})

    return require_safe(never_cache(inner))


@guarded
def ready(request: HttpRequest) -> HttpResponse:
    """``{"ready": …, "degraded": …, "parts": {name: {"ok": …, "says": …}}}``; 503 unless all needed parts are well."""
    database = _database()
    parts = {"database": database}
    if not database:
        parts |= {"migrations": _migrations(), "workers": _workers(), "decoder": _decoder()}
    is_ready = not any(parts.values())
    parts["channel_layer"] = layer_trouble()
    answer = {
        "ready": is_ready,
        "degraded": is_ready and bool(parts["channel_layer"]),
        "version": version(),
        "parts": {name: {"ok": not says, "says": says or "ok"} for name, says in parts.items()},
    }
    return JsonResponse(answer, status=200 if is_ready else 503)


def _database() -> str:
    """What is wrong with the database, or nothing."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except DatabaseError as error:
        logger.warning("not ready, the database does not answer: %s", error)
        return "The database does not answer."
    return ""


def _migrations() -> str:
    """What is wrong with the tables, or nothing."""
    if connection.alias not in _migrated:
        loader = MigrationLoader(connection)
        if set(loader.graph.nodes) - set(loader.applied_migrations or {}):
            return "The tables are older than the program; run manage.py migrate."
        _migrated.add(connection.alias)
    return ""


def _workers() -> str:
    from transcripts.upkeep.numbers import worker_is_fresh

    return "" if worker_is_fresh() else "No worker has reported itself lately; nothing is transcribed."


def _decoder() -> str:
    from transcripts.upkeep.numbers import decoder_is_missing

    says = "No worker decodes recordings: the decoder's sandbox does not hold there (docs/media.md, The cage)."
    return says if decoder_is_missing() else ""


def layer_trouble() -> str:
    """What is wrong with the channel layer, or nothing. Takes at most LAYER_SECONDS."""
    if settings.CHANNEL_LAYERS["default"]["BACKEND"] == _IN_MEMORY:
        return ""
    try:
        asyncio.run(_ping())
    except Exception as error:  # noqa: BLE001 - whatever Redis' trouble is, it only makes things slower
        logger.warning("Redis does not answer: %r", error)
        return "Redis does not answer: new text reaches browsers by polling."
    return ""


async def _ping() -> None:
    from redis.asyncio import from_url

    async with asyncio.timeout(LAYER_SECONDS):
        client = from_url(settings.REDIS_URL, socket_connect_timeout=LAYER_SECONDS, socket_timeout=LAYER_SECONDS)
        try:
            await client.ping()
        finally:
            await client.aclose()


def about() -> dict[str, str]:
    """What runs: version, kind of database and of channel layer, default engine."""
    in_memory = settings.CHANNEL_LAYERS["default"]["BACKEND"] == _IN_MEMORY
    return {
        "version": version(),
        "database": connection.vendor,
        "layer": "memory" if in_memory else "redis",
        "engine": settings.STTWEB_ENGINE,
    }


@guarded
def metrics(request: HttpRequest) -> HttpResponse:
    """What the tables say, for all processes together, and what this process counted about itself."""
    from transcripts.upkeep.metrics import counters, metrics_of
    from transcripts.upkeep.numbers import read

    try:
        text = prometheus.exposition([*metrics_of(read(), about()), *counters(process_name())])
    except DatabaseError:
        return HttpResponse("# the database does not answer\n", status=503, content_type=prometheus.CONTENT_TYPE)
    return HttpResponse(text, content_type=prometheus.CONTENT_TYPE)
