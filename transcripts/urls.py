"""The app's pages."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, path

from transcripts.views import (
    activity,
    board,
    captionlinks,
    exports,
    feed,
    library,
    media,
    picked,
    preferences,
    presets,
    probing,
    submit,
    tags,
    team,
    tokens,
    transcript,
    uploads,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("", board.board, name="board"),
    path("new", submit.new, name="new"),
    path("uploads", uploads.uploads, name="uploads"),
    path("uploads/<uuid:upload_id>", uploads.upload, name="upload"),
    path("uploads/<uuid:upload_id>/complete", uploads.complete, name="upload_complete"),
    path("probe", probing.look, name="probe"),
    path("feed", feed.feed, name="feed"),
    path("feed/take", feed.take, name="feed-take"),
    path("presets", presets.save, name="presets"),
    path("presets/<int:preset_id>/delete", presets.delete, name="preset_delete"),
    path("sample", submit.sample, name="sample"),
    path("library", library.library, name="library"),
    path("picked", picked.picked, name="picked"),
    path("tags", tags.tags, name="tags"),
    path("s/<uuid:transcript_id>", transcript.session, name="session"),
    path("s/<uuid:transcript_id>/stop", transcript.stop, name="stop"),
    path("s/<uuid:transcript_id>/cancel", transcript.cancel, name="cancel"),
    path("s/<uuid:transcript_id>/commit", transcript.commit, name="commit"),
    path("s/<uuid:transcript_id>/retry", transcript.retry, name="retry"),
    path("s/<uuid:transcript_id>/offline", transcript.go_offline, name="go_offline"),
    path("s/<uuid:transcript_id>/activity", activity.activity, name="activity"),
    path("s/<uuid:transcript_id>/rename", transcript.rename, name="rename"),
    path("s/<uuid:transcript_id>/tag", tags.tag, name="tag"),
    path("s/<uuid:transcript_id>/delete", transcript.delete, name="delete"),
    path("s/<uuid:transcript_id>/export", exports.dialog, name="export_dialog"),
    path("s/<uuid:transcript_id>/export/<slug:name>", exports.export, name="export"),
    path("s/<uuid:transcript_id>/find", transcript.find, name="find"),
    path("s/<uuid:transcript_id>/facts", transcript.facts, name="facts"),
    path("s/<uuid:transcript_id>/captions", transcript.captions, name="captions"),
    path("s/<uuid:transcript_id>/share", captionlinks.share, name="share"),
    path("s/<uuid:transcript_id>/share/<uuid:link_id>/revoke", captionlinks.unshare, name="unshare"),
    path("c/<str:token>", captionlinks.public, name="public_captions"),
    path("c/<str:token>/overlay", captionlinks.public, {"overlay": True}, name="public_overlay"),
    path("s/<uuid:transcript_id>/audio", media.audio, name="audio"),
    path("s/<uuid:transcript_id>/waveform", media.waveform, name="waveform"),
    path("team/<uuid:team_id>", preferences.team, name="team"),
    path("team/<uuid:team_id>/settings", team.settings, name="team-settings"),
    path("team/<uuid:team_id>/keeping", team.keeping, name="team-keeping"),
    path("team/<uuid:team_id>/tokens", tokens.team_tokens, name="team-tokens"),
    path("team/<uuid:team_id>/tokens/<uuid:token_id>/revoke", tokens.revoke_token, name="token-revoke"),
    path("theme", preferences.theme, name="theme"),
    path(
        "login", LoginView.as_view(template_name="account/login.html", redirect_authenticated_user=True), name="login"
    ),
    path("logout", LogoutView.as_view(), name="logout"),
]
