"""What the site says about itself while it runs: counters for all workers, one log line a request, slow queries."""

from __future__ import annotations

import json
import logging
import mmap
import os
import secrets
import struct
import sys
import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Flask
from sqlalchemy import event

from guidance.db import db

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from sqlalchemy.engine import Engine

# Seconds; a histogram says how many answers took at most so long.
BOUNDS = (0.005, 0.02, 0.1, 0.5, 1.0, 5.0)
NAMES = (
    "requests_2xx",
    "requests_3xx",
    "requests_4xx",
    "requests_5xx",
    "slow_queries",
    "microseconds",
    *(f"within_{bound}" for bound in BOUNDS),
)
LATEST = ("last_error_at",)  # not a sum: the greatest of all workers counts
_PLACE = {name: number for number, name in enumerate((*NAMES, *LATEST))}
_SIZE = 8 * len(_PLACE)
_WITHIN = tuple(f"within_{bound}" for bound in BOUNDS)
FOLDER = "meters"
GONE = "gone.bin"
# The token that follows is a citizen's secret; what comes after it must not reach a log.
SECRET_AFTER = frozenset({"help"})
_KINDS = {kind: f"requests_{kind}xx" for kind in "2345"}

_request: ContextVar[str] = ContextVar("request", default="")
log = logging.getLogger("guidance.requests")
slow = logging.getLogger("guidance.queries")


def request_id() -> str:
    """The number of the present request, as the log and the answer's `X-Request-Id` have it; empty outside one."""
    return _request.get()


# --- counters ----------------------------------------------------------------------------------


class Counters:
    """This worker's counters in a small file: they survive the worker, and every worker can add up all of them."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; the file is made at the first count, because a worker is forked after that."""
        self._folder = folder
        self._lock = threading.Lock()
        self._view: memoryview | None = None
        self._pid = 0

    def _open(self) -> memoryview:
        if self._view is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._folder.mkdir(parents=True, exist_ok=True)
            _fold_gone(self._folder)
            path = self._folder / f"{self._pid}-{time.time_ns()}.bin"
            with path.open("w+b") as file:
                file.write(bytes(_SIZE))
                file.flush()
                self._view = memoryview(mmap.mmap(file.fileno(), _SIZE)).cast("Q")
        return self._view

    def add(self, *counts: tuple[str, int]) -> None:
        """Count up; a disk without room or right to write is no reason to fail."""
        with self._lock:
            try:
                kept = self._open()
            except OSError:
                return
            for name, number in counts:
                kept[_PLACE[name]] += number

    def note(self, name: str, value: int) -> None:
        """Keep the newest value of something."""
        with self._lock:
            try:
                self._open()[_PLACE[name]] = value
            except OSError:
                return

    def totals(self) -> dict[str, int]:
        """Everything counted on this machine, by all workers that are and were."""
        found = dict.fromkeys(_PLACE, 0)
        for path in sorted(self._folder.glob("*.bin")):
            _merge(found, path)
        return found


def _merge(into: dict[str, int], path: Path) -> None:
    try:
        content = path.read_bytes()
    except OSError:
        return
    if len(content) != _SIZE:
        return
    numbers = memoryview(content).cast("Q")
    for name, place in _PLACE.items():
        number = numbers[place]
        into[name] = max(into[name], number) if name in LATEST else into[name] + number


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _fold_gone(folder: Path) -> None:
    """Add the files of workers that are gone to one; under a lock, because workers start together."""
    import fcntl  # only here, once a worker

    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        gone = [
            path
            for path in folder.glob("[0-9]*-*.bin")
            if not _alive(int(path.name.partition("-")[0])) or path.name.startswith(f"{os.getpid()}-")
        ]
        if not gone:
            return
        sums = dict.fromkeys(_PLACE, 0)
        for path in (folder / GONE, *gone):
            _merge(sums, path)
        fresh = folder / f"fresh-{os.getpid()}"
        fresh.write_bytes(struct.pack(f"{len(_PLACE)}Q", *sums.values()))
        fresh.replace(folder / GONE)
        for path in gone:
            path.unlink(missing_ok=True)


# --- around every request ----------------------------------------------------------------------


def _shown(path: str, status: str) -> str:
    """The path as a log may have it: no secret of a citizen, and nothing that a stranger typed."""
    parts = path.split("/")
    if status.startswith("404"):
        return f"/{parts[1][:2]}/…" if len(parts) > 2 else "/…"
    if len(parts) > 3 and parts[2] in SECRET_AFTER:
        return "/".join([*parts[:3], "…"])
    return path[:200]


