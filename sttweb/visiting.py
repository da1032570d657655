"""Where a request comes from, for the audit record and for limits by address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

_address: ContextVar[str | None] = ContextVar("address", default=None)
_program: ContextVar[str] = ContextVar("program", default="")


def client_address(remote: str | None, forwarded: str = "") -> str | None:
    """The visitor's address: the peer's, or, behind our proxy, the last one that the proxy wrote.

    Everything before the last entry of ``forwarded`` (X-Forwarded-For) was written by strangers.
    """
    written = forwarded.rpartition(",")[2].strip() if settings.STTWEB_BEHIND_PROXY else ""
    for candidate in (written, remote or ""):
        try:
            return str(ip_address(candidate.strip("[]")))
        except ValueError:
            continue
    return None


def current_address() -> str | None:
    """The address of the visitor whose request is being answered here, or None (a command, a worker)."""
    return _address.get()


def current_program() -> str:
    """The name of the token by which a program makes the request that is being answered here; empty for people."""
    return _program.get()


def acts_by(program: str) -> None:
    """What is done until the request is answered is done by a program with the token of this name."""
    _program.set(program)


@contextmanager
def visited_from(address: str | None) -> Iterator[None]:
    """What is done inside is done for the visitor at ``address``."""
    before, program = _address.set(address), _program.set("")
    try:
        yield
    finally:
        _address.reset(before)
        _program.reset(program)


@sync_and_async_middleware
def visitor(get_response: Any) -> Any:
    """Middleware: `current_address` holds while the request is answered."""

    def of(request: HttpRequest) -> str | None:
        return client_address(request.META.get("REMOTE_ADDR"), request.META.get("HTTP_X_FORWARDED_FOR", ""))

    async def later(request: HttpRequest) -> HttpResponseBase:
        with visited_from(of(request)):
            answer: HttpResponseBase = await get_response(request)
            return answer

    def now(request: HttpRequest) -> HttpResponseBase:
        with visited_from(of(request)):
            answer: HttpResponseBase = get_response(request)
            return answer

    return later if iscoroutinefunction(get_response) else now


@sync_and_async_middleware
def personal(get_response: Any) -> Any:
    """Middleware: no proxy keeps a page, and no browser shows an old one as the present; unless the page says more."""

    def marked(answer: HttpResponseBase) -> HttpResponseBase:
        answer.headers.setdefault("Cache-Control", "private, no-cache")
        return answer

    async def later(request: HttpRequest) -> HttpResponseBase:
        return marked(await get_response(request))

    def now(request: HttpRequest) -> HttpResponseBase:
        return marked(get_response(request))

    return later if iscoroutinefunction(get_response) else now


@sync_and_async_middleware
def permissions(get_response: Any) -> Any:
    """Middleware: what pages may ask of a device: the microphone, for our own pages only, and nothing else."""

    def with_header(answer: HttpResponseBase) -> HttpResponseBase:
        answer.headers["Permissions-Policy"] = "microphone=(self), camera=(), geolocation=(), payment=(), usb=()"
        return answer

    async def later(request: HttpRequest) -> HttpResponseBase:
        return with_header(await get_response(request))

    def now(request: HttpRequest) -> HttpResponseBase:
        return with_header(get_response(request))

    return later if iscoroutinefunction(get_response) else now
