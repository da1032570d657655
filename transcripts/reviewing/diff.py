"""What changed between two versions of a passage, word by word. Pure."""

from __future__ import annotations

from difflib import SequenceMatcher

from transcripts.exports.tokens import split

#: Kind (``same``, ``gone``, ``new``) and text of each stretch, in reading order.
Diff = list[tuple[str, str]]
#: Longer texts than this many pieces are shown as replaced whole: comparing grows with the square.
MOST_PIECES = 4_000


def word_diff(old: str, new: str) -> Diff:
    """The stretches of ``old`` and ``new``; the old text is those that are not new."""
    before, after = _pieces(old), _pieces(new)
    if max(len(before), len(after)) > MOST_PIECES:
        return _stretches([("gone", "".join(before)), ("new", "".join(after))])
    stretches = []
    keys = [piece.strip() for piece in before], [piece.strip() for piece in after]
    for kind, first, last, start, end in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
        if kind == "equal":
            stretches.append(("same", "".join(after[start:end])))
            continue
        stretches += [("gone", "".join(before[first:last])), ("new", "".join(after[start:end]))]
    return _stretches(stretches)


def _pieces(text: str) -> list[str]:
    """Words and single characters of unspaced scripts, each with the space before it."""
    return [f" {piece}" if spaced and place else piece for place, (piece, spaced) in enumerate(split(text))]


def _stretches(found: list[tuple[str, str]]) -> Diff:
    return [(kind, text) for kind, text in found if text]
