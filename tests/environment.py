"""A pytest plugin loaded before Django's settings: tests get a state folder of their own and no settings of the person
who runs them."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile

for name in ("ELEVENLABS_API_KEY", "ELEVENLABS_BASE_URL", "DATABASE_URL", "REDIS_URL", "STTWEB_ORIGINS",
             "STTWEB_MASTER_KEYS"):  # fmt: skip
    for variant in (name, f"{name}_FILE"):
        # An empty value also keeps a .env file of the working copy out.
        os.environ[variant] = ""

# The converted weights are kept between runs (converting costs 7 s and 0.9 GB); all other state is new each time.
os.environ.setdefault("STTWEB_ENGINE_DIR", os.path.join(os.path.dirname(os.path.dirname(__file__)), "var", "engine"))
folder = tempfile.mkdtemp(prefix="sttweb-test-")
os.environ["STTWEB_VAR"] = folder
atexit.register(shutil.rmtree, folder, ignore_errors=True)

# A shell's background job ignores Ctrl-C, and so would every server that the tests start from it and mean to end.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
