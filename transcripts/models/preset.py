"""Options that a team has given a name, to use them again."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from transcripts.models.team import Team
from transcripts.models.transcript import Engine


class TeamPreset(models.Model):
    """How to transcribe, under a name of the team's own. Changing one changes no transcript."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="presets")
    name = models.CharField(_("name"), max_length=60)
    engine = models.CharField(_("engine"), max_length=12, choices=Engine, default=Engine.EMBEDDED)
    language = models.CharField(_("language"), max_length=16, blank=True)
    #: As ``Transcript.options``.
    options = models.JSONField(_("options"), default=dict, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="presets"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("team preset")
        verbose_name_plural = _("team presets")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["team", "name"], name="one_preset_per_name")]

    def __str__(self) -> str:
        return self.name
