"""The threads of gunicorn stay with a visitor who asks again at once, and forget nobody over it."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guidance.config import PROJECT

SITE = "def app(environ, start):\n    start('200 OK', [('Content-Length', '2')])\n    return [b'ok']\n"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server with one thread for everybody, and its port."""
    (tmp_path / "hello.py").write_text(SITE)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    patient = (
        "import guidance.worker\nguidance.worker.MILLISECONDS = 2_000\nWorker = guidance.worker.Worker\n"
    )
    (tmp_path / "patient.py").write_text(patient)  # a busy machine may take longer than two to ask again
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-k", "patient.Worker", "--threads", "1", "-b", f"127.0.0.1:{port}",
         "--keep-alive", "15", "hello:app"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}:{PROJECT}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _time in range(100):
        try:
            ask(http.client.HTTPConnection("127.0.0.1", port, timeout=10))
            break
        except OSError:
            time.sleep(0.1)
    yield server, port
    server.kill()
    server.wait()


def ask(connection: http.client.HTTPConnection) -> bool:
    """Ask once; tells whether the connection stays open."""
    connection.request("GET", "/")
    answer = connection.getresponse()
    assert answer.read() == b"ok"
    return not answer.will_close


def test_who_asks_without_a_pause_lets_others_through(served: tuple[subprocess.Popen[bytes], int]) -> None:
    """One visitor never stops asking the only thread there is; another is answered all the same."""
    _server, port = served
    stop, asked = threading.Event(), []

    def without_a_pause() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        while not stop.is_set():
            asked.append(ask(connection))

    busy = threading.Thread(target=without_a_pause)
    busy.start()
    try:
        while len(asked) < 20:
            time.sleep(0.01)
        for _time in range(5):
            assert ask(http.client.HTTPConnection("127.0.0.1", port, timeout=5))
    finally:
        stop.set()
        busy.join()
    assert all(asked)


def test_who_asks_without_a_pause_does_not_keep_a_server_from_stopping(
    served: tuple[subprocess.Popen[bytes], int],
) -> None:
    """The last answer says that the connection closes, and every question before it was answered."""
    server, port = served
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    assert all(ask(connection) for _time in range(20))
    server.send_signal(signal.SIGTERM)
    began = time.monotonic()
    while ask(connection):
        assert time.monotonic() - began < 10
    assert server.wait(timeout=10) == 0
