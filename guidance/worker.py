"""gunicorn's threads, staying with a visitor who asks again at once."""

from __future__ import annotations

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

MOST_IN_A_ROW = 50
MILLISECONDS = 2


class Worker(ThreadWorker):
    """A thread that has answered looks for the next question on its connection before giving it back.

    Handing a connection over to the main thread and back takes more than a kept page does. Browsers that fetch
    a page and proxies that keep connections ask again within two milliseconds; nobody else waits longer for it than
    that, nor for more than fifty answers in a row.
    """

    def handle(self, conn: Any) -> Any:
        """Answer on a connection; tells gunicorn whether to keep it (true), close it, or wait for data."""
        kept = super().handle(conn)
        for _time in range(MOST_IN_A_ROW - 1):
            if kept is not True:
                break
            waiting = select.poll()
            waiting.register(conn.sock, select.POLLIN)
            if not waiting.poll(MILLISECONDS):
                break
            kept = super().handle(conn)
        return kept
