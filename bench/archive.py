"""A large archive for `bench.library`: words by Zipf's law, with speakers and tags, in transcripts over two years."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

#: Different words, different sentences, and the words of a sentence.
WORDS, SENTENCES, SENTENCE = 30_000, 50_000, 12
_COLUMNS = 'transcript_id, "index", seq, start_ms, end_ms, text, words, language, speaker, confidence, unconfirmed'
_CONSONANTS = (*"tsnrldcmhpbgwfkvyj", "sh", "th", "ch", "st", "pr", "tr")


@cache
def vocabulary() -> tuple[str, ...]:
    """The words, commonest first: one to four syllables, beginnings as uneven as a language's."""
    chance = random.Random(11)
    syllables = [consonant + vowel for consonant in _CONSONANTS for vowel in "eaiou"]
    chance.shuffle(syllables)
    weights = [1 / (rank + 4) for rank in range(len(syllables))]
    known: dict[str, None] = {}
    while len(known) < WORDS:
        most = 2 if len(known) < 100 else 3 if len(known) < 3_000 else 4
        word = "".join(chance.choices(syllables, weights, k=chance.randint(1, most)))
        known.setdefault(word + chance.choice(["", "", "n", "s", "r"]))
    return tuple(known)


def weight(rank: int) -> float:
    """How often the word of a rank is said, in proportion."""
    return 1 / (rank + 2.7)


def broadest_beginning(length: int) -> str:
    """The beginning of so many letters that most spoken words share."""
    shares: Counter[str] = Counter()
    for rank, word in enumerate(vocabulary()):
        if len(word) > length:
            shares[word[:length]] += weight(rank)  # type: ignore[assignment]  # a share is no whole number
    return max(shares, key=lambda beginning: shares[beginning])


def fill(transcripts: int, segments: int) -> None:
    """Write it all: the owner ``owner`` of the team *Bench*, and another team's tenth."""
    from django.contrib.auth.models import User
    from django.db import connection, transaction

    from transcripts.models import Membership, Role, Team, Transcript

    team, other = Team.objects.create(name="Bench"), Team.objects.create(name="Other")
    Membership.objects.create(team=team, user=User.objects.create_user("owner"), role=Role.OWNER)
    chance = random.Random(7)
    each = max(1, segments // transcripts)
    texts = _texts(chance)
    # SQLite writes one transaction fastest; PostgreSQL makes no index on a table that has foreign keys to check yet.
    with transaction.atomic() if connection.vendor == "sqlite" else nullcontext():
        _without_index()
        for rows in _batches(_transcripts(transcripts, team.pk, other.pk, each, chance), 1_000):
            _insert([row.pk for row in Transcript.objects.bulk_create(rows)], each, texts, chance)
            print(".", end="", flush=True)
        _with_index()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _without_index() -> None:
    """All rows first and the index after them: a transaction of the product writes one transcript, not all."""
    from django.db import connection

    from transcripts.models import searchindex

    if connection.vendor == "sqlite":
        searchindex.drop_triggers(connection)
        return
    with connection.cursor() as cursor:
        cursor.execute("DROP INDEX search_text")


def _with_index() -> None:
    from django.db import connection

    from transcripts.models import searchindex

    if connection.vendor == "sqlite":
        searchindex.keep_triggers(connection)
        searchindex.fill(connection)
        return
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX search_text ON transcripts_segment USING gin (search)")


def _insert(keys: Sequence[Any], each: int, texts: Sequence[str], chance: random.Random) -> None:
    """``each`` segments for each transcript, by the shortest way into the table."""
    from django.db import connection

    sqlite = connection.vendor == "sqlite"
    rows = (row for key in keys for row in _segments(key.hex if sqlite else key, each, texts, chance))
    with connection.cursor() as cursor:
        if sqlite:
            cursor.executemany(
                f"INSERT INTO transcripts_segment ({_COLUMNS}) VALUES ({', '.join(['%s'] * 11)})", list(rows)
            )
            return
        with cursor.copy(f"COPY transcripts_segment ({_COLUMNS}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)


def _segments(key: Any, each: int, texts: Sequence[str], chance: random.Random) -> Iterator[tuple[Any, ...]]:
    """Half of the transcripts have speakers, one in a thousand has Ana among them."""
    speakers = ["speaker_0", "speaker_1"] if chance.random() < 0.5 else [""]
    speakers += ["Ana"] if chance.random() < 0.001 else []
    for index in range(each):
        start, text = index * 5_000, chance.choice(texts)
        sure = round(chance.uniform(0.5, 1), 2)
        said = (text, _words(text, start, sure), "", chance.choice(speakers), sure, chance.random() < 0.0002)
        yield (key, index, index + 1, start, start + 5_000, *said)


@cache
def _template(text: str) -> str:
    """The JSON of a sentence's words without their times and confidence."""
    return "[" + ", ".join(f'["{word}", %d, %d, %s]' for word in text.split()) + "]"


def _words(text: str, start: int, sure: float) -> str:
    """Words of 400 ms each, as the recorder stores them."""
    count = text.count(" ") + 1
    return _template(text) % tuple(
        value for place in range(count) for value in (start + 400 * place, start + 400 * place + 380, sure)
    )


def _transcripts(count: int, team: Any, other: Any, each: int, chance: random.Random) -> Iterator[Any]:
    """One in 100 failed, one in 50 with gaps, one in ten of another team, one in 200 over two hours."""
    from transcripts.models import Transcript

    # The times are set as given: what Django would put there is the present.
    Transcript._meta.get_field("created_at").auto_now_add = False
    first = datetime(2024, 6, 1, tzinfo=UTC)
    for number in range(count):
        yield Transcript(
            team_id=other if chance.random() < 0.1 else team,
            title=f"Hearing {number}",
            source_kind="url",
            source_url=f"https://media.example.org/{number}.mp3",
            state="failed" if chance.random() < 0.01 else "completed",
            language="de" if chance.random() < 0.01 else chance.choice(["en", "fr", ""]),
            gap_samples=16_000 if chance.random() < 0.02 else 0,
            committed_samples=16_000 * (8_000 if chance.random() < 0.005 else each * 5),
            segment_count=each,
            last_text="the last words",
            created_at=first + timedelta(seconds=number * 730 * 86_400 / count),
        )


def _texts(chance: random.Random) -> list[str]:
    weights = [weight(rank) for rank in range(WORDS)]
    words = iter(chance.choices(vocabulary(), weights, k=SENTENCES * SENTENCE))
    return [" ".join(islice(words, SENTENCE)) for _ in range(SENTENCES)]


def _batches(rows: Iterator[Any], size: int) -> Iterator[list[Any]]:
    while batch := list(islice(rows, size)):
        yield batch


def tag() -> None:
    """One transcript in three is tagged *many*, one in five hundred *few*."""
    from transcripts.models import Tag, Tagging, Team, Transcript

    team = Team.objects.get(name="Bench")
    if Tag.objects.filter(team=team).exists():
        return
    keys = list(Transcript.objects.filter(team=team).order_by("created_at").values_list("pk", flat=True))
    for name, step in (("many", 3), ("few", 500)):
        made = Tag.objects.create(team=team, name=name)
        Tagging.objects.bulk_create((Tagging(tag=made, transcript_id=key) for key in keys[::step]), batch_size=5_000)
