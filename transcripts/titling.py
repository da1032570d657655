"""First titles, made from the name of a link or a file until somebody or something knows a better one. Pure."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit


def title_of_link(url: str) -> str:
    """A first title for a link: the name of what it leads to, else the host."""
    parts = urlsplit(url)
    name = unquote(parts.path.rstrip("/").rsplit("/", 1)[-1])
    return title_of_file(name) or parts.hostname or url


def title_of_file(name: str) -> str:
    """A file's name as a title: one line without its ending, without invisible characters."""
    stem = name.rsplit("/", 1)[-1].rsplit("\\", 1)[-1]
    dot = stem.rfind(".")
    stem = stem[:dot] if dot > 0 and len(stem) - dot <= 6 else stem
    shown = "".join(char if char.isprintable() else " " for char in stem.replace("_", " "))
    return " ".join(shown.split())[:200]
