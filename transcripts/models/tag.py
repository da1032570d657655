"""Tags: a team's own words for its transcripts."""

from __future__ import annotations

import unicodedata
from typing import Any
from urllib.parse import urlencode

from django.db import models
from django.utils.translation import gettext_lazy as _

from transcripts.models.team import Team
from transcripts.models.transcript import Transcript

#: Longest name of a tag, in characters.
TAG_CHARS = 40


def tag_name(text: str) -> str:
    """One line in NFC without invisible characters, at most TAG_CHARS long; empty for a text of nothing else."""
    shown = "".join(char if char.isprintable() else " " for char in unicodedata.normalize("NFC", text))
    return " ".join(shown.replace(",", " ").split())[:TAG_CHARS].rstrip()


def tag_key(text: str) -> str:
    """What two spellings of a name have in common: a team has one tag for both."""
    return tag_name(text).casefold()


class Tag(models.Model):
    """A word under which a team files transcripts. Every member sees it, and no other team does."""

    team = models.ForeignKey(Team, models.CASCADE, related_name="tags")
    name = models.CharField(_("name"), max_length=TAG_CHARS)
    #: `tag_key` of the name; folding may lengthen it.
    key = models.CharField(max_length=TAG_CHARS * 3, editable=False)
    transcripts: models.ManyToManyField[Transcript, Tagging] = models.ManyToManyField(
        Transcript, through="Tagging", related_name="tags"
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("tag")
        verbose_name_plural = _("tags")
        ordering = ["key"]
        constraints = [models.UniqueConstraint(fields=["key", "team"], name="one_tag_per_name")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Keep the key in step with the name."""
        self.key = tag_key(self.name)
        super().save(*args, **kwargs)

    @property
    def query(self) -> str:
        """The query string under which the library lists what has this tag."""
        return urlencode({"tag": self.name})


class Tagging(models.Model):
    """A tag on a transcript of the same team."""

    id = models.BigAutoField(primary_key=True)
    tag = models.ForeignKey(Tag, models.CASCADE, related_name="taggings")
    transcript = models.ForeignKey(Transcript, models.CASCADE, related_name="taggings")

    class Meta:
        verbose_name = _("tagging")
        verbose_name_plural = _("taggings")
        constraints = [models.UniqueConstraint(fields=["tag", "transcript"], name="one_tagging_per_transcript")]

    def __str__(self) -> str:
        return f"{self.tag} · {self.transcript}"
