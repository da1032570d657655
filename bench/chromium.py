"""How Chromium is started by whoever drives it here: benchmarks, pictures and tests."""

from __future__ import annotations

#: Everywhere: as root in a container, without a graphics card, and without a word to anybody outside.
PLAIN = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
