"""Several worker processes show the same site: what is published in one is read in all."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guidance import config
from guidance.app import create_app
from guidance.catalogue.models import Notice
from guidance.db import content_changed, db, now, transaction
from guidance.units.queries import today
from tests.conftest import settings_for


@pytest.fixture
def two_workers(tmp_path: Path, migrated_sqlite: Path) -> Iterator[int]:
    """The port of a site that gunicorn serves with two workers, on its own database."""
    shutil.copy(migrated_sqlite, tmp_path / "guidance.sqlite")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "GUIDANCE_DATA": str(tmp_path),
        "GUIDANCE_BIND": f"127.0.0.1:{port}",
        "GUIDANCE_WORKERS": "2",
        "GUIDANCE_LOG_REQUESTS": "no",
    }
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
        cwd=config.PROJECT,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _time in range(600):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=60)


def _seen_by_workers(port: int) -> dict[str, str]:
    """The notices page as each worker shows it, by the beginning of the numbers it gives to requests."""
    pages: dict[str, str] = {}
    for _time in range(200):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        connection.request("GET", "/en/notices/")
        answer = connection.getresponse()
        pages[answer.headers["X-Request-Id"][:8]] = answer.read().decode()
        connection.close()
        if len(pages) == 2:
            break
    return pages


def test_a_notice_is_read_in_every_worker_two_seconds_after_it_is_published(
    two_workers: int, tmp_path: Path
) -> None:
    """Both have the page in memory; both let go of it."""
    before = _seen_by_workers(two_workers)
    assert len(before) == 2
    assert not any("The office is closed" in page for page in before.values())

    @transaction
    def publish() -> None:
        words = {"en": "The office is closed"}
        notice = Notice(
            key="closed", kind="service", title=words, body=words, subjects=[], shown_from=today(), published_at=now()
        )  # fmt: skip
        db.session.add(notice)
        content_changed()

    with create_app(settings_for(tmp_path)).app_context():
        publish()
        db.engine.dispose()
    time.sleep(2)
    after = _seen_by_workers(two_workers)
    assert after.keys() == before.keys()
    assert all("The office is closed" in page for page in after.values())
