"""What people do to the text: correct, split, merge, replace, name speakers, restore, check. One transaction each.

Every verb takes the version that the person saw. The transcript's row lock is taken first, then each segment is
compared and set, so of two people who save at once one gets `Conflict` and both texts are still there.
Callers have been through `access.py` (Right.EDIT).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Max

from transcripts.jobs.clean import clean_line, clean_text
from transcripts.live.publish import ring_on_commit
from transcripts.models import EventKind, How, Review, ReviewState, Revision, Segment, Transcript
from transcripts.models.log import Entry, append, hold
from transcripts.models.segment import FIRST_SPLIT
from transcripts.reviewing import comments, flags
from transcripts.reviewing.changes import Change, payload, revision, values_of
from transcripts.reviewing.changes import passage_of as passage_of
from transcripts.reviewing.errors import BadSplit, Conflict, Locked, NoText, NotNeighbours, TooLong
from transcripts.reviewing.people import name_of as name_of
from transcripts.reviewing.words import CannotSplit, Passage, cut, joined

#: Longest text of a segment and longest name of a speaker, in characters.
LONGEST_TEXT, LONGEST_SPEAKER = 20_000, 80
#: So many segments are changed by one entry of a replacement at most; more take several transactions.
AT_ONCE = 500


# --- Verbs -------------------------------------------------------------------------------------------------------


def edit(transcript: Transcript, person: User, index: int, version: int, text: str) -> Segment:
    """Give a segment another text; its words keep their times. Raises ReviewError."""
    segment = _seen(transcript, index, version)
    passage = passage_of(segment).saying(_acceptable(clean_text(text, LONGEST_TEXT + 1)))
    if passage.text == segment.text:
        return segment
    return _apply(transcript, person, [Change(segment, passage, How.EDIT)])[0]


def split(transcript: Transcript, person: User, index: int, version: int, at: int) -> tuple[Segment, Segment]:
    """Cut a segment in two behind character ``at`` of its text, at the end of that word. Raises ReviewError."""
    segment = _seen(transcript, index, version)
    try:
        left, right = cut(passage_of(segment), at)
    except CannotSplit as error:
        raise BadSplit from error
    new = Segment(transcript=transcript, seq=segment.seq, language=segment.language, unconfirmed=segment.unconfirmed)
    changes = [
        Change(segment, left, How.SPLIT),
        Change(new, right, How.SPLIT, origin=index, made_from=segment),
    ]
    first, second = _apply(transcript, person, changes)
    return first, second


def merge(transcript: Transcript, person: User, index: int, version: int, next_version: int) -> Segment:
    """Join a segment with the one behind it, which goes. Raises ReviewError."""
    segment = _seen(transcript, index, version)
    following = transcript.segments.behind(segment).in_order().first()
    if following is None:
        raise NotNeighbours
    if following.version != next_version:
        raise Conflict(following)
    passage = joined(passage_of(segment), passage_of(following))
    _acceptable(passage.text)
    gone = [[following.index, following.version]]
    return _apply(transcript, person, [Change(segment, passage, How.MERGE, extra={"gone": gone})])[0]


def restore(transcript: Transcript, person: User, index: int, version: int, wanted: int) -> Segment:
    """Bring back the words and the speaker of an earlier version, within the present times. Raises ReviewError."""
    segment = _seen(transcript, index, version)
    old = version_of(transcript, segment, wanted)
    if old is None:
        raise Conflict(segment)
    kept = Passage(segment.start_ms, segment.end_ms, segment.text, old.words or list(segment.words), old.speaker)
    return _apply(transcript, person, [Change(segment, kept.saying(old.text), How.RESTORE, origin=wanted)])[0]


def replace_all(
    transcript: Transcript, person: User, find: str, replacement: str, *, case: bool = False, whole: bool = True
) -> int:
    """Replace a text everywhere; return in how many segments. ``whole``: whole words only. Raises ReviewError.

    A segment that somebody else saves at the same moment, or that would become empty, stays as it is.
    """
    changes = list(replacements(transcript, find, replacement, case=case, whole=whole))
    return _apply_each(transcript, person, changes)


def replacements(
    transcript: Transcript, find: str, replacement: str, *, case: bool = False, whole: bool = True
) -> Iterator[Change]:
    """What `replace_all` would do, in the order spoken. Raises NoText."""
    pattern, replacement = _pattern(clean_text(find), case=case, whole=whole), clean_text(replacement)
    for segment in transcript.segments.in_order().iterator(2000):
        text = pattern.sub(lambda _: replacement, segment.text)
        passage = passage_of(segment).saying(text) if text != segment.text else None
        if passage is not None and _says_something(passage.text) and len(passage.text) <= LONGEST_TEXT:
            yield Change(segment, passage, How.REPLACE)


def rename_speaker(transcript: Transcript, person: User, old: str, new: str) -> int:
    """Give a speaker another name everywhere, perhaps that of another one; return in how many segments."""
    rows = transcript.segments.filter(speaker=clean_line(old)).in_order()
    new = clean_line(new, LONGEST_SPEAKER)
    changes = [Change(row, passage_of(row).spoken_by(new), How.SPEAKER) for row in rows.iterator(2000)]
    return _apply_each(transcript, person, changes if new != old else [])


def set_speaker(transcript: Transcript, person: User, index: int, version: int, speaker: str) -> Segment:
    """Say who speaks in one segment. Raises ReviewError."""
    segment = _seen(transcript, index, version)
    passage = passage_of(segment).spoken_by(clean_line(speaker, LONGEST_SPEAKER))
    return _apply(transcript, person, [Change(segment, passage, How.SPEAKER)])[0]


@transaction.atomic
def check(transcript: Transcript, person: User, index: int, version: int, *, checked: bool = True) -> Segment:
    """Say that a segment was read and is right as it stands (or take that back). Raises ReviewError."""
    hold(transcript.pk)
    _must_be_open(transcript)
    segment = _seen(transcript, index, version)
    entry = Entry(EventKind.REVISE, {"segment": index, "checked": checked, "by": name_of(person)})
    last = append(transcript.pk, [entry], when={})
    rows = Segment.objects.filter(pk=segment.pk, version=version)
    if rows.update(is_checked=checked) != 1:
        raise Conflict(_now(transcript, index))
    ring_on_commit(transcript.pk, transcript.team_id, last)
    if checked:
        flags.checked(transcript, person, index)
    segment.is_checked = checked
    return segment


def version_of(transcript: Transcript, segment: Segment, wanted: int) -> Passage | None:
    """What a segment said in a version; None when there is none. Version 0 is told by the log."""
    if wanted:
        row = Revision.objects.filter(transcript=transcript, segment=segment.index, version=wanted).first()
        return passage_of(row) if row is not None else None
    heard = transcript.events.filter(seq=segment.seq, kind=EventKind.COMMIT).values_list("payload", flat=True).first()
    if heard is None or heard.get("segment") != segment.index:
        return None
    return Passage(heard["start_ms"], heard["end_ms"], heard["text"], heard["words"], heard.get("speaker", ""))


# --- How ---------------------------------------------------------------------------------------------------------


def _acceptable(text: str) -> str:
    if not _says_something(text):
        raise NoText
    if len(text) > LONGEST_TEXT:
        raise TooLong
    return text


def _says_something(text: str) -> bool:
    """There is a character to see: blanks and invisible ones alone are an empty passage."""
    return any(char.isprintable() and not char.isspace() for char in text)


def _pattern(find: str, *, case: bool, whole: bool) -> re.Pattern[str]:
    if not find.strip() or len(find) > 200:
        raise NoText
    body = re.escape(find)
    return re.compile(rf"(?<!\w){body}(?!\w)" if whole else body, 0 if case else re.IGNORECASE)


def _now(transcript: Transcript, index: int) -> Segment | None:
    return transcript.segments.filter(index=index).first()


def _seen(transcript: Transcript, index: int, version: int) -> Segment:
    segment = _now(transcript, index)
    if segment is None or segment.version != version:
        raise Conflict(segment)
    return segment


def _must_be_open(transcript: Transcript) -> None:
    if Review.objects.filter(transcript=transcript, state=ReviewState.APPROVED).exists():
        raise Locked


def _apply_each(transcript: Transcript, person: User, changes: Sequence[Change]) -> int:
    """Apply many changes in transactions of bounded size; those that were overtaken are left out."""
    done = 0
    for first in range(0, len(changes), AT_ONCE):
        part = changes[first : first + AT_ONCE]
        try:
            done += len(_apply(transcript, person, part))
        except Conflict:
            done += sum(_apply_or_leave(transcript, person, change) for change in part)
    return done


def _apply_or_leave(transcript: Transcript, person: User, change: Change) -> bool:
    try:
        _apply(transcript, person, [change])
    except Conflict:
        return False
    return True


@transaction.atomic
def _apply(transcript: Transcript, person: User, changes: Sequence[Change]) -> list[Segment]:
    """Write the changes, their revisions and their events, or nothing. Raises Conflict or Locked."""
    if not changes:
        return []
    hold(transcript.pk)
    _must_be_open(transcript)
    _name_new_ones(transcript, changes)
    entries = [Entry(EventKind.REVISE, payload(change, person)) for change in changes]
    last = append(transcript.pk, entries, when={})
    segments = [_store(transcript, change) for change in changes]
    Revision.objects.bulk_create(revision(transcript, person, change) for change in changes)
    ring_on_commit(transcript.pk, transcript.team_id, last)
    _keep_notes(transcript, person, changes)
    return segments


def _keep_notes(transcript: Transcript, person: User, changes: Sequence[Change]) -> None:
    """Flags and comments follow their text: answered where somebody wrote it anew, handed on where it was swallowed."""
    flags.corrected(transcript, person, [change.segment.index for change in changes if change.how == How.EDIT])
    for change in changes:
        if gone := change.extra.get("gone"):
            indexes = [index for index, _ in gone]
            flags.swallowed(transcript, indexes, change.segment.index)
            comments.swallowed(transcript, indexes, change.segment.index)
        if change.made_from is not None:
            comments.parted(transcript, change.made_from.index, change.segment)


def _name_new_ones(transcript: Transcript, changes: Iterable[Change]) -> None:
    """Indexes for segments that are new; one that was merged away keeps its own for ever."""
    for change in changes:
        if change.made_from is not None:
            highest = Revision.objects.filter(transcript=transcript).aggregate(most=Max("segment"))["most"] or 0
            change.segment.index = max(highest + 1, FIRST_SPLIT)


def _store(transcript: Transcript, change: Change) -> Segment:
    segment, seen = change.segment, change.segment.version
    values = values_of(change)
    if change.made_from is not None:
        for name, value in values.items():
            setattr(segment, name, value)
        segment.save(force_insert=True)
        return segment
    if Segment.objects.filter(pk=segment.pk, version=seen).update(**values) != 1:
        raise Conflict(_now(transcript, segment.index))
    for index, version in change.extra.get("gone", ()):
        if Segment.objects.filter(transcript=transcript, index=index, version=version).delete()[0] != 1:
            raise Conflict(_now(transcript, index))
    for name, value in values.items():
        setattr(segment, name, value)
    return segment
