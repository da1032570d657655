"""`make faults`: every fault of docs/reliability.md in its long form, a line each, and a table at the end.

It is the tests of tests/faults with more rounds, longer outages and the waits that ship. It needs PostgreSQL, Redis
and a C compiler, for F40 and F42 root, and about two hours; ``python -m bench.faults f01 f47`` runs only those.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Where faults are played; sources are, beside the code that reads them.
PLACES = ["tests/faults", "tests/media"]
EVERYTHING = "faults or f30_ or f31_ or f32_"


def main(wanted: list[str]) -> int:
    """Run them and print the table; the status is that of the tests."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "figures.jsonl"
        out.touch()
        environment = {**os.environ, "STTWEB_FAULTS": "long", "STTWEB_FAULTS_OUT": str(out), "STTWEB_REQUIRE_ALL": "1"}
        command = [sys.executable, "-m", "pytest", *PLACES, "-q", "-s", "-p", "no:randomly"]
        command += ["-k", " or ".join(f"{name.lower()}_" for name in wanted) if wanted else EVERYTHING]
        began = time.monotonic()
        status = subprocess.run(command, env=environment, check=False).returncode
        print(f"\n{'fault':6} result ({time.monotonic() - began:.0f} s in all)")
        for line in sorted(out.read_text("utf-8").splitlines()):
            fault, text = json.loads(line)
            print(f"{fault:6} {text}")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
