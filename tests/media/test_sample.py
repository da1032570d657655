from __future__ import annotations

import subprocess
import sys

from transcripts.media.decode import decode_file
from transcripts.media.pcm import SAMPLE_RATE
from transcripts.media.sample import find_sample


async def test_the_sample_is_installed_and_is_sound() -> None:
    sample = find_sample()
    assert sample is not None
    assert sample.title
    assert sample.seconds > 5
    heard = sum([chunk.samples async for chunk in decode_file(sample.path)])
    assert abs(heard - sample.seconds * SAMPLE_RATE) < SAMPLE_RATE / 10


def test_looking_for_the_sample_imports_no_engine() -> None:
    code = "import sys; from transcripts.media.sample import find_sample; find_sample(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert not {"moonshine_cpp", "moonshine_voice", "onnxruntime"} & set(loaded)
