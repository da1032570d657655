"""The review desk in the pictures: what stands on it, and what people do there before a picture is taken."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

Scene = tuple[str, str, Any, Callable[[Any], Awaitable[None]] | None]
#: Words that the engine was not sure of, in which passage.
UNSURE = {1: ("centimetres", "upper"), 2: ("harbour", "master"), 4: ("council", "meets", "at", "six"), 8: ("minister",)}
SPEAKERS = ("Ana Ferreira", "Ana Ferreira", "Ben Okafor", "Ben Okafor", "Ana Ferreira")


class Desk:
    """A transcript in review with flags, comments, versions and speakers; another that is approved; a queue."""

    def __init__(self, stage: Any) -> None:
        from datetime import timedelta

        from django.contrib.auth.models import User
        from django.utils import timezone

        from transcripts.models import Membership, Role, SourceKind
        from transcripts.reviewing import flow
        from transcripts.reviewing.scanning import scan

        self.alice = stage.alice
        self.ben = User.objects.create_user("ben", first_name="Ben", last_name="Okafor")
        Membership.objects.create(team=stage.newsroom, user=self.ben, role=Role.EDITOR)
        self.text = stage.make("Regional news, 17 November", "completed", 13, kind=SourceKind.SAMPLE, minutes_ago=300)
        self.approved = stage.make("Regional news, 16 November", "completed", 9, kind=SourceKind.SAMPLE)
        self._doubt()
        self._talk()
        today = timezone.localdate()
        flow.send(self.text, self.ben)
        flow.assign(self.text, self.alice, self.alice, today + timedelta(days=1))
        for number, due in enumerate((today - timedelta(days=2), today + timedelta(days=6), None)):
            waiting = stage.make(f"Council meeting, part {number + 1}", "completed", 8, minutes_ago=2000)
            scan(waiting)
            flow.send(waiting, self.ben)
            flow.assign(waiting, self.alice, self.alice if number == 1 else None, due)
        flow.send_back(waiting, self.alice, "The names of the speakers are missing")
        flow.approve(self.approved, self.alice)

    def _doubt(self) -> None:
        """Unsure words, speakers, and what the detectors and people flag."""
        from transcripts.reviewing import editing, flags
        from transcripts.reviewing.scanning import scan

        for row in self.text.segments.all():
            doubtful = UNSURE.get(row.index, ())
            row.words = [[*word[:3], 0.31 if word[0].strip(".,") in doubtful else word[3]] for word in row.words]
            row.speaker = SPEAKERS[row.index % len(SPEAKERS)]
            row.save()
        scan(self.text)
        flags.raise_flag(self.text, self.ben, 6, "Is it “close” or “closed”?")
        editing.edit(self.text, self.ben, 3, 0, "People here are used to water, she said, but not to one which stays.")
        editing.edit(self.text, self.alice, 3, 1, "People here are used to water, she said, not to water that stays.")
        editing.check(self.text, self.alice, 0, 0)

    def _talk(self) -> None:
        from transcripts.reviewing import comments

        asked = comments.write(self.text, self.ben, "Which bridge? There are two in that town.", segment=1)
        comments.answer(self.text, self.alice, asked.pk, "The one at the mill, I called the station.")
        comments.write(self.text, self.alice, "Please keep the year in words here, as the house style says.", segment=2)
        settled = comments.write(self.text, self.ben, "Sibelius is spelled right.", segment=11)
        comments.settle(self.text, self.alice, settled.pk)

    def scenes(self) -> list[Scene]:
        """Every state of the desk worth a look."""
        from asgiref.sync import sync_to_async

        from transcripts.reviewing import editing, locks

        desk, saves = f"/s/{self.text.pk}/review", count(1)

        async def opened(page: Any) -> None:
            await page.wait_for_selector("#link-state[data-state=live]", state="attached")
            await page.dblclick("#seg-4 .said")
            await page.wait_for_selector("#seg-4 textarea:focus")

        async def edit(page: Any) -> None:
            await sync_to_async(locks.take)(self.text, self.ben, 6)
            await opened(page)
            await page.wait_for_selector("#seg-6 [data-slot=who]:not([hidden])")

        async def conflict(page: Any) -> None:
            await opened(page)
            await page.fill("#seg-4 textarea", "The council meets at seven to decide if the school opens tomorrow.")
            row = await self.text.segments.aget(index=4)
            other = f"The council meets at six to decide whether the schools open on day {next(saves)}."
            await sync_to_async(editing.edit)(self.text, self.ben, 4, row.version, other)
            await page.wait_for_selector("#seg-4 [data-slot=note][data-tone=warn]")
            await page.keyboard.press("Control+Enter")
            await page.wait_for_selector("#seg-4 .conflict:not([hidden])")

        async def history(page: Any) -> None:
            await page.click("#seg-3 [data-history]")
            await page.wait_for_selector("#history .versions")

        async def flagged(page: Any) -> None:
            # Before its scripts have run a page hears no keys.
            await page.wait_for_selector("#link-state[data-state=live]", state="attached")
            await page.keyboard.press("v")
            await page.wait_for_selector("#flags [aria-current]")
            await page.wait_for_timeout(300)

        async def comment(page: Any) -> None:
            await page.evaluate("location.hash = 'seg-4'")
            await page.wait_for_selector("#seg-4.sought")
            await page.keyboard.press("m")
            await page.wait_for_selector("#comment-text:focus")
            await page.keyboard.type("Six or seven? The agenda says seven.")

        return [
            ("review-queue", "/review", self.alice, None),
            ("review-desk", desk, self.alice, None),
            ("review-flags", desk, self.alice, flagged),
            ("review-editor", desk, self.alice, edit),
            ("review-conflict", desk, self.alice, conflict),
            ("review-history", desk, self.alice, history),
            ("review-comment", f"/s/{self.text.pk}?panel=comments", self.alice, comment),
            ("review-approved", f"/s/{self.approved.pk}/review", self.alice, None),
        ]
