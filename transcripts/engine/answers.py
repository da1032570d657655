"""The frames that answer one commit, with the wait before each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from transcripts.engine import wire
from transcripts.engine.faults import Rule
from transcripts.engine.parameters import Parameters
from transcripts.engine.profile import Profile
from transcripts.engine.recognizer import FinalHeard
from transcripts.engine.wire import Message

Timed = tuple[float, Message]


def answer(
    final: FinalHeard, parameters: Parameters, profile: Profile, faults: Mapping[str, Rule], draw: Random
) -> list[Timed]:
    """(seconds after the frame before, frame) in sending order, as ``faults`` bend it."""
    if "swallow" in faults:
        return []
    frames = _pair(final, parameters, profile, faults)
    frames += [(0.0, message) for message in _extras(final.text, parameters)]
    if "duplicate" in faults:
        frames = frames * faults["duplicate"].copies
    if "late" in faults:
        frames[0] = (frames[0][0] + faults["late"].seconds, frames[0][1])
    if final.text and profile.echo_delay is not None:
        frames.append((draw.uniform(*profile.echo_delay), wire.partial(final.text)))
    return frames


def _pair(final: FinalHeard, parameters: Parameters, profile: Profile, faults: Mapping[str, Rule]) -> list[Timed]:
    plain = wire.committed(final.text)
    if not parameters.timed or "no_twin" in faults:
        return [(0.0, plain)]
    language = "en" if parameters.include_language_detection else None
    words = final.words if parameters.include_timestamps else None
    twin = wire.timed(final.text, language, words)
    flipped = "flip" in faults or (profile.flip_empty and not final.text)
    first, second = (twin, plain) if flipped else (plain, twin)
    return [(0.0, first), (profile.twin_delay, second)]


def _extras(text: str, parameters: Parameters) -> Iterator[Message]:
    if parameters.entity_detection:
        yield {"message_type": "committed_transcript_entities", "text": text, "entities": []}
    if parameters.entity_redaction:
        yield {"message_type": "redacted_transcript", "text": text, "redacted_text": text}
    if parameters.transcript_edit:
        yield {"message_type": "edited_transcript", "text": text, "edited_text": text}
