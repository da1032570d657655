"""A transcript as a file: gathers the rows for the pure renderers of `exports`.

Callers have been through `access.py`; nothing here asks for rights again. Works while a session runs: the file then
holds what is committed so far and says so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from transcripts.exports import DEFAULT, FORMATS, Options, UnknownFormat, filename, preview, render
from transcripts.exports.bundle import Bundle
from transcripts.exports.clock import brief
from transcripts.exports.document import Document, Gap, Line, Record, Remark, Stamp, Word
from transcripts.media.pcm import samples_to_ms
from transcripts.models import Comment, EventKind, Review, ReviewState, Segment, State, Transcript

#: Segments that are read for a preview: enough for five cues or paragraphs.
PREVIEW_SEGMENTS = 60


@dataclass(frozen=True, slots=True)
class Export:
    """A finished file: its name, how it is served, and its bytes."""

    filename: str
    content_type: str
    content: bytes


def export(transcript: Transcript, name: str, options: Options = DEFAULT) -> Export:
    """The transcript as a file of the format ``name`` (a key of `FORMATS`), in three queries. Raises UnknownFormat."""
    if name not in FORMATS:
        raise UnknownFormat(name)
    kind = FORMATS[name]
    document = document_of(transcript, options, with_events=kind.with_events)
    return Export(filename(transcript.title, kind.extension), kind.content_type, render(name, document, options))


async def zipped(transcripts: Sequence[Transcript], name: str, options: Options) -> AsyncIterator[bytes]:
    """Many as one zip, a file after the other: as much in memory as the longest of them. Raises UnknownFormat."""
    bundle = Bundle()
    for transcript in transcripts:
        file = await sync_to_async(export)(transcript, name, options)
        yield bundle.add(file.filename, file.content)
    yield bundle.finish()


def beginning_of(transcript: Transcript, name: str, options: Options = DEFAULT) -> str:
    """What a file begins with, as text for people: its first cues, paragraphs or rows. Raises UnknownFormat."""
    if name not in FORMATS:
        raise UnknownFormat(name)
    return preview(name, document_of(transcript, options, with_events=False, first=PREVIEW_SEGMENTS), options)


def document_of(
    transcript: Transcript, part: Options = DEFAULT, *, with_events: bool = True, first: int | None = None
) -> Document:
    """What the renderers need of a transcript, in three queries: its segments within the ``part`` (or the ``first``
    ones with the gaps between them), and its log (or only the gaps of it). A segment that reaches into the part is
    whole."""
    rows = transcript.segments.filter(_within(part)).in_order()[:first]
    segments = tuple(_line(segment) for segment in rows.iterator(2000))
    events = transcript.events.order_by("seq")
    if not with_events:
        events = events.filter(kind=EventKind.GAP)
    records = tuple(
        Record(seq, kind, at.isoformat(timespec="milliseconds"), epoch, payload)
        for seq, kind, at, epoch, payload in events.values_list("seq", "kind", "at", "epoch", "payload").iterator(2000)
    )
    every = (_gap(record.payload) for record in records if record.kind == EventKind.GAP)
    gaps = tuple(
        gap for gap in every if gap.end_ms > part.start_ms and (part.end_ms is None or gap.start_ms < part.end_ms)
    )
    if first is not None and len(segments) == first:
        gaps = tuple(gap for gap in gaps if gap.start_ms < segments[-1].end_ms)
    stamp = stamp_of(transcript)
    return Document(
        id=str(transcript.pk),
        title=transcript.title,
        source=transcript.source_url or transcript.get_source_kind_display(),
        language=transcript.language or _common_language(segments),
        engine=transcript.get_engine_display(),
        options=transcript.options,
        created_at=transcript.created_at.isoformat(timespec="seconds"),
        state=transcript.state,
        duration_ms=samples_to_ms(transcript.duration_samples or transcript.committed_samples),
        segments=segments,
        gaps=gaps,
        notes=(*_notes(transcript, segments, gaps), *_cut(part), _stamped(stamp)),
        review=stamp,
        events=records if with_events else None,
        comments=_remarks(transcript, part) if part.comments else None,
    )


def _remarks(transcript: Transcript, part: Options) -> tuple[Remark, ...]:
    """The comments on the ``part``, by their place, each answer behind what it answers."""
    rows = transcript.comments.filter(start_ms__gte=part.start_ms).select_related("parent")
    if part.end_ms is not None:
        rows = rows.filter(start_ms__lt=part.end_ms)
    order = sorted(rows, key=lambda row: (row.start_ms, row.parent_id or row.pk, row.pk))
    return tuple(_remark(row, row.parent or row) for row in order if row.text)


def _remark(row: Comment, thread: Comment) -> Remark:
    at, resolved = row.at.isoformat(timespec="seconds"), thread.resolved_at is not None
    place = int(row is not thread), resolved, thread.pk, row.edited_at is not None
    return Remark(row.start_ms, row.text, row.by_name, at, *place)


def stamp_of(transcript: Transcript) -> Stamp:
    """Where it stands in review, in one query."""
    review = Review.objects.filter(transcript=transcript).first()
    if review is None:
        return Stamp("none")
    if review.state != ReviewState.APPROVED or review.decided_at is None:
        return Stamp(review.state)
    # In the installation's time zone: its day is what a reader of the stamp is told.
    at = timezone.localtime(review.decided_at).isoformat(timespec="seconds")
    return Stamp(review.state, review.decided_name, at)


def _stamped(stamp: Stamp) -> str:
    if stamp.state != ReviewState.APPROVED:
        return _("Draft, not reviewed.") if stamp.state == "none" else _("Draft, in review.")
    return _("Approved by %(name)s on %(day)s.") % {"name": stamp.by, "day": stamp.at[:10]}


def _within(part: Options) -> Q:
    after = Q(end_ms__gt=part.start_ms) if part.start_ms else Q()
    return after if part.end_ms is None else after & Q(start_ms__lt=part.end_ms)


def _cut(part: Options) -> tuple[str, ...]:
    if not part.start_ms and part.end_ms is None:
        return ()
    times = {"start": brief(part.start_ms), "end": _("the end") if part.end_ms is None else brief(part.end_ms)}
    return (_("Only the part from %(start)s to %(end)s.") % times,)


def _line(segment: Segment) -> Line:
    return Line(
        start_ms=segment.start_ms,
        end_ms=segment.end_ms,
        text=segment.text,
        words=tuple(_word(word) for word in segment.words),
        speaker=segment.speaker,
        confidence=segment.confidence,
        unconfirmed=segment.unconfirmed,
        language=segment.language,
    )


def _word(word: Sequence[Any]) -> Word:
    """One item of ``Segment.words``: text, start, end, confidence and, for audio events, their kind."""
    text, start_ms, end_ms, confidence, *kind = word
    return Word(text, start_ms, end_ms, confidence, *kind)


def _gap(payload: Any) -> Gap:
    return Gap(payload["start_ms"], payload["end_ms"], payload.get("reason", ""))


def _common_language(segments: Sequence[Line]) -> str:
    """The language that most segments were heard in, if any; of several the one that came first."""
    heard = [line.language for line in segments if line.language]
    return Counter(heard).most_common(1)[0][0] if heard else ""


def _notes(transcript: Transcript, segments: Sequence[Line], gaps: Sequence[Gap]) -> tuple[str, ...]:
    """What a reader must know about the text as it stands."""
    notes = []
    state = State(transcript.state)
    until = brief(samples_to_ms(transcript.committed_samples))
    if not transcript.is_final:
        notes.append(_("Not finished: this is the text up to %(time)s.") % {"time": until})
    elif state in {State.FAILED, State.CANCELLED}:
        notes.append(
            _("Ended early at %(time)s: %(reason)s")
            % {"time": until, "reason": transcript.message or transcript.get_state_display()}
        )
    missing = sum(gap.end_ms - gap.start_ms for gap in gaps)
    if missing:
        notes.append(_("%(time)s of the audio could not be heard; the text shows where.") % {"time": brief(missing)})
    if any(line.unconfirmed for line in segments):
        notes.append(_("Some text was never confirmed by the engine; it is marked."))
    return tuple(notes)
