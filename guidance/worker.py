"""gunicorn's threads, staying with a visitor who asks again at once."""

from __future__ import annotations

import select
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

SECONDS_IN_A_ROW = 0.01
PATIENCE = 2  # milliseconds


class Worker(ThreadWorker):
    """A thread that has answered looks for the next question on its connection before giving it back.

    Handing a connection over to the main thread and back takes more than a kept page does. Browsers that fetch a page
    and proxies that keep connections ask again within two milliseconds. Who waits for a thread waits for the answer
    under way, and at most a hundredth of a second for those that follow on the same connection.
    """

    def handle(self, conn: Any) -> Any:
        """Answer on a connection; tells gunicorn whether to keep it (true), close it, or wait for data."""
        until = time.monotonic() + SECONDS_IN_A_ROW
        kept = super().handle(conn)
        while kept is True and time.monotonic() < until:
            waiting = select.poll()
            waiting.register(conn.sock, select.POLLIN)
            if not waiting.poll(PATIENCE):
                break
            kept = super().handle(conn)
        return kept
