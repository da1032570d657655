#!/usr/bin/env python
"""Django's command line for sttweb."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the administrative task named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sttweb.settings")
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.exit(130)  # Ctrl-C before a command listens for it, such as while it migrates


if __name__ == "__main__":
    main()
