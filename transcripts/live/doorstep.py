"""How many strangers may knock: token buckets by address, for the doors that need no account. Per process.

A token cannot be found by trying; this keeps those who try from costing the database anything.
"""

from __future__ import annotations

from collections import OrderedDict

from transcripts.live.buckets import Bucket

#: Knocks a second in the long run and at once, from one address.
RATE, BURST = 20.0, 200.0
#: Addresses that are remembered.
MOST = 10_000


class Doorstep:
    """Buckets of the addresses seen last."""

    def __init__(self, rate: float = RATE, burst: float = BURST) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def admits(self, address: str) -> bool:
        """Whether this address may ask once more now."""
        bucket = self._buckets.pop(address, None) or Bucket(self._rate, self._burst)
        self._buckets[address] = bucket
        if len(self._buckets) > MOST:
            self._buckets.popitem(last=False)
        return bucket.take()


captions = Doorstep()
