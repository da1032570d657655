"""Milliseconds as the times that formats write. Pure."""

from __future__ import annotations


def stamp(ms: int, mark: str) -> str:
    """``HH:MM:SS`` with milliseconds after ``mark``: ``01:02:03,004`` for SRT, ``01:02:03.004`` for WebVTT."""
    seconds, rest = divmod(max(0, ms), 1000)
    return f"{brief(seconds * 1000)}{mark}{rest:03d}"


def brief(ms: int) -> str:
    """``HH:MM:SS``, cut to the second."""
    minutes, seconds = divmod(max(0, ms) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}"
