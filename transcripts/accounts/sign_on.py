"""Single sign-on's two addresses, around django-allauth's: a provider that is down or answers nonsense is a page with
words and a line in the log, not an error of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
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


login = login_not_required(_in_words(views.login))
callback = login_not_required(_in_words(views.callback))