class Meter:
    """Wraps the site: numbers each request, times it, counts it, and writes one line without personal data."""

    def __init__(self, site: WSGIApplication, counters: Counters, lines: bool) -> None:
        """`lines` says whether every request gets its line; failures always do."""
        self._site = site
        self._counters = counters
        self._lines = lines
        self._begin, self._following = "", count()
        os.register_at_fork(after_in_child=self._number_anew)
        self._number_anew()

    def _number_anew(self) -> None:
        """Every worker numbers its requests by itself; no two begin alike."""
        self._begin, self._following = secrets.token_hex(4), count()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the site does, with `X-Request-Id`."""
        number = f"{self._begin}{next(self._following):08x}"
        _request.set(number)
        begin = time.perf_counter()
        said = ["500 "]

        def start(
            status: str, headers: list[tuple[str, str]], error: Any = None
        ) -> Callable[[bytes], object]:
            said[0] = status
            headers.append(("X-Request-Id", number))
            return start_response(status, headers, error)

        try:
            return self._site(environ, start)
        finally:
            self._told(environ, said[0], time.perf_counter() - begin)

    def _told(self, environ: WSGIEnvironment, status: str, seconds: float) -> None:
        kind = status[:1] if status[:1] in "2345" else "5"
        counts = ((_KINDS[kind], 1), ("microseconds", int(seconds * 1_000_000)))
        bound = bisect_left(BOUNDS, seconds)
        self._counters.add(*counts, (_WITHIN[bound], 1)) if bound < len(BOUNDS) else self._counters.add(
            *counts
        )
        if kind == "5":
            self._counters.note("last_error_at", int(time.time()))
        if self._lines or kind == "5":
            path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
            log.info(
                "request",
                extra={
                    "more": {
                        "method": environ["REQUEST_METHOD"],
                        "path": _shown(path, status),
                        "status": int(status[:3]) if status[:3].isdigit() else 500,
                        "ms": round(seconds * 1000, 1),
                    }
                },
            )


# --- log lines ---------------------------------------------------------------------------------


class JsonLines(logging.Formatter):
    """One JSON object a line: when, how bad, what, which request; never an address, a query string or a parameter."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        said: dict[str, Any] = {"at": at, "level": record.levelname.lower(), "what": record.getMessage()}
        if request_id():
            said["id"] = request_id()
        said |= getattr(record, "more", {})
        if record.exc_info:
            said["trace"] = self.formatException(record.exc_info)
        return json.dumps(said, ensure_ascii=False, default=str)


class _Stderr(logging.StreamHandler[Any]):
    """Writes to whatever standard error is at the moment."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)
        self.setFormatter(JsonLines())

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        self.stream = sys.stderr
        super().emit(record)


def _speak(logger: logging.Logger) -> None:
    if not any(isinstance(handler, _Stderr) for handler in logger.handlers):
        logger.handlers = [_Stderr()]
        logger.setLevel(logging.INFO)
        logger.propagate = False


# --- slow queries ------------------------------------------------------------------------------


def watch_queries(engine: Engine, counters: Counters, milliseconds: int) -> None:
    """Log the text of a query that took too long, never its parameters."""
    limit = milliseconds / 1000

    def before(_connection: Any, _cursor: Any, _text: str, _values: Any, context: Any, _many: bool) -> None:
        if context is not None:
            context.began = time.perf_counter()

    def after(_connection: Any, _cursor: Any, text: str, _values: Any, context: Any, _many: bool) -> None:
        took = time.perf_counter() - getattr(context, "began", float("inf"))
        if took >= limit:
            counters.add(("slow_queries", 1))
            said = " ".join(text.split())[:500]
            slow.warning("slow query", extra={"more": {"ms": round(took * 1000), "query": said}})

    event.listen(engine, "before_cursor_execute", before)
    event.listen(engine, "after_cursor_execute", after)


# --- Prometheus --------------------------------------------------------------------------------


class Figure(NamedTuple):
    """One figure for Prometheus: what it means, its kind, and its values by label."""

    name: str
    meaning: str
    kind: str
    values: tuple[tuple[str, float], ...]


def figures(totals: dict[str, int]) -> Iterator[Figure]:
    """The counters of this machine's workers."""
    yield Figure(
        "guidance_requests_total",
        "Requests answered, by class of status.",
        "counter",
        tuple((f'status="{kind}xx"', totals[f"requests_{kind}xx"]) for kind in "2345"),
    )
    answered = sum(totals[f"requests_{kind}xx"] for kind in "2345")
    added, rows = 0, []
    for bound in BOUNDS:
        added += totals[f"within_{bound}"]
        rows.append((f'le="{bound}"', float(added)))
    rows.append(('le="+Inf"', float(answered)))
    yield Figure("guidance_request_seconds", "Time to answer.", "histogram", tuple(rows))
    yield Figure(
        "guidance_slow_queries_total", "Queries over the limit.", "counter", (("", totals["slow_queries"]),)
    )


def exposition(found: Iterable[Figure], totals: dict[str, int]) -> str:
    """The text that Prometheus reads."""
    lines: list[str] = []
    for figure in found:
        lines += [f"# HELP {figure.name} {figure.meaning}", f"# TYPE {figure.name} {figure.kind}"]
        name = f"{figure.name}_bucket" if figure.kind == "histogram" else figure.name
        for label, value in figure.values:
            number = f"{value:.0f}" if float(value).is_integer() else repr(value)
            lines.append(f"{name}{{{label}}} {number}" if label else f"{name} {number}")
        if figure.kind == "histogram":
            lines.append(f"{figure.name}_sum {totals['microseconds'] / 1_000_000:.6f}")
            lines.append(f"{figure.name}_count {figure.values[-1][1]:.0f}")
    return "\n".join(lines) + "\n"


def counters_of(app: Flask) -> Counters:
    """The counters of a site."""
    found: Counters = app.extensions["meters"]
    return found


def init_app(app: Flask) -> None:
    """Count and log what the site answers. Call it when nothing but static files is to stand in front."""
    settings = app.config["SETTINGS"]
    counters = app.extensions["meters"] = Counters(settings.data / FOLDER)
    for logger in (app.logger, log, slow):
        _speak(logger)
    app.wsgi_app = Meter(app.wsgi_app, counters, settings.log_requests)  # type: ignore[method-assign]  # how WSGI middleware is put around Flask
    with app.app_context():
        watch_queries(db.engine, counters, settings.slow_query_ms)
