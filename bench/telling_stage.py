"""Alerts and webhooks in the pictures: lists, hits, an address that works and one that does not."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.stage import Stage


class Telling:
    """What a newsroom watches for, and whom it tells."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage

    def fill(self) -> None:
        """Two lists, hits in the live stream and in the sample, and a webhook with a log."""
        from datetime import time

        from transcripts.models import Watchlist

        team = self.stage.newsroom
        self.flood = Watchlist.objects.create(
            team=team, name="Flood", terms=["river", "flood*", "harbour master"], any_form=True,
            quiet_from=time(22), quiet_until=time(6, 30), time_zone="Europe/Berlin", sources=["Radio One"],
        )  # fmt: skip
        Watchlist.objects.create(team=team, name="Competitors", terms=["Morning Post"], is_enabled=False)
        self._hits()
        self._webhook()

    def _hits(self) -> None:
        from django.utils import timezone

        from transcripts.models import Hit

        told = (
            (self.stage.live, "river", "Good evening, and welcome to the programme. The", "river",
             "rose another thirty centimetres overnight, and the upper bridge is closed", 2),
            (self.stage.sample, "harbour master", "upper bridge is closed until further notice. We spoke to the",
             "harbour master", "this morning. She told us that the last flood of this", 40),
            (self.stage.sample, "flood*", "harbour master this morning. She told us that the last", "flood",
             "of this size was in nineteen eighty-two. People here are", 41),
        )  # fmt: skip
        for number, (transcript, term, before, said, after, minutes) in enumerate(told[::-1]):
            Hit.objects.create(
                watchlist=self.flood, transcript=transcript, seq=number + 3, segment=number,
                start_ms=3300 - number * 900, term=term, before=before, said=said, after=after,
                at=timezone.now() - timedelta(minutes=minutes), seen_at=None if number else timezone.now(),
            )  # fmt: skip

    def _webhook(self) -> None:
        from django.utils import timezone

        from transcripts.models import Delivery, Webhook
        from transcripts.webhooks.signing import new_secret

        self.hook = Webhook.objects.create(
            team=self.stage.newsroom, url="https://hooks.example.org/sttweb", description="Desk in the newsroom",
            events=["transcript.completed", "alert.hit"], secret=new_secret(),
        )  # fmt: skip
        answers: tuple[dict[str, Any], ...] = (
            {"state": "delivered", "attempts": 1, "status": 200, "took_ms": 38, "answer": "ok"},
            {"state": "pending", "attempts": 2, "status": 503, "took_ms": 1204, "code": "receiver_refused",
             "message": "The receiver answered with status 503.", "answer": "<h1>Service Unavailable</h1>",
             "next_at": timezone.now() + timedelta(minutes=5)},
        )  # fmt: skip
        for number, answer in enumerate(answers):
            Delivery.objects.create(
                webhook=self.hook, transcript=self.stage.sample, event_id=f"msg_{number}", kind="alert.hit",
                payload={"type": "alert.hit", "data": {"said": "river"}}, tried_at=timezone.now(), **answer,
            )  # fmt: skip

    def scenes(self) -> list[Any]:
        """Name, path, who looks, and what to do before the picture."""
        alice, team = self.stage.alice, self.stage.newsroom.pk
        return [
            ("alerts", "/alerts", alice, None),
            ("watchlist", f"/alerts/lists/{self.flood.pk}", alice, None),
            ("webhook", f"/team/{team}/webhooks/{self.hook.pk}", alice, None),
        ]
