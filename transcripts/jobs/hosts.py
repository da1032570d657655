"""The hosts that a team's key may be good for: the provider's regions, or a host of the team's own, which is guarded.

Regions: protocol.md section 2. A host of the team's own is a stranger's address like any other: judged when it is
saved and again just before each connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from transcripts.jobs import source
from transcripts.media.errors import BlockedUrl, MediaError
from transcripts.media.guard import Url, judge_url
from transcripts.media.network import judged_addresses
from transcripts.realtime.endpoint import Endpoint
from transcripts.realtime.errors import ErrorClass, Fault
from transcripts.realtime.transport import OpenFailed

#: Base URL -> what people choose.
REGIONS = {
    "wss://api.elevenlabs.io": _("Nearest (default)"),
    "wss://api.us.elevenlabs.io": _("United States"),
    "wss://api.eu.residency.elevenlabs.io": _("European Union, data stays there"),
    "wss://api.in.residency.elevenlabs.io": _("India, data stays there"),
    "wss://api.sg.residency.elevenlabs.io": _("Singapore, data stays there"),
}
#: The code of work that pauses because the host of a team's key must not be reached.
BLOCKED = "key_host_blocked"
_BLOCKED_STEP = "Ask an owner to choose another host in the team's settings, or the operator to allow that network."


def judge(base_url: str) -> Url:
    """A host of the team's own: https, or http to an address in a network that the operator has allowed. Raises
    BlockedUrl."""
    judged = judge_url(base_url, source.policy())
    if judged.scheme == "https" or _is_allowed_network(judged):
        return judged
    raise BlockedUrl(
        "url_scheme", "The key would travel unencrypted.", next_step="Use an address that begins with https://."
    )


def _is_allowed_network(judged: Url) -> bool:
    networks = [ip_network(network) for network in settings.FETCH_ALLOW_NETWORKS]
    return judged.literal is not None and any(judged.literal in network for network in networks)


def endpoint(base_url: str, key: str) -> Endpoint:
    """Where a team's key is used; a host that is no region is judged before each connection."""
    return Endpoint(base_url, key, addresses=None if base_url in REGIONS else _Judge(base_url))


class _Judge:
    """Judges a base URL and every address of its host, at each connection anew."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    async def __call__(self, host: str) -> Sequence[str]:
        """The addresses that may be connected to. Raises OpenFailed."""
        try:
            judge(self._base_url)
            return [str(address) for address in await judged_addresses(host, source.policy())]
        except BlockedUrl as error:
            fault = Fault(BLOCKED, ErrorClass.FATAL_KEY, error.message, _BLOCKED_STEP)
            raise OpenFailed(fault) from error
        except MediaError as error:
            klass = ErrorClass.RETRY if error.retryable else ErrorClass.FATAL_KEY
            code = error.code if error.retryable else BLOCKED
            raise OpenFailed(Fault(code, klass, error.message, error.next_step)) from error


def shown(base_url: str) -> str:
    """The host as people read it."""
    return urlsplit(base_url).netloc.rpartition("@")[2]


def is_address(host: str) -> bool:
    """Whether a host is written as a number, so that there is nothing to look up."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
