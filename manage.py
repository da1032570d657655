#!/usr/bin/env python
"""Django's command line for sttweb."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the administrative task named on the command line."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "sttweb.settings")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line
    from environs.exceptions import EnvError

    try:
        execute_from_command_line(sys.argv)
    except (ImproperlyConfigured, EnvError) as error:
        sys.exit(f"The configuration cannot be used. {error}")
    except KeyboardInterrupt:
        sys.exit(130)  # Ctrl-C before a command listens for it, such as while it migrates


if __name__ == "__main__":
    main()
