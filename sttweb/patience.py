"""A connection to PostgreSQL that does not wait for ever for a server that has stopped answering.

``statement_timeout`` is the server's own clock: a frozen server has none, and its kernel goes on acknowledging what
reaches it, so no time-out of TCP fires either. Only the client's clock is left.
"""

from __future__ import annotations

from typing import Any, TypeVar

import psycopg
from django.db import connections
from psycopg.abc import PQGen
from psycopg.pq import ConnStatus, TransactionStatus

#: Longest statement, by the server's clock, in seconds.
STATEMENT_SECONDS = 10
#: How long an answer is waited for: a little longer, so that a server which is merely slow tells it itself.
ANSWER_SECONDS = 10.5
#: How often a waiting connection looks at the clock, in seconds.
LOOK_SECONDS = 0.1

Answer = TypeVar("Answer")


class PatientConnection(psycopg.Connection[Any]):
    """Gives up after ``patience`` seconds (None: never) with an OperationalError, and ends the connection then."""

    patience: float | None = ANSWER_SECONDS

    def wait(self, gen: PQGen[Answer], interval: float = LOOK_SECONDS, timeout: float | None = None) -> Answer:
        """Wait for the answer of one exchange with the server. Raises psycopg.OperationalError."""
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            self._end_if_unanswered()
            raise

    def _end_if_unanswered(self) -> None:
        """The answer may still come, and must not be taken for the answer to something else."""
        is_open = self.pgconn.status == ConnStatus.OK
        if is_open and self.pgconn.transaction_status == TransactionStatus.ACTIVE:
            self.pgconn.finish()


def patient_migration(*, using: str, **_signal: Any) -> None:
    """``pre_migrate``: an index over millions of rows takes minutes, so no clock ends what this connection does."""
    wrapper = connections[using]
    if wrapper.vendor != "postgresql":
        return
    wrapper.ensure_connection()
    if isinstance(wrapper.connection, PatientConnection):
        wrapper.connection.patience = None
    with wrapper.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
