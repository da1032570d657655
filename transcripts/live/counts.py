"""What the live part of this process counts: its viewers, what they were sent, and what was not. No models."""

from __future__ import annotations

from sttweb.counting import Spread, Tally

#: Sockets open now, by what they watch.
viewers = Tally("transcript", "board", "captions")
#: Messages that were handed to browsers' sockets: log rows and cards, and partials.
deliveries = Tally("log", "partial")
#: Partials that a newer one replaced before they left: nothing is missing, a slow browser was spared.
partials_replaced = Tally("")
#: Browsers that came back and asked for what they had missed, and the rows that they were sent again.
replays = Tally("")
replayed_rows = Tally("")
#: Sockets that this side closed, by code (4408: too slow).
sockets_closed = Tally("4408")
#: News by doorbell, and news that only the poll found because no doorbell came.
doorbells = Tally("heard", "missed")
#: Messages that the channel layer did not take.
publish_failures = Tally("")
#: Seconds between the writing of a row and its being handed to the viewers of this process.
lag = Spread((0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
