"""The people and transcripts in the pictures of the pages, and in the tests that look at every page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from bench.desk import Desk
from bench.doors import Doors
from bench.telling_stage import Telling

PASSWORD = "correct horse battery"

SENTENCES = """Good evening, and welcome to the programme.
The river rose another thirty centimetres overnight, and the upper bridge is closed to traffic until further notice.
We spoke to the harbour master this morning. She told us that the last flood of this size was in nineteen eighty-two.
People here are used to water, she said, but not to water that stays.
The council meets at six to decide whether the school opens tomorrow.
In other news, the railway has published its winter timetable, with eleven more night trains than last year.
Nobody expected the vote to be this close, least of all the people who had called it.
What changed? Two things, according to our correspondent: the weather, and the price of bread.
Let us listen to what the minister had to say when he came out of the building.
I can tell you that we have read every page of the report, and that we will answer every one of its questions.
He did not say when.
The orchestra returns on Thursday with a programme of Sibelius and a new piece for two clarinets.
And finally, the museum has found the owner of the umbrella.""".splitlines()


ARABIC = """ارتفع منسوب النهر ثلاثين سنتيمتراً أخرى الليلة الماضية، وأُغلق الجسر العلوي أمام حركة المرور حتى إشعار آخر.
قالت لنا مديرة الميناء (BBC, 14:30) إن آخر فيضان بهذا الحجم كان عام 1982.
اعتاد الناس هنا على الماء، لكن ليس على ماء يبقى!""".splitlines()


class Stage:
    """The people and transcripts in the pictures."""

    def __init__(self) -> None:
        from django.contrib.auth.models import User

        from transcripts.models import Membership, Role, Team

        self.alice = User.objects.create_superuser("alice", password=PASSWORD, first_name="Alice", last_name="Meyer")
        self.empty_handed = User.objects.create_user("eve", password=PASSWORD, first_name="Eve")
        self.victor = User.objects.create_user("victor", password=PASSWORD, first_name="Victor")
        self.newsroom = Team.objects.create(name="Newsroom")
        for team, person in (
            (self.newsroom, self.alice),
            (Team.objects.create(name="Podcast desk"), self.alice),
            (Team.objects.create(name="First steps"), self.empty_handed),
        ):
            Membership.objects.create(team=team, user=person, role=Role.OWNER)
        Membership.objects.create(team=self.newsroom, user=self.victor, role=Role.VIEWER)

    def make(self, title: str, state: str, sentences: int = 0, *, minutes_ago: int = 5, **fields: Any) -> Any:
        """A transcript with text and words, in a state."""
        from django.utils import timezone

        from transcripts import services
        from transcripts.models import EventKind, Segment, SourceKind, Transcript
        from transcripts.models.log import Entry, append

        kind = fields.pop("kind", SourceKind.URL)
        texts, language = fields.pop("texts", SENTENCES), fields.get("language", "en")
        gap_after = fields.pop("gap_after", None)
        unconfirmed = fields.pop("unconfirmed", None)
        url = "https://media.example.org/programmes/evening-edition.mp3" if kind == SourceKind.URL else ""
        submission = services.Submission(title=title, kind=kind, url=url)
        transcript = services.submit(self.newsroom, self.alice, submission, wake=False)
        append(transcript.pk, [Entry(EventKind.STATE, {"state": "running"})], when={})
        append(transcript.pk, [Entry(EventKind.SESSION, {"connection": 1, "session_id": "s-1"})], when={})
        clock = 700
        for index in range(sentences):
            text = texts[index % len(texts)]
            words, clock = spread(text, clock)
            payload = {"segment": index, "start_ms": words[0][1], "end_ms": words[-1][2], "text": text, "words": words}
            payload |= {"unconfirmed": index == unconfirmed, "language": language}
            seq = append(transcript.pk, [Entry(EventKind.COMMIT, payload)], when={})
            row = {key: value for key, value in payload.items() if key != "segment"}
            Segment.objects.create(transcript=transcript, index=index, seq=seq, **row)
            clock += 600
            if index == gap_after:
                gap = {"start_ms": clock, "end_ms": clock + 12_000, "reason": "source_dropped"}
                append(transcript.pk, [Entry(EventKind.GAP, gap)], when={})
                clock += 12_500
        ended = {"finished_at": timezone.now()} if state in ("completed", "failed", "cancelled") else {}
        fields = {"committed_samples": clock * 16 if sentences else 0, "segment_count": sentences, **ended, **fields}
        fields["last_text"] = texts[(sentences - 1) % len(texts)] if sentences else ""
        created = timezone.now() - timedelta(minutes=minutes_ago)
        entry = Entry(EventKind.STATE, {"state": state, "message": fields.get("message", "")})
        append(transcript.pk, [entry], when={}, changes={"state": state, "created_at": created, **fields})
        return Transcript.objects.get(pk=transcript.pk)

    def share(self) -> str:
        """The token of a public link to the captions of the live one."""
        from transcripts import sharing

        return sharing.make_link(self.live, self.alice, 6, 0)[1]

    def feed(self) -> str:
        """The address of the page with the episodes of a feed that nobody has to fetch."""
        from datetime import UTC, datetime

        from transcripts.media.feeds import Episode, Feed
        from transcripts.views import feed

        link, begin = "https://feeds.example.org/harbour", datetime(2026, 11, 19, 6, tzinfo=UTC)
        episodes = tuple(
            Episode(
                title=f"{214 - n}: {SENTENCES[n % len(SENTENCES)].rstrip('.')}",
                url=f"https://{'10.0.0.7' if n == 3 else 'media.example.org'}/harbour/{214 - n}.mp3",
                published=(begin - timedelta(days=7 * n)).isoformat(),
                duration_s=1500 + 73 * n,
                length_bytes=24_000_000 + 1_170_000 * n,
                about=SENTENCES[(n + 3) % len(SENTENCES)],
            )
            for n in range(214)
        )
        feed.keep(link, Feed("The Harbour", episodes))
        return feed.address(link)

    def record(self) -> Any:
        """A transcript that waits for Alice's microphone."""
        from transcripts.incoming.beginning import Wanted, begin

        return begin(self.newsroom, self.alice, Wanted(title="Minutes of the harbour board"))

    def fill(self) -> None:
        """Everything that the pictures show."""
        from django.utils import timezone

        from transcripts import sharing, tagging
        from transcripts.models import SourceKind
        from transcripts.models.states import BY_PERSON

        minute = 60 * 16_000
        self.live = self.make(
            "Harbour Radio, live",
            "running",
            7,
            is_live=True,
            delay_ms=1800,
            settled_at=timezone.now(),
            gap_after=3,
            gap_samples=12 * 16_000,
        )
        self.gappy = self.make(
            "Evening edition, Thursday",
            "completed_with_gaps",
            13,
            gap_after=5,
            unconfirmed=9,
            minutes_ago=190,
            gap_samples=12 * 16_000,
        )
        self.make(
            "Interview with the harbour master", "running", 4, kind=SourceKind.UPLOAD, duration_samples=3 * minute
        )
        self.make(
            "Council meeting, 18 November: flood protection, school opening and the budget", "queued", minutes_ago=1
        )
        self.failed = self.make(
            "Morning show podcast, episode 214",
            "failed",
            2,
            minutes_ago=25,
            code="source_not_found",
            message="The server has nothing at that address (404).",
            next_step="Check the link, or upload the file instead.",
        )
        self.make(
            "Parliament, committee room 3",
            "paused",
            3,
            minutes_ago=40,
            code="quota",
            engine="elevenlabs",
            message="The quota of the hosted engine is used up.",
            next_step="Ask the operator to raise it, or go on with the embedded engine.",
        )
        self.rested = self.make("Council chamber, live", "paused", 4, minutes_ago=30, is_live=True, **BY_PERSON)
        self.arabic = self.make(
            "شريط الأخبار", "completed", 3, minutes_ago=400, texts=ARABIC, language="ar", gap_after=1
        )
        self.link = self.share()
        self.locked = sharing.make_link(self.live, self.alice, 6, 0, PASSWORD)[1]
        self.episodes, self.recording = self.feed(), self.record()
        self.sample = self.make(
            "A line of Samuel Beckett, read aloud", "completed", 3, kind=SourceKind.SAMPLE, minutes_ago=1500
        )
        for number in range(12):
            edition = self.make(
                f"Evening edition, {number + 2} November", "completed", 6 + number, minutes_ago=1440 * (number + 2)
            )
            if number % 3 == 0:
                tagging.put([edition], "Evening edition")
        tagging.put([self.gappy, edition], "Flood")
        tagging.put([self.gappy], "To be checked by the regional desk")
        self.telling = Telling(self)
        self.telling.fill()
        self.desk = Desk(self)
        self.doors = Doors(self)
        self.doors.fill()


def spread(text: str, clock: int) -> tuple[list[list[Any]], int]:
    """Words with times from ``clock`` on: ``[text, start_ms, end_ms, confidence]``; and the end."""
    words: list[list[Any]] = []
    for word in text.split():
        length = 90 + 55 * len(word)
        words.append([word, clock, clock + length, 0.97])
        clock += length + 40
    return words, clock
