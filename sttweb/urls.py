"""All URLs: what monitors ask, the admin, and the app's pages."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from sttweb import health
from transcripts.accounts import sign_on
from transcripts.admin import operations
from transcripts.views import media

urlpatterns = [
    # /healthz is answered by the first middleware.
    path("readyz", health.ready, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("admin/status", operations.status, name="operations"),
    path("admin/listen/<uuid:transcript_id>", media.staff_audio, name="staff-audio"),
    path("admin/", admin.site.urls),
    path("api/", include("transcripts.api.urls")),
    path("", include("transcripts.urls")),
    # Before allauth's own, under the same addresses.
    path("account/oidc/<str:provider_id>/login/", sign_on.login),
    path("account/oidc/<str:provider_id>/login/callback/", sign_on.callback),
    path("account/", include("allauth.urls")),
]

handler403 = "transcripts.views.refusing.not_allowed"
handler500 = "sttweb.refusals.server_error"
