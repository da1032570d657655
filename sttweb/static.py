"""WhiteNoise without a thread for every request: only what may be a file of ours is looked for in one.

WhiteNoise's middleware is synchronous, so under ASGI every request, also one that waits half a minute for an event,
would hold a thread from here on.
"""

from __future__ import annotations

from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction, sync_to_async
from django.http import HttpRequest, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware


class StaticFiles(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves what lies under STATIC_URL; everything else passes by."""

    sync_capable = async_capable = True

    def __init__(self, get_response: Any) -> None:
        super().__init__(get_response)
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """The file, or what comes behind."""
        if self._is_async:
            return self._later(request)
        return self._file(request) or self.get_response(request)

    async def _later(self, request: HttpRequest) -> HttpResponseBase:
        found = None
        if request.path_info.startswith(self.static_prefix):
            found = await sync_to_async(self._file, thread_sensitive=False)(request)
        return found or await self.get_response(request)

    def _file(self, request: HttpRequest) -> HttpResponseBase | None:
        path = request.path_info
        found = self.find_file(path) if self.autorefresh else self.files.get(path)
        return None if found is None else self.serve(found, request)
