"""What our pages may load, and from where: everything from ourselves, no script and no style inside a page."""

from __future__ import annotations

from typing import Any

from csp.constants import NONE, SELF


def of_pages() -> dict[str, Any]:
    """The Content-Security-Policy of every page, for django-csp."""
    return {
        "DIRECTIVES": {
            "default-src": [NONE],
            "script-src": [SELF],
            "style-src": [SELF],
            "connect-src": [SELF],
            "img-src": [SELF, "data:"],
            "media-src": [SELF, "blob:"],
            "font-src": [SELF],
            "frame-ancestors": [NONE],
            "base-uri": [NONE],
            "form-action": [SELF],
        }
    }
