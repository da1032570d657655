"""What a fault came to, for people: printed, and kept for `make faults`."""

from __future__ import annotations

import json
import os
import sys

#: Every fault in its long form (`make faults`).
LONG = os.environ.get("STTWEB_FAULTS") == "long"


def figure(fault: str, text: str) -> None:
    """Keep what a fault came to; `make faults` collects these lines."""
    sys.stdout.write(f"{fault}  {text}\n")
    if path := os.environ.get("STTWEB_FAULTS_OUT"):
        with open(path, "a", encoding="utf-8") as file:
            file.write(json.dumps([fault, text]) + "\n")
