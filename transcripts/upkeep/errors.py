"""What can go wrong in upkeep that a person sees: a code, a sentence, a next step."""

from __future__ import annotations


class UpkeepError(Exception):
    """``code`` is short and stable, the message is for people, ``next_step`` says what to do."""

    def __init__(self, code: str, message: str, next_step: str = "") -> None:
        super().__init__(" ".join(filter(None, [message, next_step])))
        self.code, self.message, self.next_step = code, message, next_step


class ArchiveError(UpkeepError):
    """A backup cannot be used; nothing was changed."""


class NotEmpty(UpkeepError):
    """There is something where the backup was to go; nothing was changed."""


class DumpError(UpkeepError):
    """The database could not be copied out or in."""
