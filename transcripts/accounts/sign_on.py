"""Single sign-on's two addresses, around django-allauth's: a provider that is down or answers nonsense is a page with
words and a line in the log, not an error of ours; and the way there is a page, not a redirect.

Browsers hold every redirect after a form to the page's form-action (Content Security Policy 3, section 6.4.1), and
where a provider sends people on to, another host of its own or a broker behind it, nobody can know beforehand. A page
that goes on by itself is no form.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from allauth.account.internal.decorators import login_not_required
from allauth.socialaccount.providers.openid_connect import views
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

logger = logging.getLogger(__name__)


def _in_words(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        # The connection (its client's errors are OSErrors); then what it says about itself: no JSON, another shape,
        # no address.
        except (OSError, KeyError, ValueError, AttributeError, TypeError) as error:
            logger.warning("the sign-on provider cannot be used: %r", error)
            return render(request, "account/provider_away.html", {"code": "sign_on_unavailable"}, status=503)

    return inner


def _on_its_way(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The provider's address, from the redirect to it, becomes where a page goes on to."""

    @wraps(view)
    def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = view(request, *args, **kwargs)
        if answer.status_code != HTTPStatus.FOUND or not answer["Location"].startswith(("https://", "http://")):
            return answer
        page = render(request, "account/provider_onward.html", {"address": answer["Location"]})
        page["Cache-Control"] = "no-store"
        page["Referrer-Policy"] = "no-referrer"
        return page

    return inner


login = login_not_required(_in_words(_on_its_way(views.login)))
callback = login_not_required(_in_words(views.callback))
