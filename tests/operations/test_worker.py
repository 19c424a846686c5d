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
from contextlib import contextmanager
from pathlib import Path

from guidance.config import PROJECT

# Answers how often a connection was handed to a thread. A busy machine may take longer than two milliseconds to ask again.
SITE = """
import guidance.worker

guidance.worker.PATIENCE = 2_000
guidance.worker.SECONDS_IN_A_ROW = {seconds}
handed = 0


class Worker(guidance.worker.Worker):
    def enqueue_req(self, conn):
        global handed
        handed += 1
        super().enqueue_req(conn)


def app(environ, start):
    answer = str(handed).encode()
    start("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
"""


@contextmanager
def served(folder: Path, seconds: float) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A server with one thread for everybody, and its port."""
    (folder / "counting.py").write_text(SITE.format(seconds=seconds))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-k", "counting.Worker", "--threads", "1", "-b", f"127.0.0.1:{port}",
         "--keep-alive", "15", "counting:app"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{folder}:{PROJECT}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        for _time in range(100):
            try:
                ask(visitor(port))
                break
            except OSError:
                time.sleep(0.1)
        yield server, port
    finally:
        server.kill()
        server.wait()


def visitor(port: int) -> http.client.HTTPConnection:
    """Somebody with a connection of their own."""
    return http.client.HTTPConnection("127.0.0.1", port, timeout=5)


def ask(connection: http.client.HTTPConnection) -> tuple[int, bool]:
    """How often a connection has been handed to a thread, and whether this one stays open."""
    connection.request("GET", "/")
    answer = connection.getresponse()
    return int(answer.read()), not answer.will_close


def test_a_thread_stays_with_who_asks_again_at_once(tmp_path: Path) -> None:
    """Twenty answers for one handing over."""
    with served(tmp_path, seconds=60) as (_server, port):
        connection = visitor(port)
        assert len({ask(connection) for _time in range(20)}) == 1


def test_who_asks_without_a_pause_lets_others_through(tmp_path: Path) -> None:
    """One visitor never stops asking the only thread there is; another is answered all the same."""
    stop, asked = threading.Event(), []
    with served(tmp_path, seconds=0.01) as (_server, port):

        def without_a_pause() -> None:
            connection = visitor(port)
            while not stop.is_set():
                asked.append(ask(connection))

        busy = threading.Thread(target=without_a_pause)
        busy.start()
        try:
            while len(asked) < 20:
                time.sleep(0.01)
            for _time in range(5):
                ask(visitor(port))
        finally:
            stop.set()
            busy.join()
    assert all(stays_open for _handed, stays_open in asked)


def test_who_asks_without_a_pause_does_not_keep_a_server_from_stopping(tmp_path: Path) -> None:
    """The last answer says that the connection closes, and every question before it was answered."""
    with served(tmp_path, seconds=60) as (server, port):
        connection = visitor(port)
        for _time in range(20):
            assert ask(connection)[1]
        server.send_signal(signal.SIGTERM)
        began = time.monotonic()
        while ask(connection)[1]:
            assert time.monotonic() - began < 10
        assert server.wait(timeout=10) == 0


def test_workers_are_forked_with_the_checkers_of_content_made() -> None:
    """The settings of gunicorn do what takes long once for all."""
    asked = (
        "import runpy; runpy.run_path('gunicorn.conf.py')['when_ready'](None)\n"
        "from guidance.catalogue import shapes as ours; from guidance.guides import shapes\n"
        "print(ours.GuidanceFacts.__pydantic_complete__, shapes.Content.__pydantic_complete__)"
    )
    said = subprocess.run([sys.executable, "-c", asked], cwd=PROJECT, capture_output=True, text=True, check=True)  # fmt: skip
    assert said.stdout.split() == ["True", "True"]
